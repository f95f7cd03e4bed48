"""Translates a Cal.com webhook's body into an event of Showup's model, or the reason why there is none.

Every trigger of Cal.com's list has a line in `_MEANINGS`; any other trigger is ignored by name. Bad input raises
nothing: unreadable input is a value too. Source: Cal.com's documentation of its webhooks, and real deliveries; where
they disagree, the deliveries are right.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeAlias

from showup.events import booking as events
from showup.events.booking import AnyBookingEvent
from showup.events.details import AttendeeDetails, BookingDetails, ReplacedBooking
from showup.events.translation import BookingTranslation, Ignored, Translated, Unreadable
from showup.sources.calcom.booking_details.details import read_booking
from showup.sources.calcom.envelope import Envelope, NotAnEnvelope, open_envelope
from showup.sources.calcom.payload import (
    TEXT_LENGTH,
    NotATime,
    email,
    flag,
    identifier,
    instant,
    integer,
    mapping,
    objects,
    text,
    url,
)

_Translator: TypeAlias = Callable[[Envelope, BookingDetails], AnyBookingEvent]


class _MissingField(ValueError):
    """Raised when a field that the trigger requires is missing."""


def translate(body: bytes) -> BookingTranslation:
    """Translates one webhook body, with any content."""
    try:
        envelope = open_envelope(body)
    except NotAnEnvelope as error:
        return Unreadable(because=str(error))
    trigger = envelope.trigger[:100]
    if trigger in _IGNORED:
        return Ignored(because=_IGNORED[trigger], trigger=trigger)
    if trigger not in _TRANSLATORS:
        return Ignored(because=f"{trigger} is not a trigger that Showup knows; the event is stored", trigger=trigger)
    try:
        return _translate_envelope(envelope, trigger)
    except (_MissingField, NotATime) as error:
        return Unreadable(because=str(error), trigger=trigger)


def _translate_envelope(envelope: Envelope, trigger: str) -> Translated[AnyBookingEvent]:
    booking = read_booking(envelope)
    event = _TRANSLATORS[trigger](envelope, booking)
    if (missing := _missing_identity(event)) is not None:
        raise _MissingField(f"{trigger} identifies no booking: it has neither a uid nor a bookingId, and {missing}")
    return Translated(
        event=event,
        trigger=trigger,
        actor="calcom",
        uid=event.booking.uid,
        source_at=_source_time(envelope, event),
    )


def _missing_identity(event: AnyBookingEvent) -> str | None:
    """Returns what is missing to identify the booking: its uid or number, or else its time and its booker."""
    booking = event.booking
    if booking.uid is not None or booking.calcom_booking_id is not None:
        return None
    if booking.start_time is None:
        return "no startTime to identify it by its time and its booker"
    if events.booker_key(booking) is None:
        return "attendees is missing or names nobody by email or phone, to identify it by its time and its booker"
    if isinstance(event, events.BookingRescheduled) and event.replaces.start_time is None:
        return "neither rescheduleUid nor rescheduleStartTime says which booking was moved"
    return None


def _source_time(envelope: Envelope, event: AnyBookingEvent) -> datetime | None:
    """Returns when the event happened.

    Meetings start and end by the clock, whenever Cal.com created or sent the webhook.

    The no-show triggers of Cal Video may carry a `createdAt` before the meeting: they are scheduled, and fire `time`
    `timeUnit`s after its start.
    """
    booking = event.booking
    match event:
        case events.MeetingStarted():
            return booking.start_time or envelope.sent_at()
        case events.MeetingEnded():
            return booking.end_time or envelope.sent_at()
        case events.GuestsMissed() | events.HostMissed() if booking.start_time is not None:
            fired_at = booking.start_time + _fires_after(envelope)
            return max(fired_at, envelope.sent_at() or fired_at)
        case _:
            return envelope.sent_at()


def _fires_after(envelope: Envelope) -> timedelta:
    webhook = mapping(envelope.fields.get("webhook"))
    amount = integer(webhook.get("time"), below=10_000) or 0
    unit = {"MINUTE": "minutes", "HOUR": "hours", "DAY": "days"}.get(text(webhook.get("timeUnit")) or "", "minutes")
    return timedelta(**{unit: max(amount, 0)})


def _require_start_time(booking: BookingDetails, trigger: str) -> BookingDetails:
    if booking.start_time is None:
        raise _MissingField(f"{trigger} has no startTime, and a booking can't be stored without a time")
    return booking


def _replaced(envelope: Envelope) -> ReplacedBooking | None:
    """Returns the booking that this one replaced; `previous*` is one relay's name for it.

    A body without any uid has only the old time, which identifies the old booking together with the booker.
    """
    fields = envelope.fields
    uid = (
        identifier(fields.get("rescheduleUid"))
        or identifier(fields.get("previousUid"))
        or identifier(fields.get("rescheduledFromUid"))
    )
    number = identifier(fields.get("rescheduleId"))
    start_time = instant(fields, "rescheduleStartTime") or instant(fields, "previousStartTime")
    has_uid = identifier(fields.get("uid")) is not None or identifier(fields.get("bookingId")) is not None
    if uid is None and number is None and (has_uid or start_time is None):
        return None
    return ReplacedBooking(
        uid=uid,
        calcom_booking_id=number,
        start_time=start_time,
        end_time=instant(fields, "rescheduleEndTime") or instant(fields, "previousEndTime"),
    )


def _booking_made(envelope: Envelope, booking: BookingDetails) -> AnyBookingEvent:
    return events.BookingMade(booking=_require_start_time(booking, envelope.trigger), replaces=_replaced(envelope))


def _requested(envelope: Envelope, booking: BookingDetails) -> AnyBookingEvent:
    return events.BookingRequested(booking=_require_start_time(booking, envelope.trigger), replaces=_replaced(envelope))


def _payment_started(envelope: Envelope, booking: BookingDetails) -> AnyBookingEvent:
    return events.PaymentStarted(booking=_require_start_time(booking, envelope.trigger))


def _paid(envelope: Envelope, booking: BookingDetails) -> AnyBookingEvent:
    return events.BookingPaid(
        booking=booking, needs_confirmation=flag(envelope.fields.get("requiresConfirmation")) or False
    )


def _rejected(envelope: Envelope, booking: BookingDetails) -> AnyBookingEvent:
    return events.BookingRejected(booking=booking, reason=text(envelope.fields.get("rejectionReason"), TEXT_LENGTH))


def _rescheduled(envelope: Envelope, booking: BookingDetails) -> AnyBookingEvent:
    fields = envelope.fields
    booking = _require_start_time(booking, envelope.trigger)
    # A body without the old uid rescheduled the booking that it names.
    replaces = _replaced(envelope) or ReplacedBooking(uid=booking.uid, calcom_booking_id=booking.calcom_booking_id)
    by = text(fields.get("rescheduledBy"))
    if fields.get("attendeeSeatId") is not None and replaces.uid not in (None, booking.uid):
        return events.SeatMoved(booking=booking, replaces=replaces, by=by)
    # Cal.com writes the reason for a new time into `cancellationReason`.
    reason = (
        text(fields.get("cancellationReason"), TEXT_LENGTH)
        or booking.answers.get("rescheduleReason")
        or text(fields.get("reschedulingReason"), TEXT_LENGTH)
        or text(fields.get("rescheduledReason"), TEXT_LENGTH)
    )
    return events.BookingRescheduled(booking=booking, replaces=replaces, reason=reason, by=by)


def _cancelled(envelope: Envelope, booking: BookingDetails) -> AnyBookingEvent:
    fields = envelope.fields
    return events.BookingCancelled(
        booking=booking,
        reason=text(fields.get("cancellationReason"), TEXT_LENGTH),
        by=text(fields.get("cancelledBy")),
        reschedule_requested=flag(fields.get("requestReschedule")) or False,
    )


def _location_changed(_envelope: Envelope, booking: BookingDetails) -> AnyBookingEvent:
    return events.LocationChanged(booking=booking)


def _organizer_changed(_envelope: Envelope, booking: BookingDetails) -> AnyBookingEvent:
    return events.OrganizerChanged(booking=booking)


def _meeting_started(_envelope: Envelope, booking: BookingDetails) -> AnyBookingEvent:
    return events.MeetingStarted(booking=booking)


def _meeting_ended(envelope: Envelope, booking: BookingDetails) -> AnyBookingEvent:
    return events.MeetingEnded(booking=booking, host_absent=flag(envelope.fields.get("noShowHost")) or False)


def _no_show_updated(_envelope: Envelope, booking: BookingDetails) -> AnyBookingEvent:
    marked = tuple(
        AttendeeDetails(email=one.email, phone=one.phone, attended=not one.no_show)
        for one in booking.attendees
        if one.no_show is not None
    )
    if not marked:
        raise _MissingField("BOOKING_NO_SHOW_UPDATED marks no one: no attendee has a noShow")
    reported = BookingDetails(uid=booking.uid, calcom_booking_id=booking.calcom_booking_id, attendees=marked)
    return events.AttendanceReported(booking=reported)


def _without_attendees(booking: BookingDetails) -> BookingDetails:
    """The Cal Video no-show triggers list database rows, whose `noShow` is not what they report."""
    return BookingDetails(
        uid=booking.uid,
        calcom_booking_id=booking.calcom_booking_id,
        start_time=booking.start_time,
        end_time=booking.end_time,
    )


def _guests_missed(_envelope: Envelope, booking: BookingDetails) -> AnyBookingEvent:
    return events.GuestsMissed(booking=_without_attendees(booking))


def _host_missed(envelope: Envelope, booking: BookingDetails) -> AnyBookingEvent:
    return events.HostMissed(booking=_without_attendees(booking), host_email=email(envelope.fields.get("hostEmail")))


def _recording_ready(envelope: Envelope, booking: BookingDetails) -> AnyBookingEvent:
    return events.RecordingReady(booking=_without_attendees(booking), url=url(envelope.fields.get("downloadLink")))


def _transcript_ready(envelope: Envelope, booking: BookingDetails) -> AnyBookingEvent:
    links = objects(mapping(envelope.fields.get("downloadLinks")).get("transcription"))
    by_format = {text(link.get("format")): url(link.get("link")) for link in links}
    readable = by_format.get("txt") or next((link for link in by_format.values() if link), None)
    return events.TranscriptReady(booking=_without_attendees(booking), url=readable)


def _invite_declined(envelope: Envelope, booking: BookingDetails) -> AnyBookingEvent:
    declined = mapping(envelope.root.get("declinedAttendee"))
    return events.InviteDeclined(booking=_without_attendees(booking), email=email(declined.get("email")))


def _assignment_disputed(envelope: Envelope, _booking: BookingDetails) -> AnyBookingEvent:
    booking, report = mapping(envelope.fields.get("booking")), mapping(envelope.fields.get("report"))
    return events.AssignmentDisputed(
        booking=BookingDetails(uid=identifier(booking.get("uid")), calcom_booking_id=identifier(booking.get("id"))),
        by=email(mapping(report.get("reportedBy")).get("email")),
        correct_organizer=email(report.get("correctAssignee")),
    )


_TRANSLATORS: dict[str, _Translator] = {
    "BOOKING_CREATED": _booking_made,
    "BOOKING_REQUESTED": _requested,
    "BOOKING_REJECTED": _rejected,
    "BOOKING_CANCELLED": _cancelled,
    "BOOKING_RESCHEDULED": _rescheduled,
    "BOOKING_PAYMENT_INITIATED": _payment_started,
    "BOOKING_PAID": _paid,
    "BOOKING_NO_SHOW_UPDATED": _no_show_updated,
    "BOOKING_LOCATION_UPDATED": _location_changed,
    "BOOKING_REASSIGNED": _organizer_changed,
    "MEETING_STARTED": _meeting_started,
    "MEETING_ENDED": _meeting_ended,
    "RECORDING_READY": _recording_ready,
    "RECORDING_TRANSCRIPTION_GENERATED": _transcript_ready,
    "AFTER_GUESTS_CAL_VIDEO_NO_SHOW": _guests_missed,
    "AFTER_HOSTS_CAL_VIDEO_NO_SHOW": _host_missed,
    "INSTANT_MEETING_ACCEPTED": _booking_made,
    "CALENDAR_ENTRY_REJECTED": _invite_declined,
    "WRONG_ASSIGNMENT_REPORT": _assignment_disputed,
}

_ORGANIZATION_REASON = "it is about Cal.com's own configuration, not about a booking"
_ATTRIBUTION_REASON = "an answered routing form, stored for attribution; the booking that follows has its own webhook"
_IGNORED = {
    "PING": "a ping test of the webhook was received",
    "INSTANT_MEETING": "an instant meeting was requested; it becomes a booking when a host accepts it",
    "FORM_SUBMITTED": _ATTRIBUTION_REASON,
    "FORM_SUBMITTED_NO_EVENT": "a routing form that led to no booking, stored for attribution",
    "ROUTING_FORM_FALLBACK_HIT": "a routing form used its fallback, stored for attribution",
    "OOO_CREATED": "a teammate is out of office; Cal.com removes their slots automatically",
    "DELEGATION_CREDENTIAL_ERROR": _ORGANIZATION_REASON,
    "DELEGATION_CREDENTIAL_SECRET_ROTATED": _ORGANIZATION_REASON,
    "DELEGATION_CREDENTIAL_SECRET_ROTATION_FAILED": _ORGANIZATION_REASON,
    "DELEGATION_CREDENTIAL_ROTATION_REQUIRED": _ORGANIZATION_REASON,
}
