"""A Cal.com webhook's body becomes an event in our words, or the reason why it becomes none.

Every trigger of Cal.com's list has its line in `_MEANINGS`; a trigger that is not there is ignored by name. Nothing is
raised for bad input: what can't be read is a value too. Facts: Cal.com's documentation of its webhooks and real
deliveries; where the two disagree, the deliveries hold.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeAlias

from msgspec import Struct

from showup import events
from showup.events import BookingSeen, Event, Replaced
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
from showup.sources.calcom.seen import booking_seen


class Translated(Struct, frozen=True, kw_only=True):
    """What a body says: the event, and when it happened by its source (None: the source did not say)."""

    event: Event
    trigger: str
    uid: str | None
    source_at: datetime | None


class Ignored(Struct, frozen=True, kw_only=True):
    """A body that was understood and means nothing to the pipeline."""

    because: str
    trigger: str


class Unreadable(Struct, frozen=True, kw_only=True):
    """A body that can't be understood; it stays in the log and can be run again after a fix."""

    because: str
    trigger: str | None = None


Translation: TypeAlias = Translated | Ignored | Unreadable
_Meaning: TypeAlias = Callable[[Envelope, BookingSeen], Event]


class _Missing(ValueError):
    """A field without which the trigger means nothing."""


def translate(body: bytes) -> Translation:
    """The meaning of one webhook body, whatever stands in it."""
    try:
        envelope = open_envelope(body)
    except NotAnEnvelope as fault:
        return Unreadable(because=str(fault))
    trigger = envelope.trigger[:100]
    if trigger in _WITHOUT_MEANING:
        return Ignored(because=_WITHOUT_MEANING[trigger], trigger=trigger)
    if trigger not in _MEANINGS:
        return Ignored(because=f"{trigger} is not a trigger Showup knows; it is kept", trigger=trigger)
    try:
        return _understood(envelope, trigger)
    except (_Missing, NotATime) as fault:
        return Unreadable(because=str(fault), trigger=trigger)


def _understood(envelope: Envelope, trigger: str) -> Translated:
    seen = booking_seen(envelope)
    event = _MEANINGS[trigger](envelope, seen)
    if not _is_named(event):
        raise _Missing(f"{trigger} names no booking: there is neither a uid nor a bookingId")
    return Translated(event=event, trigger=trigger, uid=event.booking.uid, source_at=_source_time(envelope, event))


def _is_named(event: Event) -> bool:
    """Whether the booking can be told from others; one that was just made is, by its time and its booker."""
    seen = event.booking
    if seen.uid is not None or seen.calcom_booking_id is not None:
        return True
    return isinstance(event, events.BookingMade) and any(one.email is not None for one in seen.attendees)


def _source_time(envelope: Envelope, event: Event) -> datetime | None:
    """When it happened. Meetings start and end by the clock, whenever Cal.com made or sent the news.

    The no-show triggers of Cal Video may carry a `createdAt` before the meeting: they are scheduled, and fire
    `time` `timeUnit`s after its start.
    """
    seen = event.booking
    match event:
        case events.MeetingStarted():
            return seen.start_time or envelope.sent_at()
        case events.MeetingEnded():
            return seen.end_time or envelope.sent_at()
        case events.GuestsMissed() | events.HostMissed() if seen.start_time is not None:
            fired_at = seen.start_time + _fires_after(envelope)
            return max(fired_at, envelope.sent_at() or fired_at)
        case _:
            return envelope.sent_at()


def _fires_after(envelope: Envelope) -> timedelta:
    webhook = mapping(envelope.fields.get("webhook"))
    amount = integer(webhook.get("time"), below=10_000) or 0
    unit = {"MINUTE": "minutes", "HOUR": "hours", "DAY": "days"}.get(text(webhook.get("timeUnit")) or "", "minutes")
    return timedelta(**{unit: max(amount, 0)})


