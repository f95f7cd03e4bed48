"""PI6: bookings that are requested, paid, relocated or reassigned, and their recordings and reports."""

import pytest

from showup.events import booking as events
from showup.events.details import ReplacedBooking
from showup.events.envelope import EventRecord
from tests.pipeline.sample_events import (
    AFTERNOON,
    ANN,
    BEN,
    FRIDAY,
    MIDDAY,
    MONDAY,
    SECOND,
    THURSDAY,
    bare_booking,
    booking,
    deal_after,
    deals_of,
    entry_codes,
    made,
    messages_of,
    record_of,
    requested,
    state_of,
)


class TestRequests:
    def test_a_request_waits_and_makes_no_deal(self) -> None:
        state = state_of(requested())
        assert state.booking is not None
        assert state.booking.status == "PENDING"
        assert (deals_of(state).deals, state.plan.messages) == ([], {})

    def test_an_accepted_request_makes_a_deal_and_is_confirmed(self) -> None:
        records = (requested(), made(MIDDAY))
        assert deal_after(*records) == ("active", "booked")
        assert len(messages_of(state_of(*records), "confirmation")) == 1

    def test_a_rejected_request_makes_no_deal(self) -> None:
        rejection = record_of(events.BookingRejected(booking=booking(), reason="full"), MIDDAY)
        state = state_of(requested(), rejection)
        assert state.booking is not None
        assert (state.booking.status, state.booking.rejection_reason) == ("REJECTED", "full")
        assert deals_of(state).deals == []

    @pytest.mark.parametrize("late", [requested(MIDDAY), record_of(events.PaymentStarted(booking=booking()), MIDDAY)])
    def test_an_answered_request_is_not_pending_again(self, late: EventRecord) -> None:
        state = state_of(made(), late)
        assert state.booking is not None
        assert state.booking.status == "ACCEPTED"
        assert state.refused == {late.event_id: "the request was already answered: the booking is ACCEPTED"}

    def test_a_reassigned_request_makes_no_deal(self) -> None:
        reassigned = record_of(events.OrganizerChanged(booking=booking(organizer_email=ANN)), MIDDAY)
        assert deals_of(state_of(requested(), reassigned)).deals == []
        (deal,) = deals_of(state_of(requested(), reassigned, made(AFTERNOON, organizer_email=ANN))).deals
        assert deal.owner_email == ANN

    def test_rejecting_an_accepted_booking_changes_nothing(self) -> None:
        rejection = record_of(events.BookingRejected(booking=booking()), MIDDAY)
        assert set(state_of(made(), rejection).refused) == {rejection.event_id}

    def test_a_reschedule_request_moves_the_booking_to_pending(self) -> None:
        request = requested(MIDDAY, uid="xyz789", start=FRIDAY, replaces=ReplacedBooking(uid="abc123"))
        result = state_of(made(), request).booking
        assert result is not None
        assert (result.status, result.uid, result.start_time) == ("PENDING", "xyz789", FRIDAY)
        assert deal_after(made(), request) == ("active", "booked")

    @pytest.mark.parametrize("linked", [True, False])
    def test_an_accepted_reschedule_request_has_the_new_time(self, linked: bool) -> None:
        """#21169: Cal.com accepts the request with BOOKING_CREATED, which does not name the replaced booking."""
        old = ReplacedBooking(uid="abc123") if linked else None
        request = requested(MIDDAY, uid="xyz789", start=FRIDAY, replaces=ReplacedBooking(uid="abc123"))
        records = (made(), request, made(AFTERNOON, uid="xyz789", start=FRIDAY, replaces=old))
        state = state_of(*records)
        assert state.booking is not None
        assert (state.booking.status, state.booking.reschedule_count) == ("ACCEPTED", 1)
        assert entry_codes(deals_of(state)) == ["deal.opened"]
        assert len(messages_of(state, "rescheduled")) == 1

    def test_after_a_rejected_reschedule_request_the_deal_stays(self) -> None:
        request = requested(MIDDAY, uid="xyz789", start=FRIDAY, replaces=ReplacedBooking(uid="abc123"))
        rejection = record_of(events.BookingRejected(booking=booking("xyz789", FRIDAY)), AFTERNOON)
        result = state_of(made(), request, rejection).booking
        assert result is not None
        assert result.status == "REJECTED"
        assert deal_after(made(), request, rejection) == ("active", "booked")


