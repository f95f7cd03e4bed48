"""The webhooks of the fake Cal.com: its rows, rendered by the simulation, with the answers that the rows have."""

from typing import Any

import msgspec

from showup.simulation import render_booking
from showup.simulation.models import (
    PreviousBooking,
    SimulatedAttendee,
    SimulatedBooking,
    SimulatedEventType,
    SimulatedOrganizer,
    SimulatedWebhook,
)
from showup.simulation.render_booking import LABELS, instant
from showup.simulation.render_meeting import meeting_fields as row_fields
from tests.fake_calcom.rows import Booking, Guest


def booking_fields(booking: Booking, seats: list[Guest] | None = None, **added: Any) -> dict[str, Any]:
    """Returns the payload of any trigger about a booking; `seats` replaces all attendees."""
    answers = booking_answers(booking, seats[0] if seats else None)
    return {
        **render_booking.booking_fields(_as_simulated(booking, booking.attendees if seats is None else seats)),
        "responses": {slug: {"label": LABELS.get(slug, slug), "value": value} for slug, value in answers.items()},
        # This column also has the reason of a reschedule; it does not mean a cancellation.
        "cancellationReason": booking.cancellation_reason or booking.reschedule_reason,
        "rejectionReason": booking.rejection_reason,
        "metadata": {**booking.metadata, "videoCallUrl": booking.meeting_url},
        **_series_fields(booking),
        **added,
    }


def meeting_body(trigger: str, booking: Booking) -> bytes:
    """Returns the bytes of MEETING_STARTED or MEETING_ENDED: the booking's row itself, without an envelope."""
    at = booking.start_at if trigger == "MEETING_STARTED" else booking.end_at
    simulated = _as_simulated(booking, booking.attendees)
    marks = tuple((one.email, one.absent) for one in booking.attendees)
    webhook = SimulatedWebhook(trigger, at, 0, simulated, marks=marks, host_absent=booking.absent_host)
    row = {
        "triggerEvent": trigger,
        **row_fields(webhook),
        "responses": {slug: {"label": slug, "value": value} for slug, value in booking_answers(booking).items()},
        "updatedAt": instant(booking.updated_at) if booking.updated_at else None,
        "metadata": {**booking.metadata, "videoCallUrl": booking.meeting_url},
        "fromReschedule": booking.from_uid,
        "rescheduled": booking.rescheduled or None,
        "rescheduledBy": booking.rescheduled_by,
        "recurringEventId": booking.recurring_uid,
    }
    return msgspec.json.encode(row)


def booking_answers(booking: Booking, seat: Guest | None = None) -> dict[str, Any]:
    """Returns the booker's answers as the row stores them; `seat`: those of that seat's attendee."""
    booker = seat or booking.booker
    found: dict[str, Any] = {"name": booker.name, "email": booker.email}
    if booker.phone:
        found["attendeePhoneNumber"] = booker.phone
    if booking.notes:
        found["notes"] = booking.notes
    if booking.event_type.seats is None:
        found["guests"] = [one.email for one in booking.attendees[1:]]
    if booking.reschedule_reason:
        found["rescheduleReason"] = booking.reschedule_reason
    return {**found, **booking.answers, **booker.answers}


def previous_fields(old: Booking) -> dict[str, Any]:
    """Returns the fields that name the replaced booking; the times are the OLD ones."""
    return render_booking.previous_fields(PreviousBooking(old.uid, old.id, old.start_at, old.end_at))


def no_show_fields(booking: Booking, changed: list[Guest]) -> dict[str, Any]:
    marks = tuple((one.email, one.absent) for one in changed)
    return render_booking.no_show_fields(_as_simulated(booking, booking.attendees), marks)


def _as_simulated(booking: Booking, attendees: list[Guest]) -> SimulatedBooking:
    kind, host = booking.event_type, booking.host
    return SimulatedBooking(
        account=0,
        uid=booking.uid,
        number=booking.id,
        ical_uid=booking.ical_uid,
        sequence=booking.sequence,
        title=booking.title,
        event_type=SimulatedEventType(
            kind.id,
            kind.slug,
            kind.title,
            kind.lasts_for,
            location=kind.location,
            scheduling=kind.scheduling,
            confirmation=kind.confirmation,
            seats=kind.seats,
        ),
        organizer=SimulatedOrganizer(host.id, host.name, host.email, host.username, host.time_zone, host.locale),
        attendees=tuple(
            SimulatedAttendee(one.name, one.email, one.time_zone, one.locale, phone=one.phone, seat=one.seat_uid)
            for one in attendees
        ),
        start_at=booking.start_at,
        end_at=booking.end_at,
        created_at=booking.created_at,
        status=booking.status,
        meeting_url=booking.meeting_url,
        notes=booking.notes,
        reschedule_reason=booking.reschedule_reason,
    )


def _series_fields(booking: Booking) -> dict[str, Any]:
    """Returns the fields of a series' booking; no body says which series."""
    if booking.occurrences is None:
        return {}
    return {"recurringEvent": {"freq": 2, "count": booking.occurrences, "interval": 1}}
