"""PI3, PI4, PI7: meetings that move, are called off and revived, and what becomes of their deals."""

from uuid import UUID

import pytest

from showup import events
from showup.effects import Remind, TellCancelled
from showup.events import News
from showup.pipeline.rules import Rules
from tests.pipeline.cast import (
    AFTERNOON,
    FRIDAY,
    MIDDAY,
    MONDAY,
    SARAH,
    SECOND,
    THURSDAY,
    TOM,
    after,
    booking,
    cancelled,
    deals,
    ended,
    hours,
    made,
    news,
    rescheduled,
    said,
    started,
    story,
    whats,
)

LAST_MEETING = Rules(cancel_deal="last_meeting")
NEW_WEEK = FRIDAY + hours(96)


def to_third() -> News:
    return rescheduled(AFTERNOON, old="xyz789", uid="third", start=NEW_WEEK)


class TestChains:
    def test_a_chain_of_reschedules_stays_one_booking(self) -> None:
        told = story(made(), rescheduled(), to_third()).booking
        assert told is not None
        assert [held.uid for held in told.uids] == ["abc123", "xyz789", "third"]
        assert (told.uid, told.start_time, told.reschedule_count) == ("third", NEW_WEEK, 2)

    def test_a_lost_link_in_the_chain_loses_only_itself(self) -> None:
        told = story(made(), to_third()).booking
        assert told is not None
        assert [held.uid for held in told.uids] == ["abc123", "xyz789", "third"]
        assert told.start_time == NEW_WEEK

    def test_a_reschedule_of_a_booking_nobody_told_of_founds_it(self) -> None:
        told = story(rescheduled(by="sarah.chen@acme.com"))
        assert told.booking is not None
        assert [held.uid for held in told.booking.uids] == ["abc123", "xyz789"]
        assert (told.booking.reschedule_count, told.booking.rescheduled_by) == (1, "sarah.chen@acme.com")
        assert after(rescheduled()) == ("active", "booked")

    def test_a_host_may_move_a_booking_under_its_own_uid(self) -> None:
        told = story(made(), rescheduled(uid="abc123")).booking
        assert told is not None
        assert (told.uid, told.start_time, told.reschedule_count) == ("abc123", FRIDAY, 1)

    def test_the_same_reschedule_by_another_route_counts_once(self) -> None:
        first = rescheduled()
        told = story(made(), first, news(first.event, first.source_at, route="team")).booking
        assert told is not None
        assert (told.reschedule_count, len(told.uids)) == (1, 2)

    def test_an_attendee_who_is_named_no_longer_has_left(self) -> None:
        told = story(made(who=(SARAH, TOM)), rescheduled()).booking
        assert told is not None
        assert [one.email for one in told.seats] == ["sarah.chen@acme.com"]


class TestAQuietChangeOfTime:
    """Cal.com tells nobody that a booking was edited; the next webhook of it carries the new time."""

    @pytest.mark.parametrize(
        "kind", [events.BookingMade, events.BookingPaid, events.LocationChanged, events.OrganizerChanged]
    )
    def test_the_newest_news_says_what_the_time_is(self, kind: type[events.BookingMade]) -> None:
        told = story(made(), news(kind(booking=booking(start=FRIDAY)), MIDDAY))
        assert told.booking is not None
        assert (told.booking.start_time, told.booking.uid) == (FRIDAY, "abc123")
        assert {reminder.due_at for reminder in said(told, Remind)} == {
            FRIDAY - hours(72),
            FRIDAY - hours(24),
            FRIDAY - hours(2),
        }
        assert len(said(told, Remind, "withdrawn")) == 3

    def test_older_news_that_comes_late_does_not(self) -> None:
        told = story(news(events.BookingPaid(booking=booking(start=FRIDAY)), MIDDAY), made()).booking
        assert told is not None
        assert told.start_time == FRIDAY

    def test_the_journal_says_so(self) -> None:
        told = story(made(), news(made(start=FRIDAY).event, MIDDAY))
        assert whats(told) == ["booking.made", "booking.rescheduled"]
        assert told.lines[1].change["start_time"] == ["2026-03-05T14:00:00Z", "2026-03-06T10:00:00Z"]


