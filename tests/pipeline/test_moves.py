"""PI3, PI4, PI7: meetings that are moved, cancelled and booked again, and their deals."""

from uuid import UUID

import pytest
from msgspec.structs import replace

from showup.events import booking as events
from showup.events.envelope import EventRecord
from showup.pipeline.rules import Rules
from tests.pipeline.sample_events import (
    AFTERNOON,
    FRIDAY,
    MIDDAY,
    MONDAY,
    SARAH,
    SECOND,
    THURSDAY,
    TOM,
    booking,
    cancelled,
    deal_after,
    deals_of,
    ended,
    entry_codes,
    hours,
    made,
    messages_of,
    record_of,
    rescheduled,
    started,
    state_of,
)

LAST_MEETING = Rules(cancel_deal="last_meeting")
NEW_WEEK = FRIDAY + hours(96)


def to_third() -> EventRecord:
    return rescheduled(AFTERNOON, old_uid="xyz789", uid="third", start=NEW_WEEK)


class TestChains:
    def test_a_chain_of_reschedules_stays_one_booking(self) -> None:
        result = state_of(made(), rescheduled(), to_third()).booking
        assert result is not None
        assert [entry.uid for entry in result.uids] == ["abc123", "xyz789", "third"]
        assert (result.uid, result.start_time, result.reschedule_count) == ("third", NEW_WEEK, 2)

    def test_a_missing_reschedule_loses_only_its_own_uid(self) -> None:
        result = state_of(made(), to_third()).booking
        assert result is not None
        assert [entry.uid for entry in result.uids] == ["abc123", "xyz789", "third"]
        assert result.start_time == NEW_WEEK

    def test_a_reschedule_of_an_unknown_booking_creates_it(self) -> None:
        state = state_of(rescheduled(by="sarah.chen@acme.com"))
        assert state.booking is not None
        assert [held.uid for held in state.booking.uids] == ["abc123", "xyz789"]
        assert (state.booking.reschedule_count, state.booking.rescheduled_by) == (1, "sarah.chen@acme.com")
        assert deal_after(rescheduled()) == ("active", "booked")

    def test_a_host_may_move_a_booking_under_its_own_uid(self) -> None:
        result = state_of(made(), rescheduled(uid="abc123")).booking
        assert result is not None
        assert (result.uid, result.start_time, result.reschedule_count) == ("abc123", FRIDAY, 1)

    def test_the_same_reschedule_by_another_route_counts_once(self) -> None:
        first = rescheduled()
        booking_after = state_of(made(), first, record_of(first.event, first.source_at, route="team")).booking
        assert booking_after is not None
        assert (booking_after.reschedule_count, len(booking_after.uids)) == (1, 2)

    def test_an_attendee_missing_from_the_new_list_has_left(self) -> None:
        result = state_of(made(who=(SARAH, TOM)), rescheduled()).booking
        assert result is not None
        assert [one.email for one in result.seats] == ["sarah.chen@acme.com"]


class TestUnannouncedTimeChange:
    """Cal.com sends no webhook when a booking is edited; the booking's next webhook has the new time."""

    @pytest.mark.parametrize(
        "kind", [events.BookingMade, events.BookingPaid, events.LocationChanged, events.OrganizerChanged]
    )
    def test_the_newest_event_sets_the_time(self, kind: type[events.BookingMade]) -> None:
        state = state_of(made(), record_of(kind(booking=booking(start=FRIDAY)), MIDDAY))
        assert state.booking is not None
        assert (state.booking.start_time, state.booking.uid) == (FRIDAY, "abc123")
        assert {reminder.due_at for reminder in messages_of(state, "reminder")} == {
            FRIDAY - hours(72),
            FRIDAY - hours(24),
            FRIDAY - hours(2),
        }
        assert len(messages_of(state, "reminder", "withdrawn")) == 3

    def test_an_older_event_that_arrives_late_changes_nothing(self) -> None:
        result = state_of(record_of(events.BookingPaid(booking=booking(start=FRIDAY)), MIDDAY), made()).booking
        assert result is not None
        assert result.start_time == FRIDAY

    def test_it_makes_a_rescheduled_entry(self) -> None:
        state = state_of(made(), record_of(made(start=FRIDAY).event, MIDDAY))
        assert entry_codes(state) == ["booking.made", "booking.rescheduled"]
        assert state.entries[1].change["start_time"] == ["2026-03-05T14:00:00Z", "2026-03-06T10:00:00Z"]


