"""F03, F05, F07, F16, F17, F19: all dialects of webhooks and the API say the same about one booking.

The fields that a dialect does not have are those that docs/CALCOM.md names.
"""

import json
from collections.abc import Callable
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from showup.events.details import BookingDetails
from showup.events.translation import Translated
from showup.sources.calcom.api_decoder import decode_booking
from showup.sources.calcom.client_v1 import decode_booking_v1
from showup.sources.calcom.synthetic_webhook import SyntheticWebhook, WebhookTrigger, build_webhook
from showup.sources.calcom.translate import translate
from tests.sources.test_field_places import TABLE

HOST = {"id": 41, "email": "hanna@host.example", "name": "Hanna Host", "username": "hanna", "timeZone": "Asia/Tokyo"}
CHOICES = {
    *("organizer_email_hidden", "reply_to", "rescheduling_disabled", "cancelling_disabled", "team_id"),
    *("platform_reschedule_url", "platform_cancel_url", "platform_booking_url"),
}
# What a row of MEETING_* lacks, as docs/CALCOM.md says: it has the booking, and nothing of its event type.
NOT_IN_ROWS = CHOICES | {"event_type", "event_type_title", "booker_url", "price", "currency"}
NOT_IN_API = {
    version: {field for field, row in TABLE.items() if not row[column]} | {"calendar_invites"}
    for version, column in (("v2", 1), ("v1", 2))
}
# These say how a body came, not what it says.
ENVELOPE_FIELDS = {"attendees_are_guests", "booked_at"}


class ReportedBooking(Struct, frozen=True, kw_only=True):
    """What one booking says, before a dialect writes it down."""

    title: str
    row_email: str | None
    email: str
    phone: tuple[str, str] | None
    locale: str | None
    guests: tuple[str, ...]
    company: tuple[str, str] | None
    name_in_parts: bool
    location: tuple[str, str | None]
    notes: str | None
    series: str | None
    choices: dict[str, Any]
    calendar: dict[str, Any]


numbers = st.from_regex(r"\+34[0-9]{9}", fullmatch=True)
urls = st.sampled_from(["", "https://p.example/a", "https://p.example/b/"])
calendars = st.sampled_from(["google_calendar", "office365_calendar", "apple_calendar", "hubspot_crm"])


@st.composite
def bookings(draw: st.DrawFn) -> ReportedBooking:
    email = f"{draw(st.sampled_from(['ina', 'Ivo', 'zoe']))}@oak.example"
    number = draw(numbers)
    places = ["phoneNumber", "attendeePhoneNumber", "smsReminderNumber", "phone", "location", "telefonnummer"]
    phone = draw(st.none() | st.tuples(st.sampled_from(places), st.just(number)))
    locations: list[tuple[str, str | None]] = [
        *(("integrations:daily", None), ("https://zoom.example/j/1", None), ("Elm Street 5", None)),
        *(("attendeeInPerson", "Oak 1"), ("userPhone", "+49 30 123456"), ("inPerson", None), ("", None)),
    ]
    called = phone is not None and phone[0] == "location"
    switches = {
        name: draw(st.booleans()) for name in ("hideOrganizerEmail", "disableRescheduling", "disableCancelling")
    }
    pages = {f"platform{page}Url": draw(urls) for page in ("Reschedule", "Cancel", "Booking")}
    return ReportedBooking(
        title=draw(st.sampled_from(["Intro", "$RCH$Intro", "Über uns"])),
        row_email=draw(st.sampled_from([email, None, "", f"{number[1:]}@sms.cal.com"])),
        email=email,
        phone=phone,
        locale=draw(st.sampled_from([None, "en", "pt-BR"])),
        guests=tuple(draw(st.lists(st.sampled_from(["g1@oak.example", "g2@elm.example"]), unique=True))),
        company=draw(
            st.none()
            | st.tuples(
                st.sampled_from(["company", "name-ihrer-firma", "Société", "nombre-de-la-empresa", "company-size"]),
                st.sampled_from(["Oak Ltd", "Öak & Söhne"]),
            )
        ),
        name_in_parts=draw(st.booleans()),
        location=("phone", number) if called else draw(st.sampled_from(locations)),
        notes=draw(st.sampled_from([None, "hello", "$RCH$hello"])),
        series=draw(st.none() | st.just("series-1")),
        choices={
            **switches,
            **pages,
            "customReplyToEmail": draw(st.sampled_from([None, "desk@host.example"])),
            "platformClientId": draw(st.sampled_from(["", "client"])),
        },
        calendar=draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "appsStatus": st.lists(
                        st.fixed_dictionaries({"type": calendars, "success": st.integers(0, 2)}), max_size=2
                    ),
                    "destinationCalendar": st.none() | st.lists(st.fixed_dictionaries({"integration": calendars})),
                },
            )
        ),
    )