class TestCancellations:
    def test_cancelled_twice_is_cancelled_once(self) -> None:
        told = story(made(), cancelled(), cancelled(AFTERNOON + hours(1)))
        assert whats(told) == ["booking.made", "booking.cancelled"]
        assert len(said(told, TellCancelled)) == 1

    def test_a_cancellation_can_come_alone(self) -> None:
        told = story(cancelled())
        assert told.booking is not None
        assert told.booking.status == "CANCELLED"
        assert deals(told).deals == []

    def test_no_booking_comes_back_under_the_same_uid(self) -> None:
        again = made(AFTERNOON + hours(1))
        told = story(made(), cancelled(), again)
        assert told.booking is not None
        assert told.booking.status == "CANCELLED"
        assert set(told.refused) == {again.event_id}

    def test_nor_by_news_of_a_time_chosen_before(self) -> None:
        again = news(rescheduled().event, AFTERNOON + hours(2), route="team")
        gone = cancelled(AFTERNOON + hours(1), uid="xyz789", start=FRIDAY)
        told = story(made(), rescheduled(), gone, again)
        assert told.booking is not None
        assert told.booking.status == "CANCELLED"
        assert told.refused == {again.event_id: "it was called off after the new time was chosen"}

    def test_a_reschedule_after_the_cancellation_revives_the_deal(self) -> None:
        given = (made(), cancelled(), rescheduled(AFTERNOON + hours(1)))
        assert after(*given) == ("active", "booked")
        assert whats(deals(story(*given))) == ["deal.opened", "deal.cancelled", "deal.reopened"]
        told = story(*given).booking
        assert told is not None
        assert (told.status, told.cancellation_reason, told.cancelled_by) == ("ACCEPTED", None, None)

    def test_it_does_not_where_the_company_has_another_deal_by_then(self) -> None:
        first = story(made(), cancelled(MIDDAY), rescheduled(AFTERNOON))
        second = story(made(MIDDAY + hours(1), uid="def456"), booking_id=SECOND)
        book = deals(first, second)
        assert [deal.status for deal in book.deals] == ["cancelled", "active"]
        assert set(book.deal_of.values()) == {book.deals[1].id}
        joined = [line for line in book.lines if line.what == "deal.joined"]
        assert [line.deal_id for line in joined] == [book.deals[1].id]

    def test_only_the_cancellation_that_cancelled_it_can_be_undone(self) -> None:
        first = story(made(), cancelled(MIDDAY))
        second = story(
            made(MONDAY + hours(1), uid="def456"),
            cancelled(AFTERNOON, uid="def456"),
            rescheduled(AFTERNOON + hours(1), old="def456", uid="def789"),
            booking_id=SECOND,
        )
        assert [deal.status for deal in deals(first, second).deals] == ["cancelled"]

    def test_a_new_booking_after_a_cancelled_deal_opens_a_new_one(self) -> None:
        first = story(made(), cancelled(MIDDAY))
        second = story(made(AFTERNOON, uid="def456"), booking_id=SECOND)
        assert [(deal.status, deal.position) for deal in deals(first, second).deals] == [
            ("cancelled", 0),
            ("active", 1),
        ]


class TestTheHostAsksForAnotherTime:
    def test_the_booking_is_cancelled_and_the_deal_is_not(self) -> None:
        told = story(made(), cancelled(ask=True)).booking
        assert told is not None
        assert (told.status, told.reschedule_requested) == ("CANCELLED", True)
        assert after(made(), cancelled(ask=True)) == ("active", "booked")

    def test_booked_again_it_is_the_same_booking_and_deal(self) -> None:
        given = (made(), cancelled(ask=True), rescheduled(AFTERNOON + hours(1)))
        told = story(*given).booking
        assert told is not None
        assert (told.status, told.reschedule_requested, told.uid) == ("ACCEPTED", False, "xyz789")
        assert whats(deals(story(*given))) == ["deal.opened"]

    def test_called_off_after_all_it_cancels_the_deal(self) -> None:
        assert after(made(), cancelled(ask=True), cancelled(AFTERNOON + hours(1))) == ("cancelled", "booked")


