"""Reads the fields of a booking, from any body of Cal.com or of a relay, into Showup's model."""

from typing import Any, Final, get_args

from showup.bookings.booking import Status
from showup.events.details import BookingDetails
from showup.sources.calcom.booking_details.answers import chosen_location, company_answer, read_answers
from showup.sources.calcom.booking_details.attendees import read_attendees
from showup.sources.calcom.booking_details.calendar_invitation import calendar_invites
from showup.sources.calcom.booking_details.location import location_kind, read_location
from showup.sources.calcom.booking_details.places import PLACES, look_up
from showup.sources.calcom.booking_details.series import read_series
from showup.sources.calcom.booking_details.source import read_source
from showup.sources.calcom.envelope import Envelope
from showup.sources.calcom.payload import (
    TEXT_LENGTH,
    Json,
    email,
    flag,
    identifier,
    instant,
    integer,
    mapping,
    objects,
    own_email,
    text,
    url,
)

_MEETING_LINK_KINDS: Final = ("_video", "_conferencing")
_INT_LIMIT: Final = 2**31
_STATUSES: Final[dict[str, Status]] = {status: status for status in get_args(Status)} | {"CANCELED": "CANCELLED"}


def read_booking(envelope: Envelope) -> BookingDetails:
    """Returns the booking in an envelope. Raises `NotATime` where a time is unreadable."""
    fields = envelope.fields
    answers = read_answers(fields)
    texts = {slug: answer.text for slug, answer in answers.items()}
    organizer_email = look_up(fields, "organizer_email", email)
    hosts = _hosts(organizer_email, fields)
    seated = fields.get("attendeeSeatId") is not None or integer(fields.get("seatsPerTimeSlot")) is not None
    attendees = read_attendees(fields, answers, hosts, seated=seated)
    chosen, meeting_url = chosen_location(answers), _meeting_url(fields)
    location = read_location(fields, chosen)
    return BookingDetails(
        uid=look_up(fields, "uid", identifier),
        calcom_booking_id=look_up(fields, "calcom_booking_id", identifier),
        status=look_up(fields, "status", _status),
        series_uid=read_series(fields, next((one.key for one in attendees), None)),
        title=look_up(fields, "title", text),
        start_time=_time(fields, "start_time"),
        end_time=_time(fields, "end_time"),
        booked_at=instant(fields, "createdAt") if envelope.is_row else None,
        organizer_email=organizer_email,
        organizer_name=look_up(fields, "organizer_name", text),
        organizer_time_zone=look_up(fields, "organizer_time_zone", text),
        organizer_username=look_up(fields, "organizer_username", text),
        hosts=hosts,
        attendees=attendees,
        attendees_are_guests=not envelope.trigger.startswith("MEETING_"),
        seated=seated,
        event_type=look_up(fields, "event_type", text),
        event_type_title=look_up(fields, "event_type_title", text),
        calcom_event_type_id=look_up(fields, "calcom_event_type_id", identifier),
        team_id=look_up(fields, "team_id", integer),
        location=location,
        location_kind=location_kind(location, chosen, meeting_url, (one.phone for one in attendees)),
        meeting_url=meeting_url,
        notes=text(fields.get("additionalNotes"), TEXT_LENGTH) or texts.get("notes"),
        answers=texts,
        company_answer=company_answer(answers),
        source=read_source(fields, answers),
        ical_uid=look_up(fields, "ical_uid", text),
        ical_sequence=look_up(fields, "ical_sequence", lambda value: integer(value, _INT_LIMIT)),
        booker_url=look_up(fields, "booker_url", url),
        organizer_email_hidden=look_up(fields, "organizer_email_hidden", flag),
        reply_to=_reply_to(fields),
        rescheduling_disabled=_disabled(fields, "rescheduling_disabled", "disableReschedulingScope"),
        cancelling_disabled=_disabled(fields, "cancelling_disabled", "disableCancellingScope"),
        **_platform_urls(fields),
        calendar_invites=calendar_invites(fields),
        price=look_up(fields, "price", integer),
        currency=look_up(fields, "currency", _currency),
    )


def _time(fields: Json, field: str) -> Any:
    times = (instant(fields, place) for place in PLACES[field])
    return next((time for time in times if time is not None), None)


def _status(value: Any) -> Status | None:
    return _STATUSES.get((text(value) or "").upper())


def _currency(value: Any) -> str | None:
    found = text(value, 3)
    return found.upper() if found is not None else None


def _hosts(organizer_email: str | None, fields: Json) -> frozenset[str]:
    listed = objects(mapping(fields.get("team")).get("members")) + objects(fields.get("hosts"))
    emails = (organizer_email, *(email(member.get("email")) for member in listed))
    return frozenset(found for found in emails if found is not None)


def _reply_to(fields: Json) -> str | None:
    """Returns the address for replies; empty text where the body says that there is none."""
    found = look_up(fields, "reply_to", own_email)
    return "" if found is None and "customReplyToEmail" in fields else found


def _disabled(fields: Json, field: str, scope: str) -> bool | None:
    """Returns whether attendees may not do it: `disable…` forbids it to them, whatever its scope says of the host."""
    is_disabled = look_up(fields, field, flag)
    return True if is_disabled is None and text(fields.get(scope)) == "ATTENDEE_ONLY" else is_disabled


def _platform_urls(fields: Json) -> dict[str, str | None]:
    """Returns a platform's pages; empty text for a page that it does not have, since Cal.com's know no such booking."""
    names = ("platform_reschedule_url", "platform_cancel_url", "platform_booking_url")
    found = {name: look_up(fields, name, url) for name in names}
    if text(fields.get("platformClientId")) is None and not any(found.values()):
        return dict.fromkeys(names)
    return {name: page or "" for name, page in found.items()}


def _meeting_url(fields: Json) -> str | None:
    """Returns the link to join: in Cal.com's own order of preference, then the references in MEETING_* bodies."""
    direct_url = look_up(fields, "meeting_url", url)
    if direct_url is not None:
        return direct_url
    links = (
        url(reference.get("meetingUrl"))
        for reference in objects(fields.get("references"))
        if (text(reference.get("type")) or "").endswith(_MEETING_LINK_KINDS)
    )
    return next((link for link in links if link is not None), None)
