"""F13: the status in a payload counts, whatever the trigger; PI9: the trigger says what happened, and when."""

from typing import get_args
from uuid import uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from showup.bookings.booking import Status
from showup.events import booking as events
from showup.events.details import AttendeeDetails, ReplacedBooking
from showup.events.envelope import EventRecord
from tests.pipeline.field_inputs import read_records
from tests.pipeline.sample_events import (
    AFTERNOON,
    FIRST,
    FRIDAY,
    MIDDAY,
    THURSDAY,
    booking,
    cancelled,
    deals_of,
    ended,
    hours,
    made,
    messages_of,
    record_of,
    requested,
    rescheduled,
    seat,
    started,
    state_of,
)

_STATUSES = (None, *get_args(Status))


def paid(status: Status | None, *, needs_confirmation: bool = False) -> EventRecord:
    event = events.BookingPaid(booking=booking(status=status), needs_confirmation=needs_confirmation)
    return record_of(event, MIDDAY)


def relocated(status: Status | None) -> EventRecord:
    return record_of(events.LocationChanged(booking=booking(status=status, location="inPerson")), MIDDAY)


def summary(*records: EventRecord) -> tuple[str, list[str], list[str], bool | None]:
    """Returns the booking's status, the status of its deals, the mails and the attendance."""
    state = state_of(*records)
    assert state.booking is not None
    kinds = [one.kind for one in state.plan.messages.values() if one.kind != "reminder" and one.state == "scheduled"]
    return state.booking.status, [one.status for one in deals_of(state).deals], kinds, state.booking.attended


def test_f13_the_reported_deliveries_end_as_their_payloads_say() -> None:
    results = {}
    for uid, records in read_records("13_status_is_never_read").items():
        state = state_of(*records, booking_id=uuid5(FIRST, uid))
        assert state.booking is not None
        deals = [(one.status, one.stage) for one in deals_of(state).deals]
        confirmations = len(messages_of(state, "confirmation"))
        results[uid] = state.booking.status, state.booking.attended, state.booking.evidence, deals, confirmations
    assert results == {
        "fl13a": ("ACCEPTED", True, "assumed", [("active", "met")], 0),
        "fl13b": ("ACCEPTED", None, None, [("active", "booked")], 1),
        "fl13c": ("PENDING", None, None, [], 0),
    }


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([made(status="PENDING")], ("PENDING", [], [], None)),
        ([made(status="PENDING"), made(AFTERNOON)], ("ACCEPTED", ["active"], ["confirmation"], None)),
        ([made(), made(MIDDAY, status="PENDING")], ("ACCEPTED", ["active"], ["confirmation"], None)),
        ([made(status="CANCELLED")], ("CANCELLED", [], [], None)),
        ([made(status="CANCELLED"), cancelled()], ("CANCELLED", [], ["cancelled"], None)),
        ([made(status="CANCELLED"), made(AFTERNOON, status="CANCELLED")], ("CANCELLED", [], [], None)),
        ([requested(), made(MIDDAY, status="CANCELLED")], ("CANCELLED", [], [], None)),
        ([made(status="REJECTED"), made(AFTERNOON)], ("ACCEPTED", ["active"], ["confirmation"], None)),
        ([made(), made(MIDDAY, status="CANCELLED")], ("ACCEPTED", ["active"], ["confirmation"], None)),
        ([requested(status="ACCEPTED")], ("ACCEPTED", ["active"], ["confirmation"], None)),
        ([requested(), requested(MIDDAY, status="ACCEPTED")], ("ACCEPTED", ["active"], ["confirmation"], None)),
        (
            [requested(), cancelled(MIDDAY), requested(AFTERNOON, status="ACCEPTED")],
            ("CANCELLED", [], ["cancelled"], None),
        ),
        ([requested(status="CANCELLED")], ("CANCELLED", [], [], None)),
        ([requested(), requested(MIDDAY, status="REJECTED")], ("REJECTED", [], [], None)),
        ([requested(), paid("ACCEPTED")], ("ACCEPTED", ["active"], ["confirmation"], None)),
        ([requested(), paid("ACCEPTED", needs_confirmation=True)], ("PENDING", [], [], None)),
        ([paid("ACCEPTED")], ("ACCEPTED", ["active"], ["confirmation"], None)),
        ([requested(), paid("PENDING")], ("PENDING", [], [], None)),
        ([requested(), paid(None)], ("PENDING", [], [], None)),
        ([made(), cancelled(), paid("ACCEPTED")], ("CANCELLED", ["cancelled"], ["cancelled"], None)),
        ([made(), rescheduled(status="PENDING")], ("PENDING", ["active"], [], None)),
        ([rescheduled(status="PENDING")], ("PENDING", [], [], None)),
        ([made(), rescheduled(status="CANCELLED")], ("ACCEPTED", ["active"], [], None)),
        ([requested(), relocated("ACCEPTED")], ("ACCEPTED", ["active"], ["confirmation"], None)),
        ([requested(), relocated("PENDING")], ("PENDING", [], [], None)),
        ([relocated("PENDING")], ("PENDING", [], [], None)),
        ([relocated("CANCELLED")], ("CANCELLED", [], [], None)),
        ([requested(), started(status="ACCEPTED"), ended(status="ACCEPTED")], ("ACCEPTED", ["active"], [], True)),
        ([requested(), ended(status="PENDING")], ("PENDING", [], [], None)),
        ([requested(), ended(status="REJECTED")], ("REJECTED", [], [], None)),
        ([requested(), ended(status="CANCELLED")], ("CANCELLED", [], [], None)),
        ([made(), ended(status="CANCELLED")], ("ACCEPTED", ["active"], ["confirmation"], None)),
        ([made(), cancelled(), ended(status="ACCEPTED")], ("CANCELLED", ["cancelled"], ["cancelled"], None)),
        ([ended(status="CANCELLED")], ("CANCELLED", [], [], None)),
        ([ended(status="PENDING")], ("PENDING", [], [], None)),
    ],
)
def test_f13_status_deal_mails_and_attendance(
    records: list[EventRecord], expected: tuple[str, list[str], list[str], bool | None]
) -> None:
    assert summary(*records) == expected