def _timed(seen: BookingSeen, trigger: str) -> BookingSeen:
    if seen.start_time is None:
        raise _Missing(f"{trigger} says no startTime, and a booking without a time can't be kept")
    return seen


def _replaced(envelope: Envelope) -> Replaced | None:
    """The booking that this one took the place of; `previous*` is how one relay names it."""
    fields = envelope.fields
    uid = identifier(fields.get("rescheduleUid")) or identifier(fields.get("previousUid"))
    number = identifier(fields.get("rescheduleId"))
    if uid is None and number is None:
        return None
    return Replaced(
        uid=uid,
        calcom_booking_id=number,
        start_time=instant(fields, "rescheduleStartTime") or instant(fields, "previousStartTime"),
        end_time=instant(fields, "rescheduleEndTime") or instant(fields, "previousEndTime"),
    )


def _made(envelope: Envelope, seen: BookingSeen) -> Event:
    return events.BookingMade(booking=_timed(seen, envelope.trigger), replaces=_replaced(envelope))


def _requested(envelope: Envelope, seen: BookingSeen) -> Event:
    return events.BookingRequested(booking=_timed(seen, envelope.trigger), replaces=_replaced(envelope))


def _payment_started(envelope: Envelope, seen: BookingSeen) -> Event:
    return events.PaymentStarted(booking=_timed(seen, envelope.trigger))


def _paid(_envelope: Envelope, seen: BookingSeen) -> Event:
    return events.BookingPaid(booking=seen)


def _rejected(envelope: Envelope, seen: BookingSeen) -> Event:
    return events.BookingRejected(booking=seen, reason=text(envelope.fields.get("rejectionReason"), TEXT_LENGTH))


def _rescheduled(envelope: Envelope, seen: BookingSeen) -> Event:
    fields = envelope.fields
    seen = _timed(seen, envelope.trigger)
    # A body without the old uid moved the booking it names.
    replaces = _replaced(envelope) or Replaced(uid=seen.uid, calcom_booking_id=seen.calcom_booking_id)
    by = text(fields.get("rescheduledBy"))
    if fields.get("attendeeSeatId") is not None and replaces.uid not in (None, seen.uid):
        return events.SeatMoved(booking=seen, replaces=replaces, by=by)
    # Cal.com puts the reason for a new time into `cancellationReason`.
    reason = (
        text(fields.get("cancellationReason"), TEXT_LENGTH)
        or seen.answers.get("rescheduleReason")
        or text(fields.get("reschedulingReason"), TEXT_LENGTH)
        or text(fields.get("rescheduledReason"), TEXT_LENGTH)
    )
    return events.BookingRescheduled(booking=seen, replaces=replaces, reason=reason, by=by)


def _cancelled(envelope: Envelope, seen: BookingSeen) -> Event:
    fields = envelope.fields
    return events.BookingCancelled(
        booking=seen,
        reason=text(fields.get("cancellationReason"), TEXT_LENGTH),
        by=text(fields.get("cancelledBy")),
        reschedule_requested=flag(fields.get("requestReschedule")) or False,
    )


def _location_changed(_envelope: Envelope, seen: BookingSeen) -> Event:
    return events.LocationChanged(booking=seen)


def _organizer_changed(_envelope: Envelope, seen: BookingSeen) -> Event:
    return events.OrganizerChanged(booking=seen)


def _meeting_started(_envelope: Envelope, seen: BookingSeen) -> Event:
    return events.MeetingStarted(booking=seen)


def _meeting_ended(envelope: Envelope, seen: BookingSeen) -> Event:
    return events.MeetingEnded(booking=seen, host_absent=flag(envelope.fields.get("noShowHost")) or False)