class TestCancellations:
    def test_a_second_cancellation_changes_nothing(self) -> None:
        state = state_of(made(), cancelled(), cancelled(AFTERNOON + hours(1)))
        assert entry_codes(state) == ["booking.made", "booking.cancelled"]
        assert len(messages_of(state, "cancelled")) == 1

    def test_a_cancellation_can_be_the_only_event(self) -> None:
        state = state_of(cancelled())
        assert state.booking is not None
        assert state.booking.status == "CANCELLED"
        assert deals_of(state).deals == []

    def test_a_cancelled_uid_is_not_booked_again(self) -> None:
        again = made(AFTERNOON + hours(1))
        state = state_of(made(), cancelled(), again)
        assert state.booking is not None
        assert state.booking.status == "CANCELLED"
        assert set(state.refused) == {again.event_id}

    def test_an_earlier_reschedule_cannot_undo_a_cancellation(self) -> None:
        again = record_of(rescheduled().event, AFTERNOON + hours(2), route="team")
        gone = cancelled(AFTERNOON + hours(1), uid="xyz789", start=FRIDAY)
        state = state_of(made(), rescheduled(), gone, again)
        assert state.booking is not None
        assert state.booking.status == "CANCELLED"
        assert state.refused == {again.event_id: "the booking was cancelled after it was rescheduled"}

    def test_a_reschedule_after_the_cancellation_reopens_the_deal(self) -> None:
        records = (made(), cancelled(), rescheduled(AFTERNOON + hours(1)))
        assert deal_after(*records) == ("active", "booked")
        assert entry_codes(deals_of(state_of(*records))) == ["deal.opened", "deal.cancelled", "deal.reopened"]
        result = state_of(*records).booking
        assert result is not None
        assert (result.status, result.cancellation_reason, result.cancelled_by) == ("ACCEPTED", None, None)

    def test_the_deal_is_not_reopened_beside_an_active_one(self) -> None:
        first = state_of(made(), cancelled(MIDDAY), rescheduled(AFTERNOON))
        second = state_of(made(MIDDAY + hours(1), uid="def456"), booking_id=SECOND)
        deals = deals_of(first, second)
        assert [deal.status for deal in deals.deals] == ["cancelled", "active"]
        assert set(deals.deal_ids.values()) == {deals.deals[1].id}
        joined = [entry for entry in deals.entries if entry.what == "deal.joined"]
        assert [entry.deal_id for entry in joined] == [deals.deals[1].id]

    def test_only_the_cancellation_that_cancelled_it_can_be_undone(self) -> None:
        first = state_of(made(), cancelled(MIDDAY))
        second = state_of(
            made(MONDAY + hours(1), uid="def456"),
            cancelled(AFTERNOON, uid="def456"),
            rescheduled(AFTERNOON + hours(1), old_uid="def456", uid="def789"),
            booking_id=SECOND,
        )
        assert [deal.status for deal in deals_of(first, second).deals] == ["cancelled"]

    def test_a_new_booking_after_a_cancelled_deal_opens_a_new_one(self) -> None:
        first = state_of(made(), cancelled(MIDDAY))
        second = state_of(made(AFTERNOON, uid="def456"), booking_id=SECOND)
        assert [(deal.status, deal.position) for deal in deals_of(first, second).deals] == [
            ("cancelled", 0),
            ("active", 1),
        ]


class TestTheHostAsksForAnotherTime:
    def test_the_booking_is_cancelled_and_the_deal_is_not(self) -> None:
        result = state_of(made(), cancelled(reschedule_requested=True)).booking
        assert result is not None
        assert (result.status, result.reschedule_requested) == ("CANCELLED", True)
        assert deal_after(made(), cancelled(reschedule_requested=True)) == ("active", "booked")

    def test_a_reschedule_continues_the_booking_and_the_deal(self) -> None:
        records = (made(), cancelled(reschedule_requested=True), rescheduled(AFTERNOON + hours(1)))
        result = state_of(*records).booking
        assert result is not None
        assert (result.status, result.reschedule_requested, result.uid) == ("ACCEPTED", False, "xyz789")
        assert entry_codes(deals_of(state_of(*records))) == ["deal.opened"]

    def test_a_later_cancellation_cancels_the_deal(self) -> None:
        assert deal_after(made(), cancelled(reschedule_requested=True), cancelled(AFTERNOON + hours(1))) == (
            "cancelled",
            "booked",
        )