def test_f13_a_new_time_that_is_still_pending_is_the_time_of_the_booking() -> None:
    state = state_of(made(), rescheduled(status="PENDING"))
    assert state.booking is not None
    assert (state.booking.uid, state.booking.start_time, state.booking.reschedule_count) == ("xyz789", FRIDAY, 1)


def _creating(status: Status) -> list[EventRecord]:
    details = booking(status=status)
    return [
        made(status=status),
        requested(status=status),
        record_of(events.PaymentStarted(booking=details), MIDDAY),
        paid(status),
        rescheduled(status=status, old_uid="older", uid="abc123", start=THURSDAY),
        record_of(events.SeatMoved(booking=details, replaces=ReplacedBooking(uid="older")), MIDDAY),
        relocated(status),
        record_of(events.OrganizerChanged(booking=details), MIDDAY),
    ]


@pytest.mark.parametrize("status", ["CANCELLED", "REJECTED"])
def test_f13_a_booking_that_had_ended_when_it_was_first_reported_is_neither_booked_nor_announced(
    status: Status,
) -> None:
    """Cal.com reads a booking when it sends; the cancellation or refusal, if it arrives, applies as usual (PI9)."""
    for record in _creating(status):
        state = state_of(record)
        assert state.booking is not None
        assert (state.booking.status, state.deal_events) == (status, [])
        assert not state.plan.messages
        assert not state.plan.announcements


@pytest.mark.parametrize("is_rebooking_requested", [False, True])
def test_f13_the_cancellation_of_a_booking_that_was_first_reported_as_cancelled(is_rebooking_requested: bool) -> None:
    expected = "reschedule_request" if is_rebooking_requested else "cancelled"
    end = cancelled(AFTERNOON, reason="ill", reschedule_requested=is_rebooking_requested)
    for record in _creating("CANCELLED"):
        state = state_of(record, end)
        assert state == state_of(end, record)
        assert state.booking is not None
        assert (state.booking.cancellation_reason, state.booking.reschedule_requested) == (
            "ill",
            is_rebooking_requested,
        )
        assert [one.kind for one in state.plan.messages.values()] == [expected]
        assert [one.kind for one in state.plan.announcements.values()] == ["booking.cancelled"]
        assert not deals_of(state).deals