class TestTheRuleLastMeeting:
    def two(self, rules: Rules, *, further: News | None = None) -> list[str]:
        first = story(made(), cancelled(AFTERNOON), rules=rules)
        more = () if further is None else (further,)
        second = story(made(MIDDAY, uid="def456", start=FRIDAY), *more, booking_id=SECOND, rules=rules)
        return [deal.status for deal in deals(first, second, rules=rules).deals]

    def test_by_default_any_cancellation_cancels_the_deal(self) -> None:
        assert self.two(Rules()) == ["cancelled"]

    def test_it_keeps_the_deal_while_another_meeting_is_ahead(self) -> None:
        assert self.two(LAST_MEETING) == ["active"]

    def test_the_last_cancellation_cancels_it(self) -> None:
        assert self.two(LAST_MEETING, further=cancelled(AFTERNOON + hours(1), uid="def456")) == ["cancelled"]

    def test_a_meeting_that_waits_for_another_time_is_not_ahead(self) -> None:
        asked = cancelled(MIDDAY + hours(1), uid="def456", ask=True)
        assert self.two(LAST_MEETING, further=asked) == ["cancelled"]

    def test_nor_is_one_that_is_over(self) -> None:
        held = story(made(uid="past", start=MONDAY + hours(1)), booking_id=SECOND, rules=LAST_MEETING)
        given = story(made(MONDAY + hours(1)), cancelled(), rules=LAST_MEETING)
        assert [deal.status for deal in deals(held, given, rules=LAST_MEETING).deals] == ["cancelled"]


class TestWhatTheNewestNewsSays:
    def test_answers_add_up_and_silence_takes_nothing_back(self) -> None:
        more = news(made(answers={"size": "60"}, notes=None).event, MIDDAY)
        told = story(made(answers={"size": "50", "role": "CEO"}, notes="call me", title="Intro"), more).booking
        assert told is not None
        assert (told.answers, told.notes, told.title) == ({"size": "60", "role": "CEO"}, "call me", "Intro")

    def test_a_longer_meeting_is_the_same_meeting(self) -> None:
        told = story(made(), news(made(end_time=THURSDAY + hours(1)).event, MIDDAY))
        assert told.booking is not None
        assert (told.booking.end_time, told.booking.version) == (THURSDAY + hours(1), 1)
        assert told.booking.uids[-1].end_time == THURSDAY + hours(1)
        assert len(said(told, Remind)) == 3

    def test_a_new_start_without_an_end_keeps_the_length(self) -> None:
        told = story(made(), news(made(start=FRIDAY, end_time=None).event, MIDDAY)).booking
        assert told is not None
        assert told.end_time == FRIDAY + hours(0.5)

    def test_what_is_made_up_stays_marked_as_such(self) -> None:
        told = story(made(simulated=True), rescheduled()).booking
        assert told is not None
        assert told.simulated


def test_a_meeting_that_was_held_counts_for_the_deal_its_company_has_by_then() -> None:
    kept = story(made(), ended())
    gone = story(made(MIDDAY, uid="b"), cancelled(AFTERNOON, uid="b"), booking_id=SECOND)
    third = story(made(AFTERNOON + hours(1), uid="c", start=NEW_WEEK), booking_id=UUID(int=3))
    book = deals(kept, gone, third)
    assert [(deal.status, deal.stage) for deal in book.deals] == [("cancelled", "booked"), ("active", "met")]


def test_any_news_that_knows_the_whole_booking_stands_in_for_what_was_lost() -> None:
    for first in (started(), ended(), rescheduled(), made()):
        assert after(first)[0] == "active"


def test_a_deal_has_the_same_id_however_late_news_changes_how_it_began() -> None:
    assert deals(story(made(), rescheduled())).deals[0].id == deals(story(rescheduled())).deals[0].id
