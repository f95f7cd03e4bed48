"""Reads a Cal.com booking from a webhook into Showup's model."""

from collections.abc import Iterable
from typing import get_args

from msgspec.structs import replace

from showup.bookings.booking import Status
from showup.events.details import AttendeeDetails, BookingDetails
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
    read_answer,
    text,
    url,
)
from showup.sources.calcom.series import read_series

# Cal.com invents an address for bookers known by phone only (`contructEmailFromPhoneNumber.ts`).
_PHONE_ONLY = "@sms.cal.com"
_COMPANY_SLUGS = ("company", "company_name", "company-name", "companyname", "organization", "organisation")
_MEETING_LINK_KINDS = ("_video", "_conferencing")
_INT_LIMIT = 2**31
_MAX_ATTENDEES = 1_000
_MAX_ANSWERS = 100


def read_booking(envelope: Envelope) -> BookingDetails:
    """Returns the booking in an envelope. Raises `NotATime` where a time is unreadable."""
    fields = envelope.fields
    organizer = mapping(fields.get("organizer") or fields.get("user"))
    organizer_email = email(organizer.get("email")) or email(fields.get("userPrimaryEmail"))
    answers = _answers(fields)
    attendees = tuple(_attendees(fields, answers))
    return BookingDetails(
        uid=identifier(fields.get("uid")) or identifier(fields.get("bookingUid")),
        calcom_booking_id=identifier(fields.get("bookingId")) or identifier(fields.get("id")),
        status=_status(fields),
        series_uid=read_series(fields, next((one.key for one in attendees), None)),
        title=text(fields.get("title")),
        start_time=instant(fields, "startTime"),
        end_time=instant(fields, "endTime"),
        booked_at=instant(fields, "createdAt") if envelope.is_row else None,
        organizer_email=organizer_email,
        organizer_name=text(organizer.get("name")),
        organizer_time_zone=text(organizer.get("timeZone")),
        hosts=_hosts(organizer_email, fields),
        attendees=attendees,
        attendees_are_guests=not envelope.trigger.startswith("MEETING_"),
        seated=fields.get("attendeeSeatId") is not None or integer(fields.get("seatsPerTimeSlot")) is not None,
        event_type=text(fields.get("type")),
        event_type_title=text(fields.get("eventTypeTitle")) or text(fields.get("eventTitle")),
        calcom_event_type_id=identifier(fields.get("eventTypeId")),
        team_id=integer(mapping(fields.get("team")).get("id")),
        location=text(fields.get("location")),
        meeting_url=_meeting_url(fields),
        notes=text(fields.get("additionalNotes"), TEXT_LENGTH) or answers.get("notes"),
        answers=answers,
        company_answer=_company(answers),
        ical_uid=text(fields.get("iCalUID")),
        ical_sequence=integer(fields.get("iCalSequence"), _INT_LIMIT),
        booker_url=url(fields.get("bookerUrl")),
        price=integer(fields.get("price")),
        currency=_currency(fields),
        simulated=mapping(fields.get("metadata")).get("showup") in ("simulated", "sample"),
    )


def _status(fields: Json) -> Status | None:
    name = (text(fields.get("status")) or "").upper()
    return next((one for one in get_args(Status) if one == name), None)


def _attendees(fields: Json, answers: dict[str, str]) -> tuple[AttendeeDetails, ...]:
    listed = [_attendee(item) for item in objects(fields.get("attendees"))[:_MAX_ATTENDEES]]
    if not listed and email(answers.get("email")):
        # Some relays drop the attendees and keep the form, which also names the booker.
        listed = [_attendee({"email": answers["email"], "name": answers.get("name")})]
    seat = identifier(fields.get("attendeeSeatId"))
    if seat is not None and len(listed) == 1:
        listed = [replace(listed[0], seat_uid=seat)]
    return tuple(_unique(listed))


def _attendee(item: Json) -> AttendeeDetails:
    address = email(item.get("email"))
    phone = text(item.get("phoneNumber"), 40)
    if address is not None and address.endswith(_PHONE_ONLY):
        phone = phone or f"+{address.removesuffix(_PHONE_ONLY)}"
        address = None
    return AttendeeDetails(
        email=address,
        name=text(read_answer(item.get("name"))),
        time_zone=text(item.get("timeZone"), 64),
        phone=phone,
        seat_uid=identifier(mapping(item.get("bookingSeat")).get("referenceUid")),
        no_show=flag(item.get("noShow")),
        attended=flag(item.get("attended")),
    )


def _unique(listed: Iterable[AttendeeDetails]) -> Iterable[AttendeeDetails]:
    seen_keys: set[str] = set()
    for attendee in listed:
        if attendee.key and attendee.key not in seen_keys:
            seen_keys.add(attendee.key)
            yield attendee


def _hosts(organizer_email: str | None, fields: Json) -> frozenset[str]:
    listed = objects(mapping(fields.get("team")).get("members")) + objects(fields.get("hosts"))
    emails = (organizer_email, *(email(member.get("email")) for member in listed))
    return frozenset(found for found in emails if found is not None)


def _answers(fields: Json) -> dict[str, str]:
    """Returns the form's answers by slug; answers to custom questions override Cal.com's standard ones."""
    found: dict[str, str] = {}
    for source in (mapping(fields.get("responses")), mapping(fields.get("userFieldsResponses"))):
        for slug, raw in list(source.items())[:_MAX_ANSWERS]:
            answer_text = read_answer(raw)
            name = text(slug, 100)
            if answer_text is not None and name is not None:
                found[name] = answer_text
    return found


def _company(answers: dict[str, str]) -> str | None:
    by_slug = {slug.lower(): value for slug, value in answers.items()}
    return next((text(by_slug[slug], 200) for slug in _COMPANY_SLUGS if slug in by_slug), None)


def _currency(fields: Json) -> str | None:
    found = text(fields.get("currency"), 3)
    return found.upper() if found is not None else None


def _meeting_url(fields: Json) -> str | None:
    """Returns the link to join: in Cal.com's own order of preference, then the references in MEETING_* bodies."""
    direct_url = (
        url(mapping(fields.get("metadata")).get("videoCallUrl"))
        or url(mapping(fields.get("videoCallData")).get("url"))
        or url(fields.get("location"))
    )
    if direct_url is not None:
        return direct_url
    references = objects(fields.get("references"))
    links = (
        url(reference.get("meetingUrl"))
        for reference in references
        if (text(reference.get("type")) or "").endswith(_MEETING_LINK_KINDS)
    )
    return next((link for link in links if link is not None), None)
