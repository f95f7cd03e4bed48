"""TE11: who missed a meeting is offered another, once, and only when somebody says so."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from showup.deliveries import routing
from showup.effects import Confirm, FollowUp, Remind
from showup.events import AttendeeSeen, BookingMade, News, OutcomeReported, SeatLeft
from showup.pipeline.rules import RuleBook, Rules
from showup.pipeline.story import Story, tell
from tests.pipeline.cast import (
    BEN,
    FIRST,
    FRIDAY,
    GWEN,
    HALF_HOUR,
    MIKE,
    MONDAY,
    PAT,
    SARAH,
    THURSDAY,
    TOM,
    bare,
    booking,
    cancelled,
    ended,
    guests_missed,
    host_missed,
    hours,
    made,
    marked,
    news,
    requested,
    rescheduled,
    said,
    seat,
    started,
    story,
)

OVER = THURSDAY + HALF_HOUR
SOON = OVER + timedelta(minutes=20)
LATER = SOON + timedelta(minutes=20)
HEARD = timedelta(seconds=10)


def outcome(what: Any, at: datetime = SOON) -> News:
    return news(OutcomeReported(of="uid:abc123", outcome=what), at, timedelta(0))


def mark(*, absent: bool = True, at: datetime = SOON, who: AttendeeSeen = SARAH) -> News:
    return marked(at, came=not absent, who=who)


def late(item: News, so_late: timedelta, route: str = "user") -> News:
    return news(item.event, item.source_at, so_late, route)


def told(*given: News, **rules: Any) -> Story:
    return story(*given, rules=Rules(**{"follow_up": True, **rules}))


def offered(*given: News, **rules: Any) -> list[str]:
    return [one.recipient for one in said(told(*given, **rules), FollowUp)]


class TestWhoIsOffered:
    @pytest.mark.parametrize(
        "report",
        [
            mark(),
            guests_missed(),
            outcome("no_show"),
            ended(who=(replace(SARAH, no_show=True),)),
            ended(who=(replace(SARAH, attended=False),)),
        ],
        ids=["cal.com", "cal video", "a person", "noShow", "attended"],
    )
    def test_whoever_somebody_says_did_not_come(self, report: News) -> None:
        assert offered(made(), report) == [SARAH.email]

    def test_nobody_unless_rules_say_so(self) -> None:
        assert said(story(made(), mark()), FollowUp) == []

    @pytest.mark.parametrize("meeting_ended", ["showed", "unreported"])
    def test_nobody_because_the_clock_ran_on(self, meeting_ended: str) -> None:
        assert offered(made(), started(), ended(), meeting_ended=meeting_ended) == []

    @pytest.mark.parametrize("absent", [host_missed(), outcome("host_absent"), ended(host_absent=True)])
    def test_nobody_when_the_host_was_missing(self, absent: News) -> None:
        assert offered(made(), absent, guests_missed(), mark()) == []
        assert offered(made(), guests_missed(), absent) == []

    def test_nobody_of_a_meeting_that_was_called_off(self) -> None:
        assert offered(made(), cancelled(), mark()) == []
        assert offered(made(), mark(), cancelled(LATER)) == []

    def test_nobody_of_our_own(self) -> None:
        ours = {"team_domains": frozenset({"acme.com"})}
        assert offered(made(), mark(), **ours) == []
        assert offered(made(who=(PAT,)), guests_missed()) == []

    def test_the_booker_and_no_guest_of_theirs(self) -> None:
        """One a missed meeting, whoever is told of meetings otherwise."""
        given = made(who=(SARAH, TOM))
        assert offered(given, guests_missed(), tell_guests=True) == [SARAH.email]
        assert offered(given, mark(who=TOM), tell_guests=True) == []

    def test_of_many_seats_everybody_who_was_missing(self) -> None:
        one = made(who=seat(SARAH, 1), seated=True)
        two = news(BookingMade(booking=booking(who=seat(MIKE, 2), seated=True)), one.source_at + HEARD)
        assert offered(one, two, mark(who=MIKE)) == [MIKE.email]
        assert sorted(offered(one, two, guests_missed())) == [MIKE.email, SARAH.email]

    def test_nobody_who_gave_the_seat_back(self) -> None:
        one = made(who=seat(SARAH, 1), seated=True)
        two = news(BookingMade(booking=booking(who=seat(MIKE, 2), seated=True)), one.source_at + HEARD)
        left = news(SeatLeft(booking=bare(attendees=seat(MIKE, 2))), LATER)
        assert offered(one, two, guests_missed(), left) == [SARAH.email]

    def test_of_somebody_who_is_not_among_the_attendees_nobody(self) -> None:
        assert offered(made(), mark(who=GWEN)) == []


class TestOnce:
    def test_two_reports_are_one_meeting_missed(self) -> None:
        given = (made(), guests_missed(), ended(), mark(), outcome("no_show", LATER))
        (one,) = said(told(*given), FollowUp)
        assert one.key == f"missed:abc123:20260305T140000Z:{SARAH.email}"

    def test_in_time_by_one_route_and_too_late_by_another_it_is_offered(self) -> None:
        again = late(mark(), hours(30), route="team")
        assert offered(made(), mark(), again) == offered(made(), again, mark()) == [SARAH.email]

    def test_a_report_that_came_too_late_is_made_good_by_one_in_time(self) -> None:
        assert offered(made(), late(guests_missed(), hours(30)), outcome("no_show")) == [SARAH.email]

    def test_a_second_meeting_missed_is_another_one(self) -> None:
        moved = rescheduled(LATER)
        keys = [one.key for one in said(told(made(), mark(), moved, mark_of_friday()), FollowUp)]
        assert keys == [f"missed:xyz789:20260306T100000Z:{SARAH.email}"]


def mark_of_friday() -> News:
    return marked(FRIDAY + HALF_HOUR, came=False, uid="xyz789")


class TestTakenBack:
    @pytest.mark.parametrize(
        "correction",
        [
            mark(absent=False, at=LATER),
            outcome("showed", LATER),
            outcome("rescheduled", LATER),
            outcome("host_absent", LATER),
            cancelled(LATER),
            rescheduled(LATER),
            requested(LATER, uid="xyz789", start=FRIDAY),
        ],
        ids=["unmarked", "showed", "put off", "host absent", "called off", "moved", "another time is asked for"],
    )
    def test_when_it_turns_out_otherwise(self, correction: News) -> None:
        given = told(made(), mark(), correction)
        assert said(given, FollowUp) == []
        (want,) = [want for want in given.wants.values() if isinstance(want.effect, FollowUp)]
        assert (want.state, bool(want.because)) == ("withdrawn", True)

    def test_old_news_takes_it_back_too(self) -> None:
        assert offered(made(), mark(), late(mark(absent=False, at=LATER), hours(48))) == []

    def test_and_offered_again_when_that_was_wrong(self) -> None:
        again = mark(at=LATER + HALF_HOUR)
        (one,) = said(told(made(), mark(), mark(absent=False, at=LATER), again), FollowUp)
        assert one.due_at == again.received_at + hours(2)

    def test_a_mark_taken_back_before_the_end_takes_it_back(self) -> None:
        early = THURSDAY + timedelta(minutes=5)
        assert offered(made(), mark(at=early), mark(absent=False, at=early + HEARD)) == []

    def test_nothing_else_is_taken_back_with_it(self) -> None:
        given = told(made(), mark(), mark(absent=False, at=LATER))
        assert (len(said(given, Confirm)), len(said(given, Remind))) == (1, 3)

    def test_of_many_seats_only_theirs(self) -> None:
        one = made(who=seat(SARAH, 1), seated=True)
        two = news(BookingMade(booking=booking(who=seat(MIKE, 2), seated=True)), one.source_at + HEARD)
        assert offered(one, two, guests_missed(), mark(absent=False, at=LATER, who=MIKE)) == [SARAH.email]


class TestWhen:
    def due(self, *given: News, **rules: Any) -> datetime:
        (one,) = said(told(*given, **rules), FollowUp)
        return one.due_at

    def test_some_time_after_we_heard_of_it(self) -> None:
        assert self.due(made(), mark()) == SOON + HEARD + hours(2)
        assert self.due(made(), mark(), follow_up_after=hours(1)) == SOON + HEARD + hours(1)

    def test_never_before_that_time_after_the_meeting(self) -> None:
        assert self.due(made(), guests_missed()) == OVER + hours(2)

    def test_not_at_night_where_they_are(self) -> None:
        """14:30 in UTC is 09:30 in New York and 20:15 in Kathmandu."""
        far = replace(SARAH, time_zone="Asia/Kathmandu")
        assert self.due(made(who=(far,)), mark()) == datetime(2026, 3, 6, 2, 15, tzinfo=UTC)
        assert self.due(made(), mark(), follow_up_after=hours(12)) == datetime(2026, 3, 6, 13, tzinfo=UTC)

    def test_of_somebody_without_a_zone_where_the_organizer_is(self) -> None:
        given = made(who=(GWEN,), organizer_time_zone="Asia/Tokyo")
        assert self.due(given, mark(who=GWEN)) == datetime(2026, 3, 5, 23, tzinfo=UTC)

    def test_at_any_hour_if_rules_say_so(self) -> None:
        given = made(who=(replace(SARAH, time_zone="Asia/Kathmandu"),))
        assert self.due(given, mark(), follow_up_quiet_hours=("00:00", "00:00")) == SOON + HEARD + hours(2)

    @pytest.mark.parametrize(("so_late", "many"), [(hours(23.9), 1), (hours(24), 0), (hours(70), 0)])
    def test_only_news_that_is_fresh(self, so_late: timedelta, many: int) -> None:
        """PI13: how fresh it is, counts from the news and not from the meeting."""
        assert len(offered(made(), late(mark(), so_late))) == many

    @pytest.mark.parametrize(("days", "many"), [(1, 1), (2.9, 1), (3, 0), (30, 0)])
    def test_not_of_a_meeting_that_is_over_for_days(self, days: float, many: int) -> None:
        """PI13: who tidies up last month surprises nobody."""
        assert (
            len(offered(made(), mark(at=OVER + timedelta(days=days)), follow_up_quiet_hours=("00:00", "00:00"))) == many
        )

    def test_late_it_is_sent_for_some_days_at_most(self) -> None:
        (one,) = said(told(made(), mark(), follow_up_expires_after=hours(50)), FollowUp)
        assert one.expires_at == OVER + hours(2) + hours(50)

    def test_under_the_rules_of_its_time(self) -> None:
        """PI10: what was called for holds when rules say otherwise later, and may be taken back all the same."""
        book = RuleBook(since=(MONDAY, LATER), versions=(Rules(follow_up=True), Rules()))
        assert len(said(tell(FIRST, [made(), mark()], book), FollowUp)) == 1
        assert said(tell(FIRST, [made(), mark(at=LATER)], book), FollowUp) == []
        assert said(tell(FIRST, [made(), mark(), mark(absent=False, at=LATER)], book), FollowUp) == []


class TestItsDelivery:
    def test_goes_after_all_others_and_says_how_often_one_may_come(self) -> None:
        (one,) = said(told(made(), mark(), follow_up_at_most_every=timedelta(days=7)), FollowUp)
        assert routing.kind(one) == "follow_up"
        assert routing.details(one) == {"at_most_every_seconds": 604_800}
        (confirm,) = said(story(made()), Confirm)
        reminder = said(story(made()), Remind)[0]
        assert routing.priority(one) < routing.priority(reminder) < routing.priority(confirm)

    def test_leads_to_a_page_of_its_own_if_rules_name_one(self) -> None:
        page = f"https://cal.com/{BEN.partition('@')[0]}"
        (one,) = said(told(made(), mark(), follow_up_rebook_url=page), FollowUp)
        assert routing.details(one)["rebook_url"] == page
