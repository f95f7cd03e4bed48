"""Seed 000, the critical finding and the deal logic: a new uid is not a new booking; cancelled is not lost."""

from msgspec.structs import replace

from showup.events.booking import BookingRescheduled
from showup.events.details import ReplacedBooking
from showup.events.envelope import EventRecord
from tests.pipeline.sample_events import (
    FRIDAY,
    MIDDAY,
    THURSDAY,
    booking,
    cancelled,
    deal_after,
    deals_of,
    ended,
    entry_codes,
    made,
    record_of,
    state_of,
)


def rescheduled_by_uid() -> tuple[EventRecord, EventRecord]:
    """Returns the seed's example: booking 100 (abc123) becomes booking 200 (xyz789)."""
    first = made(uid="abc123", calcom_booking_id="100")
    details = booking("xyz789", FRIDAY, calcom_booking_id="200")
    old = ReplacedBooking(uid="abc123", calcom_booking_id="100", start_time=THURSDAY)
    return first, record_of(BookingRescheduled(booking=details, replaces=old), MIDDAY)


def test_a_rescheduled_booking_stays_one_row_with_the_new_uid_and_id() -> None:
    moved = state_of(*rescheduled_by_uid()).booking
    assert moved is not None
    assert (moved.uid, moved.calcom_booking_id) == ("xyz789", "200")
    assert (moved.reschedule_count, moved.version) == (1, 2)


def test_the_history_of_uids_and_times_is_retained() -> None:
    moved = state_of(*rescheduled_by_uid()).booking
    assert moved is not None
    assert [(entry.uid, entry.calcom_booking_id, entry.start_time) for entry in moved.uids] == [
        ("abc123", "100", THURSDAY),
        ("xyz789", "200", FRIDAY),
    ]
    assert moved.has_had_uid("abc123")
    assert moved.has_had_uid("xyz789")


def test_an_event_for_the_old_uid_is_refused() -> None:
    late = replace(cancelled(), source_at=MIDDAY)
    state = state_of(*rescheduled_by_uid(), late)
    assert state.booking is not None
    assert state.booking.status == "ACCEPTED"
    assert state.refused == {late.event_id: "it is about uid abc123, which a reschedule has replaced"}


def test_the_deal_is_created_at_the_booking_and_not_at_the_end_of_the_meeting() -> None:
    state = state_of(made(), ended())
    (deal,) = deals_of(state).deals
    assert deal.opened_at == made().source_at
    assert deal.stage_entered_at == ended().source_at


def test_the_stage_goes_from_booked_to_met_when_the_meeting_ends() -> None:
    assert deal_after(made()) == ("active", "booked")
    assert deal_after(made(), ended()) == ("active", "met")


def test_cancelled_is_not_lost() -> None:
    (deal,) = deals_of(state_of(made(), cancelled())).deals
    assert deal.status == "cancelled"
    assert deal.closed_at == cancelled().source_at
    assert entry_codes(deals_of(state_of(made(), cancelled()))) == ["deal.opened", "deal.cancelled"]