class TestPayment:
    def test_a_paid_booking_is_pending_until_accepted(self) -> None:
        begun = record_of(events.PaymentStarted(booking=booking(price=1_000, currency="USD")), MONDAY)
        paid = record_of(events.BookingPaid(booking=booking(price=1_000, currency="USD")), MIDDAY)
        waiting = state_of(begun).booking
        assert waiting is not None
        assert (waiting.status, waiting.paid) == ("PENDING", None)
        done = state_of(begun, made(MIDDAY), paid).booking
        assert done is not None
        assert (done.status, done.paid, done.price, done.currency) == ("ACCEPTED", True, 1_000, "USD")

    def test_a_paid_request_stays_pending(self) -> None:
        result = state_of(requested(), record_of(events.BookingPaid(booking=booking()), MIDDAY)).booking
        assert result is not None
        assert (result.status, result.paid) == ("PENDING", True)


class TestPlaceAndHost:
    def test_a_new_location_is_notified(self) -> None:
        moved = record_of(events.LocationChanged(booking=booking(meeting_url="https://meet.example/new")), MIDDAY)
        state = state_of(made(meeting_url="https://meet.example/old"), moved)
        assert state.booking is not None
        assert state.booking.meeting_url == "https://meet.example/new"
        assert len(messages_of(state, "new_place")) == 1
        assert len(messages_of(state, "reminder")) == 3

    def test_the_same_location_is_notified_once(self) -> None:
        moved = record_of(events.LocationChanged(booking=booking(location="x" * 5_000)), MIDDAY)
        state = state_of(made(), moved, record_of(moved.event, MIDDAY, route="team"))
        (place,) = messages_of(state, "new_place")
        assert len(place.key) < 500

    def test_a_new_host_takes_over_the_deal(self) -> None:
        reassigned = record_of(events.OrganizerChanged(booking=booking(organizer_email=ANN)), MIDDAY)
        (deal,) = deals_of(state_of(made(), reassigned)).deals
        assert deal.owner_email == ANN
        result = state_of(made(), reassigned).booking
        assert result is not None
        assert (result.organizer_email, result.uid, result.hosts) == (ANN, "abc123", {ANN, BEN})

    def test_a_deal_with_another_owner_stays_with_them(self) -> None:
        owned = state_of(made())
        other = state_of(
            made(MIDDAY, uid="def456", organizer_email=ANN),
            record_of(
                events.OrganizerChanged(booking=booking("def456", organizer_email="cy@outboundsolutions.com")),
                AFTERNOON,
            ),
            booking_id=SECOND,
        )
        (deal,) = deals_of(owned, other).deals
        assert deal.owner_email == BEN


class TestLinkedToTheBooking:
    def test_recordings_transcripts_and_reports(self) -> None:
        state = state_of(
            made(),
            record_of(events.RecordingReady(booking=bare_booking(), url="https://r.example/1"), THURSDAY),
            record_of(events.TranscriptReady(booking=bare_booking(), url="https://t.example/1"), THURSDAY),
            record_of(events.InviteDeclined(booking=bare_booking(), email="sarah.chen@acme.com"), MIDDAY),
            record_of(events.AssignmentDisputed(booking=bare_booking(), by=BEN, correct_organizer=ANN), MIDDAY),
        )
        assert state.booking is not None
        assert state.booking.status == "ACCEPTED"
        assert (state.booking.recording_url, state.booking.transcript_url) == (
            "https://r.example/1",
            "https://t.example/1",
        )
        assert set(entry_codes(state)) == {
            "booking.made",
            "recording.ready",
            "transcript.ready",
            "invite.declined",
            "assignment.disputed",
        }

    @pytest.mark.parametrize(
        "kind", [events.RecordingReady, events.GuestsMissed, events.HostMissed, events.InviteDeclined]
    )
    def test_an_event_without_attendees_is_refused_until_the_booking_exists(
        self, kind: type[events.RecordingReady]
    ) -> None:
        early = record_of(kind(booking=bare_booking(start_time=THURSDAY)), MONDAY)
        state = state_of(early)
        assert (state.booking, state.refused) == (
            None,
            {early.event_id: "unknown booking: waiting for its first event"},
        )
        assert state_of(early, made(MIDDAY)).refused == {}
