"""TE11: an attendee reported as absent is offered another meeting, once."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from showup.events.booking import BookingMade, OutcomeReported, SeatLeft
from showup.events.details import AttendeeDetails
from showup.events.envelope import EventRecord
from showup.outbox.routing import route
from showup.pipeline.replay import BookingState, replay
from showup.pipeline.rules import RuleBook, Rules
from tests.pipeline.sample_events import (
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
    bare_booking,
    booking,
    cancelled,
    ended,
    guests_missed,
    host_missed,
    hours,
    made,
    marked,
    messages_of,
    record_of,
    requested,
    rescheduled,
    seat,
    started,
    state_of,
)

END = THURSDAY + HALF_HOUR
SOON = END + timedelta(minutes=20)
LATER = SOON + timedelta(minutes=20)
RECEIPT_DELAY = timedelta(seconds=10)


def outcome(outcome: Any, at: datetime = SOON) -> EventRecord:
    return record_of(OutcomeReported(subject="uid:abc123", outcome=outcome), at, timedelta(0))


def mark(*, absent: bool = True, at: datetime = SOON, attendee: AttendeeDetails = SARAH) -> EventRecord:
    return marked(at, came=not absent, attendee=attendee)


def received_late(record: EventRecord, delay: timedelta, route: str = "user") -> EventRecord:
    return record_of(record.event, record.source_at, delay, route)


def state_with_follow_ups(*records: EventRecord, **rules: Any) -> BookingState:
    return state_of(*records, rules=Rules(**{"follow_up": True, **rules}))


def offered_to(*records: EventRecord, **rules: Any) -> list[str]:
    return [one.recipient for one in messages_of(state_with_follow_ups(*records, **rules), "no_show")]


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
    def test_a_reported_no_show_is_offered_another_meeting(self, report: EventRecord) -> None:
        assert offered_to(made(), report) == [SARAH.email]

    def test_no_follow_up_by_default(self) -> None:
        assert messages_of(state_of(made(), mark()), "no_show") == []

    @pytest.mark.parametrize("meeting_ended", ["showed", "unreported"])
    def test_no_follow_up_because_the_meeting_ended(self, meeting_ended: str) -> None:
        assert offered_to(made(), started(), ended(), meeting_ended=meeting_ended) == []

    @pytest.mark.parametrize("absent", [host_missed(), outcome("host_absent"), ended(host_absent=True)])
    def test_no_follow_up_when_the_host_was_absent(self, absent: EventRecord) -> None:
        assert offered_to(made(), absent, guests_missed(), mark()) == []
        assert offered_to(made(), guests_missed(), absent) == []

    def test_no_follow_up_of_a_cancelled_meeting(self) -> None:
        assert offered_to(made(), cancelled(), mark()) == []
        assert offered_to(made(), mark(), cancelled(LATER)) == []

    def test_no_teammate_and_no_phone_only_attendee(self) -> None:
        ours = {"team_domains": frozenset({"acme.com"})}
        assert offered_to(made(), mark(), **ours) == []
        assert offered_to(made(who=(PAT,)), guests_missed()) == []

    def test_only_the_booker_and_no_guest(self) -> None:
        """Each missed meeting has one follow-up, even if guests get the other mails."""
        record = made(who=(SARAH, TOM))
        assert offered_to(record, guests_missed(), notify_guests=True) == [SARAH.email]
        assert offered_to(record, mark(attendee=TOM), notify_guests=True) == []

    def test_every_seat_that_was_missed(self) -> None:
        one = made(who=seat(SARAH, 1), seated=True)
        two = record_of(BookingMade(booking=booking(who=seat(MIKE, 2), seated=True)), one.source_at + RECEIPT_DELAY)
        assert offered_to(one, two, mark(attendee=MIKE)) == [MIKE.email]
        assert sorted(offered_to(one, two, guests_missed())) == [MIKE.email, SARAH.email]

    def test_no_follow_up_for_a_cancelled_seat(self) -> None:
        one = made(who=seat(SARAH, 1), seated=True)
        two = record_of(BookingMade(booking=booking(who=seat(MIKE, 2), seated=True)), one.source_at + RECEIPT_DELAY)
        left = record_of(SeatLeft(booking=bare_booking(attendees=seat(MIKE, 2))), LATER)
        assert offered_to(one, two, guests_missed(), left) == [SARAH.email]

    def test_no_follow_up_for_a_non_attendee(self) -> None:
        assert offered_to(made(), mark(attendee=GWEN)) == []


class TestOnce:
    def test_two_reports_make_one_follow_up(self) -> None:
        records = (made(), guests_missed(), ended(), mark(), outcome("no_show", LATER))
        (one,) = messages_of(state_with_follow_ups(*records), "no_show")
        assert one.key == f"missed:abc123:20260305T140000Z:{SARAH.email}"

    def test_one_report_in_time_is_enough(self) -> None:
        again = received_late(mark(), hours(30), route="team")
        assert offered_to(made(), mark(), again) == offered_to(made(), again, mark()) == [SARAH.email]

    def test_a_report_in_time_counts_after_a_late_one(self) -> None:
        assert offered_to(made(), received_late(guests_missed(), hours(30)), outcome("no_show")) == [SARAH.email]

    def test_a_second_missed_meeting_makes_another_follow_up(self) -> None:
        moved = rescheduled(LATER)
        keys = [
            one.key for one in messages_of(state_with_follow_ups(made(), mark(), moved, friday_no_show()), "no_show")
        ]
        assert keys == [f"missed:xyz789:20260306T100000Z:{SARAH.email}"]


def friday_no_show() -> EventRecord:
    return marked(FRIDAY + HALF_HOUR, came=False, uid="xyz789")


class TestWithdrawn:
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
        ids=["unmarked", "showed", "put off", "host absent", "cancelled", "moved", "another time is requested"],
    )
    def test_a_correction_withdraws_it(self, correction: EventRecord) -> None:
        state = state_with_follow_ups(made(), mark(), correction)
        assert messages_of(state, "no_show") == []
        (delivery,) = [delivery for delivery in state.plan.messages.values() if delivery.kind == "no_show"]
        assert (delivery.state, bool(delivery.because)) == ("withdrawn", True)

    def test_an_old_correction_withdraws_it(self) -> None:
        assert offered_to(made(), mark(), received_late(mark(absent=False, at=LATER), hours(48))) == []

    def test_it_is_planned_again_after_a_new_report(self) -> None:
        again = mark(at=LATER + HALF_HOUR)
        (one,) = messages_of(state_with_follow_ups(made(), mark(), mark(absent=False, at=LATER), again), "no_show")
        assert one.due_at == again.received_at + hours(2)

    def test_unmarking_before_the_end_withdraws_it(self) -> None:
        early = THURSDAY + timedelta(minutes=5)
        assert offered_to(made(), mark(at=early), mark(absent=False, at=early + RECEIPT_DELAY)) == []

    def test_other_deliveries_are_not_withdrawn(self) -> None:
        state = state_with_follow_ups(made(), mark(), mark(absent=False, at=LATER))
        assert (len(messages_of(state, "confirmation")), len(messages_of(state, "reminder"))) == (1, 3)

    def test_only_the_corrected_seat_is_withdrawn(self) -> None:
        one = made(who=seat(SARAH, 1), seated=True)
        two = record_of(BookingMade(booking=booking(who=seat(MIKE, 2), seated=True)), one.source_at + RECEIPT_DELAY)
        assert offered_to(one, two, guests_missed(), mark(absent=False, at=LATER, attendee=MIKE)) == [SARAH.email]


class TestWhen:
    def due_at(self, *records: EventRecord, **rules: Any) -> datetime:
        (one,) = messages_of(state_with_follow_ups(*records, **rules), "no_show")
        return one.due_at

    def test_due_some_time_after_receipt(self) -> None:
        assert self.due_at(made(), mark()) == SOON + RECEIPT_DELAY + hours(2)
        assert self.due_at(made(), mark(), follow_up_after=hours(1)) == SOON + RECEIPT_DELAY + hours(1)

    def test_never_due_earlier_after_the_meeting(self) -> None:
        assert self.due_at(made(), guests_missed()) == END + hours(2)

    def test_not_in_the_quiet_hours_of_their_time_zone(self) -> None:
        """14:30 in UTC is 09:30 in New York and 20:15 in Kathmandu."""
        attendee = replace(SARAH, time_zone="Asia/Kathmandu")
        assert self.due_at(made(who=(attendee,)), mark()) == datetime(2026, 3, 6, 2, 15, tzinfo=UTC)
        assert self.due_at(made(), mark(), follow_up_after=hours(12)) == datetime(2026, 3, 6, 13, tzinfo=UTC)

    def test_without_a_time_zone_the_organizers_applies(self) -> None:
        record = made(who=(GWEN,), organizer_time_zone="Asia/Tokyo")
        assert self.due_at(record, mark(attendee=GWEN)) == datetime(2026, 3, 5, 23, tzinfo=UTC)

    def test_at_any_hour_without_quiet_hours(self) -> None:
        record = made(who=(replace(SARAH, time_zone="Asia/Kathmandu"),))
        assert self.due_at(record, mark(), follow_up_quiet_hours=("00:00", "00:00")) == SOON + RECEIPT_DELAY + hours(2)

    @pytest.mark.parametrize(("delay", "expected"), [(hours(23.9), 1), (hours(24), 0), (hours(70), 0)])
    def test_only_a_fresh_report_counts(self, delay: timedelta, expected: int) -> None:
        """PI13: freshness counts from the time of the report, not from the meeting."""
        assert len(offered_to(made(), received_late(mark(), delay))) == expected

    @pytest.mark.parametrize(("days", "expected"), [(1, 1), (2.9, 1), (3, 0), (30, 0)])
    def test_not_for_a_meeting_days_ago(self, days: float, expected: int) -> None:
        """PI13: a late report about an old meeting sends no mail."""
        assert (
            len(offered_to(made(), mark(at=END + timedelta(days=days)), follow_up_quiet_hours=("00:00", "00:00")))
            == expected
        )

    def test_it_expires_after_some_days(self) -> None:
        (one,) = messages_of(state_with_follow_ups(made(), mark(), follow_up_expires_after=hours(50)), "no_show")
        assert one.expires_at == END + hours(2) + hours(50)

    def test_the_rules_of_its_time_apply(self) -> None:
        """PI10: a planned follow-up stays when the rules change later, and a correction can still withdraw it."""
        book = RuleBook(since=(MONDAY, LATER), versions=(Rules(follow_up=True), Rules()))
        assert len(messages_of(replay(FIRST, [made(), mark()], book), "no_show")) == 1
        assert messages_of(replay(FIRST, [made(), mark(at=LATER)], book), "no_show") == []
        assert messages_of(replay(FIRST, [made(), mark(), mark(absent=False, at=LATER)], book), "no_show") == []


class TestItsDelivery:
    def test_it_has_the_lowest_priority_and_a_frequency_limit(self) -> None:
        (one,) = messages_of(
            state_with_follow_ups(made(), mark(), follow_up_at_most_every=timedelta(days=7)), "no_show"
        )
        assert one.details == {"at_most_every_seconds": 604_800}
        (confirm,) = messages_of(state_of(made()), "confirmation")
        reminder = messages_of(state_of(made()), "reminder")[0]
        priorities = [route(FIRST, planned, [], simulated=False)[0].priority for planned in (one, reminder, confirm)]
        assert priorities == sorted(set(priorities)), "each has a higher one than the message before it"

    def test_it_has_the_rebook_url_of_the_rules(self) -> None:
        page = f"https://cal.com/{BEN.partition('@')[0]}"
        (one,) = messages_of(state_with_follow_ups(made(), mark(), follow_up_rebook_url=page), "no_show")
        assert one.details["rebook_url"] == page


class TestWhatTheReportDecides:
    @pytest.mark.parametrize("follows_up", [True, False])
    def test_a_report_decides_whatever_the_rules_say(self, *, follows_up: bool) -> None:
        during = THURSDAY + timedelta(minutes=20)
        for offer in (True, False):
            report = OutcomeReported(subject="uid:abc123", outcome="no_show", offer=offer)
            # The scheduled end comes after it, and finds the same absence.
            records = (made(), record_of(report, during, timedelta(0)), ended(who=(replace(SARAH, no_show=True),)))
            assert states_after(*records, follow_up=follows_up) == (["scheduled"] if offer else [])

    def test_a_later_report_takes_the_offer_back_and_another_one_makes_it_again(self) -> None:
        reports = [
            record_of(OutcomeReported(subject="uid:abc123", outcome="no_show", offer=offer), at, timedelta(0))
            for offer, at in ((True, SOON), (False, LATER), (True, LATER + timedelta(minutes=1)))
        ]
        found = [states_after(made(), ended(), *reports[:number], follow_up=False) for number in (1, 2, 3)]
        assert found == [["scheduled"], [], ["scheduled"]]


def states_after(*records: EventRecord, **rules: Any) -> list[str]:
    return [one.state for one in messages_of(state_with_follow_ups(*records, **rules), "no_show")]