class TestTheRuleLastMeeting:
    def statuses_of_two(self, rules: Rules, *, further: EventRecord | None = None) -> list[str]:
        first = state_of(made(), cancelled(AFTERNOON), rules=rules)
        more = () if further is None else (further,)
        second = state_of(made(MIDDAY, uid="def456", start=FRIDAY), *more, booking_id=SECOND, rules=rules)
        return [deal.status for deal in deals_of(first, second, rules=rules).deals]

    def test_by_default_any_cancellation_cancels_the_deal(self) -> None:
        assert self.statuses_of_two(Rules()) == ["cancelled"]

    def test_the_deal_stays_active_while_another_meeting_is_ahead(self) -> None:
        assert self.statuses_of_two(LAST_MEETING) == ["active"]

    def test_the_last_cancellation_cancels_it(self) -> None:
        assert self.statuses_of_two(LAST_MEETING, further=cancelled(AFTERNOON + hours(1), uid="def456")) == [
            "cancelled"
        ]

    def test_a_meeting_that_waits_for_another_time_is_not_ahead(self) -> None:
        record = cancelled(MIDDAY + hours(1), uid="def456", reschedule_requested=True)
        assert self.statuses_of_two(LAST_MEETING, further=record) == ["cancelled"]

    def test_a_past_meeting_is_not_ahead(self) -> None:
        past_state = state_of(made(uid="past", start=MONDAY + hours(1)), booking_id=SECOND, rules=LAST_MEETING)
        cancelled_state = state_of(made(MONDAY + hours(1)), cancelled(), rules=LAST_MEETING)
        assert [deal.status for deal in deals_of(past_state, cancelled_state, rules=LAST_MEETING).deals] == [
            "cancelled"
        ]


class TestNewestEvent:
    def test_answers_accumulate_and_missing_fields_change_nothing(self) -> None:
        more = record_of(made(answers={"size": "60"}, notes=None).event, MIDDAY)
        result = state_of(made(answers={"size": "50", "role": "CEO"}, notes="call me", title="Intro"), more).booking
        assert result is not None
        assert (result.answers, result.notes, result.title) == ({"size": "60", "role": "CEO"}, "call me", "Intro")

    def test_a_longer_meeting_is_the_same_meeting(self) -> None:
        state = state_of(made(), record_of(made(end_time=THURSDAY + hours(1)).event, MIDDAY))
        assert state.booking is not None
        assert (state.booking.end_time, state.booking.version) == (THURSDAY + hours(1), 1)
        assert state.booking.uids[-1].end_time == THURSDAY + hours(1)
        assert len(messages_of(state, "reminder")) == 3

    def test_a_new_start_without_an_end_has_the_same_duration(self) -> None:
        result = state_of(made(), record_of(made(start=FRIDAY, end_time=None).event, MIDDAY)).booking
        assert result is not None
        assert result.end_time == FRIDAY + hours(0.5)

    def test_a_simulated_booking_stays_simulated(self) -> None:
        result = state_of(replace(made(), simulated=True), rescheduled()).booking
        assert result is not None
        assert result.simulated


def test_a_held_meeting_counts_for_the_current_deal() -> None:
    held_state = state_of(made(), ended())
    cancelled_state = state_of(made(MIDDAY, uid="b"), cancelled(AFTERNOON, uid="b"), booking_id=SECOND)
    third = state_of(made(AFTERNOON + hours(1), uid="c", start=NEW_WEEK), booking_id=UUID(int=3))
    deals = deals_of(held_state, cancelled_state, third)
    assert [(deal.status, deal.stage) for deal in deals.deals] == [("cancelled", "booked"), ("active", "met")]


def test_any_event_with_a_full_booking_can_create_it() -> None:
    for first in (started(), ended(), rescheduled(), made()):
        assert deal_after(first)[0] == "active"


def test_a_late_event_leaves_the_id_of_a_deal() -> None:
    assert deals_of(state_of(made(), rescheduled())).deals[0].id == deals_of(state_of(rescheduled())).deals[0].id