def test_f13_a_deal_that_waits_ends_with_the_cancellation_whatever_was_listed_before() -> None:
    state = state_of(made(), rescheduled(status="PENDING"), cancelled(AFTERNOON, uid="xyz789", start=FRIDAY))
    pending = record_of(events.LocationChanged(booking=booking(uid="xyz789", start=FRIDAY, status="CANCELLED")), MIDDAY)
    late = state_of(made(), rescheduled(MIDDAY - hours(1), status="PENDING"), pending)
    later = state_of(
        made(), rescheduled(MIDDAY - hours(1), status="PENDING"), pending, cancelled(uid="xyz789", start=FRIDAY)
    )
    assert [one.status for one in deals_of(late).deals] == ["active"]
    assert [one.status for one in deals_of(later).deals] == [one.status for one in deals_of(state).deals]
    assert [one.status for one in deals_of(later).deals] == ["cancelled"]


def test_f13_seats_reported_after_the_booking_ended_do_not_open_it_again() -> None:
    details = [
        booking(uid="s", status="CANCELLED", seated=True, who=seat(AttendeeDetails(email=email), number))
        for number, email in enumerate(("a@acme.example", "b@other.example"))
    ]
    state = state_of(
        *(record_of(events.BookingMade(booking=one), at) for one, at in zip(details, (MIDDAY, AFTERNOON), strict=True))
    )
    assert state.booking is not None
    assert (state.booking.status, state.deal_events) == ("CANCELLED", [])
    assert not any(state.seat_deal_events.values())


_LISTED = st.sampled_from(_STATUSES)
_RECORDS = st.one_of(
    st.builds(lambda status: made(status=status), _LISTED),
    st.builds(lambda status: requested(status=status), _LISTED),
    st.builds(paid, _LISTED, needs_confirmation=st.booleans()),
    st.builds(relocated, _LISTED),
    st.builds(lambda status: started(status=status), _LISTED),
    st.builds(lambda status: ended(status=status), _LISTED),
    st.builds(lambda status: record_of(events.PaymentStarted(booking=booking(status=status)), MIDDAY), _LISTED),
    st.builds(lambda status: record_of(events.OrganizerChanged(booking=booking(status=status)), AFTERNOON), _LISTED),
    st.builds(
        lambda status: requested(
            AFTERNOON, uid="xyz789", start=FRIDAY, status=status, replaces=ReplacedBooking(uid="abc123")
        ),
        _LISTED,
    ),
    st.builds(lambda status: rescheduled(status=status), _LISTED),
)


@given(records=st.lists(_RECORDS, min_size=1, max_size=6))
def test_f13_only_an_accepted_booking_has_a_deal_a_mail_and_attendance(records: list[EventRecord]) -> None:
    """Any trigger with any status: without a body that accepts the booking, there is no deal and no mail."""
    state = state_of(*records)
    if state.booking is None:
        return
    was_accepted = any(_accepts(record) for record in records)
    deals = deals_of(state).deals
    assert was_accepted or (state.booking.status != "ACCEPTED" and not deals)
    assert was_accepted or not messages_of(state, "confirmation")
    assert state.booking.attended is None or state.booking.status == "ACCEPTED" or was_accepted
    if state.booking.status == "ACCEPTED":
        assert len(deals) == 1
    assert state.booking.start_time in (THURSDAY, FRIDAY)


def _accepts(record: EventRecord) -> bool:
    listed = record.event.booking.status
    if isinstance(record.event, (events.BookingRequested, events.BookingPaid)):
        return listed == "ACCEPTED"
    return listed in (None, "ACCEPTED") and not isinstance(record.event, events.PaymentStarted)