def answers(reported: ReportedBooking) -> dict[str, Any]:
    """Returns the answers by slug, as the API and rows of old instances have them."""
    kind, detail = reported.location
    found: dict[str, Any] = {
        "name": {"firstName": "Ina", "lastName": "Oak"} if reported.name_in_parts else "Ina Oak",
        "email": reported.email,
        "location": {"value": kind, "optionValue": detail or ""},
    }
    if reported.phone is not None and reported.phone[0] not in ("phoneNumber", "location"):
        found[reported.phone[0]] = reported.phone[1]
    if reported.company is not None:
        found[reported.company[0]] = reported.company[1]
    if reported.notes is not None:
        found["notes"] = reported.notes
    return found


def attendee_rows(reported: ReportedBooking, language: Callable[[str], dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns the rows of the attendees, the booker first."""
    booker: dict[str, Any] = {"name": "Ina Oak", "timeZone": "Europe/Paris"}
    if reported.row_email is not None:
        booker["email"] = reported.row_email
    if reported.phone is not None and reported.phone[0] == "phoneNumber":
        booker["phoneNumber"] = reported.phone[1]
    if reported.locale is not None:
        booker |= language(reported.locale)
    return [booker, *({"name": "", "email": email} for email in reported.guests)]


def meeting_fields(reported: ReportedBooking) -> dict[str, Any]:
    return {
        "uid": "one",
        "title": reported.title,
        "startTime": "2027-03-01T15:00:00.000Z",
        "endTime": "2027-03-01T15:30:00.000Z",
        "eventTypeId": 9,
        "location": reported.location[0],
        "metadata": {},
        "iCalUID": "one@Cal.com",
        "status": "ACCEPTED",
        "recurringEventId": reported.series,
    }


def payload(reported: ReportedBooking) -> dict[str, Any]:
    """Returns a current webhook's payload."""
    return {
        **meeting_fields(reported),
        **reported.choices,
        **reported.calendar,
        "bookingId": 7,
        "type": "intro",
        "additionalNotes": reported.notes,
        "organizer": HOST,
        "attendees": attendee_rows(reported, lambda locale: {"language": {"locale": locale}}),
        "responses": {slug: {"label": slug, "value": value} for slug, value in answers(reported).items()},
        "userFieldsResponses": {},
    }


def row(reported: ReportedBooking) -> dict[str, Any]:
    """Returns a row of MEETING_ENDED."""
    return {
        **meeting_fields(reported),
        **reported.calendar,
        "triggerEvent": "MEETING_ENDED",
        "id": 7,
        "user": HOST,
        "userPrimaryEmail": HOST["email"],
        "attendees": attendee_rows(reported, lambda locale: {"locale": locale}),
        "responses": answers(reported),
    }


def api_v2(reported: ReportedBooking) -> dict[str, Any]:
    rows = attendee_rows(reported, lambda locale: {"language": locale})
    return {
        "id": 7,
        "uid": "one",
        "title": reported.title,
        "status": "accepted",
        "start": "2027-03-01T15:00:00.000Z",
        "end": "2027-03-01T15:30:00.000Z",
        "hosts": [HOST],
        "eventType": {"id": 9, "slug": "intro"},
        "location": reported.location[0],
        "attendees": rows,
        "guests": list(reported.guests),
        "bookingFieldsResponses": answers(reported),
        "icsUid": "one@Cal.com",
        "recurringBookingUid": reported.series,
        "metadata": {},
    }


def api_v1(reported: ReportedBooking) -> dict[str, Any]:
    return {
        **row(reported),
        "eventType": {"slug": "intro"},
        "attendees": attendee_rows(reported, lambda one: {"locale": one}),
    }


def details(body: bytes) -> BookingDetails:
    translation = translate(body)
    assert isinstance(translation, Translated), translation
    return translation.event.booking


def plain(booking: BookingDetails, without: set[str]) -> dict[str, Any]:
    """Returns the booking's fields; the first name is only where a form asks for it, or in current webhooks."""
    fields: dict[str, Any] = msgspec.to_builtins(booking)
    for attendee in fields["attendees"]:
        attendee.pop("first_name")
    return {name: value for name, value in fields.items() if name not in without | ENVELOPE_FIELDS}


def body(value: Any) -> bytes:
    return json.dumps(value).encode()


def webhook_dialects(reported: ReportedBooking) -> dict[str, bytes]:
    fields = payload(reported)
    envelope = {"triggerEvent": "BOOKING_CREATED", "createdAt": "2027-02-01T00:00:00.000Z"}
    old_times = {name: fields[name].replace(".000Z", "+00:00") for name in ("startTime", "endTime")}
    calendars_listed = fields.get("destinationCalendar")
    old_calendar = (
        {"destinationCalendar": calendars_listed[0]} if calendars_listed and len(calendars_listed) == 1 else {}
    )
    at_relay = {**fields, "metadata": {"responses": answers(reported)}, "responses": {}}
    return {
        "2026-07-27": body({**envelope, "payload": {**fields, "attendeeIcsContent": "BEGIN:VCALENDAR"}}),
        "2023": body({**envelope, "payload": {**fields, **old_times, **old_calendar}}),
        "n8n": body([{**envelope, **fields}]),
        "stored by a relay": body({"body": json.dumps({**envelope, "payload": fields})}),
        "renamed by a relay": body({"trigger": "booking.created", "data": fields}),
        "answers in metadata": body({**envelope, "payload": at_relay}),
    }


@settings(max_examples=150, deadline=None)
@given(bookings())
def test_all_dialects_and_the_api_say_the_same(reported: ReportedBooking) -> None:
    current = details(body({"triggerEvent": "BOOKING_CREATED", "payload": payload(reported)}))
    for name, dialect in webhook_dialects(reported).items():
        assert plain(details(dialect), set()) == plain(current, set()), name
    assert plain(details(body(row(reported))), NOT_IN_ROWS) == plain(current, NOT_IN_ROWS)
    created = SyntheticWebhook(trigger="BOOKING_CREATED", at=None)
    for version, decoded in (("v2", decode_booking(api_v2(reported))), ("v1", decode_booking_v1(api_v1(reported)))):
        assert decoded is not None
        lacks = NOT_IN_API[version]
        assert plain(details(build_webhook(decoded, created)), lacks) == plain(current, lacks), version


@settings(max_examples=100, deadline=None)
@given(bookings())
def test_the_details_are_those_that_were_reported(reported: ReportedBooking) -> None:
    """The dialects don't only agree: they are right."""
    booking = details(body({"triggerEvent": "BOOKING_CREATED", "payload": payload(reported)}))
    booker = booking.attendees[0]
    assert [one.email for one in booking.attendees] == [reported.email.lower(), *reported.guests]
    assert booker.locale == reported.locale
    invented = f"+{reported.row_email.partition('@')[0]}" if "sms.cal.com" in (reported.row_email or "") else None
    assert booker.phone == (reported.phone[1] if reported.phone is not None else invented)
    asked_for_company = reported.company is not None and reported.company[0] != "company-size"
    assert booking.company_answer == (
        reported.company[1] if reported.company is not None and asked_for_company else None
    )
    assert "$RCH$" not in repr(booking)
    assert booking.organizer_email_hidden is reported.choices["hideOrganizerEmail"]
    assert booking.rescheduling_disabled is reported.choices["disableRescheduling"]
    assert booking.reply_to == (reported.choices["customReplyToEmail"] or "")
    is_platform = any(reported.choices[name] for name in reported.choices if name.startswith("platform"))
    assert booking.platform_cancel_url == (reported.choices["platformCancelUrl"] if is_platform else None)
    assert (booking.series_uid is None) is (reported.series is None)


def test_every_field_is_compared() -> None:
    """A new field of a booking must stand in the table of docs/CALCOM.md, or be one that several places tell."""
    described = {
        *("hosts", "attendees", "seated", "location", "location_kind", "notes", "answers", "company_answer"),
        *("calendar_invites", "series_uid", "source"),
    }
    assert set(BookingDetails.__struct_fields__) == set(TABLE) | described | ENVELOPE_FIELDS


def test_a_synthetic_webhook_has_the_bookings_own_status() -> None:
    """F13's input: a change of a booking that waits for confirmation doesn't accept it."""
    pending = decode_booking({"uid": "one", "status": "pending", "start": "2027-03-01T15:00:00.000Z"})
    assert pending is not None
    expected: dict[WebhookTrigger, str] = {
        "BOOKING_REASSIGNED": "PENDING",
        "BOOKING_LOCATION_UPDATED": "PENDING",
        "BOOKING_REQUESTED": "PENDING",
        "BOOKING_CREATED": "ACCEPTED",
        "BOOKING_CANCELLED": "CANCELLED",
        "BOOKING_REJECTED": "REJECTED",
    }
    for trigger, status in expected.items():
        assert details(build_webhook(pending, SyntheticWebhook(trigger=trigger, at=None))).status == status