def _no_show_updated(_envelope: Envelope, seen: BookingSeen) -> Event:
    marked = tuple(
        events.AttendeeSeen(email=one.email, phone=one.phone, attended=not one.no_show)
        for one in seen.attendees
        if one.no_show is not None
    )
    if not marked:
        raise _Missing("BOOKING_NO_SHOW_UPDATED marks nobody: no attendee has a noShow")
    told = BookingSeen(uid=seen.uid, calcom_booking_id=seen.calcom_booking_id, attendees=marked)
    return events.AttendanceReported(booking=told)


def _watched(seen: BookingSeen) -> BookingSeen:
    """The Cal Video watchers list database rows, whose `noShow` is not what they report."""
    return BookingSeen(
        uid=seen.uid,
        calcom_booking_id=seen.calcom_booking_id,
        start_time=seen.start_time,
        end_time=seen.end_time,
    )


def _guests_missed(_envelope: Envelope, seen: BookingSeen) -> Event:
    return events.GuestsMissed(booking=_watched(seen))


def _host_missed(envelope: Envelope, seen: BookingSeen) -> Event:
    return events.HostMissed(booking=_watched(seen), host_email=email(envelope.fields.get("hostEmail")))


def _recording_ready(envelope: Envelope, seen: BookingSeen) -> Event:
    return events.RecordingReady(booking=_watched(seen), url=url(envelope.fields.get("downloadLink")))


def _transcript_ready(envelope: Envelope, seen: BookingSeen) -> Event:
    links = objects(mapping(envelope.fields.get("downloadLinks")).get("transcription"))
    by_format = {text(link.get("format")): url(link.get("link")) for link in links}
    readable = by_format.get("txt") or next((link for link in by_format.values() if link), None)
    return events.TranscriptReady(booking=_watched(seen), url=readable)


def _invite_declined(envelope: Envelope, seen: BookingSeen) -> Event:
    declined = mapping(envelope.root.get("declinedAttendee"))
    return events.InviteDeclined(booking=_watched(seen), email=email(declined.get("email")))


def _assignment_disputed(envelope: Envelope, _seen: BookingSeen) -> Event:
    booking, report = mapping(envelope.fields.get("booking")), mapping(envelope.fields.get("report"))
    return events.AssignmentDisputed(
        booking=BookingSeen(uid=identifier(booking.get("uid")), calcom_booking_id=identifier(booking.get("id"))),
        by=email(mapping(report.get("reportedBy")).get("email")),
        correct_organizer=email(report.get("correctAssignee")),
    )


_MEANINGS: dict[str, _Meaning] = {
    "BOOKING_CREATED": _made,
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
    "INSTANT_MEETING_ACCEPTED": _made,
    "CALENDAR_ENTRY_REJECTED": _invite_declined,
    "WRONG_ASSIGNMENT_REPORT": _assignment_disputed,
}

_OF_THE_ORGANIZATION = "it concerns Cal.com's own set-up, not a booking"
_FOR_ATTRIBUTION = "an answered routing form, kept for attribution; the booking that follows has its own webhook"
_WITHOUT_MEANING = {
    "PING": "a test of the webhook; it arrived",
    "INSTANT_MEETING": "an instant meeting was asked for; it counts once a host accepts it",
    "FORM_SUBMITTED": _FOR_ATTRIBUTION,
    "FORM_SUBMITTED_NO_EVENT": "a routing form that led to no booking, kept for attribution",
    "ROUTING_FORM_FALLBACK_HIT": "a routing form took its fallback, kept for attribution",
    "OOO_CREATED": "a teammate is out of office; Cal.com takes their slots away by itself",
    "DELEGATION_CREDENTIAL_ERROR": _OF_THE_ORGANIZATION,
    "DELEGATION_CREDENTIAL_SECRET_ROTATED": _OF_THE_ORGANIZATION,
    "DELEGATION_CREDENTIAL_SECRET_ROTATION_FAILED": _OF_THE_ORGANIZATION,
    "DELEGATION_CREDENTIAL_ROTATION_REQUIRED": _OF_THE_ORGANIZATION,
}
