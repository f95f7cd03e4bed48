"""F07, F16, F17, F19, M07: the details of a booking that Cal.com puts into one of several places."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from showup.events.booking import booking_names
from showup.events.details import BookingDetails
from showup.events.translation import Translated, Unreadable
from showup.sources.calcom.booking_details.question_topics import COMPANY, EMAIL, PHONE
from showup.sources.calcom.translate import translate

ACCOUNT = UUID(int=1)
START = "2027-03-01T15:00:00.000Z"
HOST = "hanna@host.example"
BOOKING: dict[str, Any] = {
    "uid": "one",
    "startTime": START,
    "organizer": {"email": HOST, "name": "Hanna"},
    "attendees": [{"email": "ina@oak.example", "name": "Ina Oak"}],
}


def translated(trigger: str, fields: dict[str, Any]) -> Any:
    translation = translate(json.dumps({"triggerEvent": trigger, "payload": fields}).encode())
    assert isinstance(translation, Translated), translation
    return translation.event


def read(**changes: Any) -> BookingDetails:
    found = translated("BOOKING_CREATED", {**BOOKING, **changes}).booking
    assert isinstance(found, BookingDetails)
    return found


def answer(value: Any, label: str = "label") -> dict[str, Any]:
    return {"label": label, "value": value, "isHidden": False}


@pytest.mark.parametrize("row", [{}, {"email": ""}, {"email": None}, {"email": "34600111222@sms.cal.com"}])
@pytest.mark.parametrize(
    "form",
    [
        {"responses": {"email": answer("Ina@Oak.example")}},
        {"responses": {"email": "ina@oak.example"}},
        {"userFieldsResponses": {"email": answer("ina@oak.example")}},
        {"bookingFieldsResponses": {"email": "ina@oak.example"}},
        {"metadata": {"responses": {"email": "ina@oak.example"}}},
        {"metadata": {"responses": '{"email": "ina@oak.example"}'}},
        {"metadata": {"bookerEmail": "ina@oak.example"}},
        {"responses": {"q1": answer("ina@oak.example", "Ihre E-Mail-Adresse")}},
        {"responses": {"email": answer("34600111222@sms.cal.com"), "q1": answer("ina@oak.example", "Work email")}},
        {"responses": {"email": answer(HOST), "your-email": answer("ina@oak.example")}},
    ],
)
def test_the_email_is_read_from_the_answers(row: dict[str, Any], form: dict[str, Any]) -> None:
    """F07: the row has no address, or the one that Cal.com made for a phone; a host's address is never the booker's."""
    booking = read(attendees=[{**row, "name": "Ina Oak", "timeZone": "Europe/Madrid"}], **form)
    [attendee] = booking.attendees
    assert (attendee.email, attendee.name, attendee.time_zone) == ("ina@oak.example", "Ina Oak", "Europe/Madrid")
    assert attendee.phone == ("+34600111222" if "sms.cal.com" in json.dumps([row, form]) else None)


def test_a_row_keeps_its_own_address_and_no_guest_gets_the_bookers() -> None:
    """F07: the booker's answers are joined with the booker's row only."""
    rows = [{"email": "guest@oak.example"}, {"email": "ina@oak.example"}]
    form = {"email": answer("ina@oak.example"), "attendeePhoneNumber": answer("+34600111222")}
    guest, booker = read(attendees=rows, responses=form).attendees
    assert (guest.email, guest.phone) == ("guest@oak.example", None)
    assert (booker.email, booker.phone) == ("ina@oak.example", "+34600111222")
    seat = read(attendees=[{"email": "other@oak.example"}], responses=form, attendeeSeatId="s1").attendees[0]
    assert (seat.email, seat.phone) == ("other@oak.example", None)


@pytest.mark.parametrize("listed", [[{"email": HOST, "name": "Hanna Host"}], []], ids=["the host listed", "not listed"])
@pytest.mark.parametrize("guest", [{"email": "guest@oak.example"}, {"email": "guest@oak.example", "name": ""}])
@pytest.mark.parametrize(
    "form",
    [
        {"responses": {"email": answer(HOST.title()), "name": answer("Hanna Host")}},
        {"userFieldsResponses": {"email": HOST, "name": {"firstName": "Hanna", "lastName": "Host"}}},
        {"metadata": {"bookerEmail": HOST, "responses": {"name": "Hanna Host"}}},
    ],
)
def test_a_guest_does_not_get_the_answers_of_a_host_who_booked(
    listed: list[dict[str, Any]], guest: dict[str, Any], form: dict[str, Any]
) -> None:
    """F07, PI2: the host books on their own page, for a guest of whom Cal.com knows only the address."""
    found = read(attendees=[*listed, guest], smsReminderNumber="+34600111222", **form)
    attendee = found.attendees[-1]
    assert (attendee.email, attendee.name, attendee.first_name, attendee.phone) == (guest["email"], None, None, None)


def test_a_caller_whom_a_host_booked_keeps_the_number() -> None:
    """F07: a row without an address may be that of whoever filled in the form, so the number is not lost."""
    form = {"email": answer(HOST), "name": answer("Ina Oak"), "attendeePhoneNumber": answer("+34600111222")}
    [caller] = read(attendees=[{"timeZone": "Europe/Madrid"}], responses=form).attendees
    assert (caller.email, caller.name, caller.phone) == (None, "Ina Oak", "+34600111222")


@pytest.mark.parametrize(
    "reported",
    [
        {"attendees": [{"email": "ina@oak.example", "phoneNumber": "+34 600 111 222"}]},
        {"responses": {"attendeePhoneNumber": answer("+34 600 111 222")}},
        {"responses": {"smsReminderNumber": answer("+34 600 111 222")}},
        {"smsReminderNumber": "+34 600 111 222"},
        {"responses": {"phone": answer("+34 600 111 222")}},
        {"responses": {"q": answer("+34 600 111 222", "Número de teléfono")}},
        {"responses": {"location": answer({"value": "phone", "optionValue": "+34 600 111 222"})}},
        {"metadata": {"responses": {"phone": "+34 600 111 222"}}},
    ],
)
def test_the_phone_number_is_read_from_each_place(reported: dict[str, Any]) -> None:
    """F07, M07."""
    assert read(**reported).attendees[0].phone == "+34 600 111 222"


@pytest.mark.parametrize(
    "reported",
    [
        {"responses": {"location": answer({"value": "userPhone", "optionValue": "+49 30 123456"})}},
        {"responses": {"userPhone": answer("+49 30 123456")}},
        {"responses": {"q": answer("+49 30 123456", "Your manager's phone")}},
        {"responses": {"phone": answer("none")}},
    ],
)
def test_another_persons_number_is_not_the_attendees(reported: dict[str, Any]) -> None:
    """F07: `userPhone` is the number at which the host is called."""
    assert read(**reported).attendees[0].phone is None


COMPANY_QUESTIONS = [
    *("Company", "company_name", "companyName", "What's the name of your company?", "Which company do you work for?"),
    *("FIRMA", "Firmenname", "Name Ihres Unternehmens", "Wie heißt Ihre Firma?", "Société", "Nom de l'entreprise"),
    *("Nom de votre société *", "Empresa", "Nombre de la compañía", "Razón social", "Nome da sua empresa"),
    *("Organização", "Bedrijfsnaam", "Naam van uw bedrijf", "Nome dell’azienda", "Società", "Nazwa firmy", "Spółka"),
    *("Företag", "Företagets namn", "Virksomhedens navn", "Yrityksen nimi"),
    *("Název společnosti", "Şirket adı", "Название компании", "会社名", "公司名称", "회사명"),
]
OTHER_QUESTIONS = [
    *("Company size", "Company website", "company-phone", "How big is your company?", "Your name", "Firmengröße"),
    *("Secteur de l'entreprise", "What does your company sell?", "Número de empleados de la empresa", "Name", ""),
    *("Is your company hiring?", "Stadt der Firma"),
]


@pytest.mark.parametrize("label", COMPANY_QUESTIONS)
def test_the_company_is_read_by_the_questions_words(label: str) -> None:
    """F07: by label and by slug, in the main languages, in any case and with or without accents."""
    assert COMPANY.is_asked_by(label)
    assert COMPANY.is_asked_by(label.upper())
    assert read(responses={"q1": answer("Oak Ltd", label)}).company_answer == "Oak Ltd"
    assert read(metadata={"responses": {label: "Oak Ltd"}}).company_answer == "Oak Ltd"


@pytest.mark.parametrize("label", OTHER_QUESTIONS)
def test_another_question_is_not_about_the_companys_name(label: str) -> None:
    """F07."""
    assert not COMPANY.is_asked_by(label)
    assert read(responses={"q1": answer("Oak Ltd", label)}).company_answer is None


def test_the_type_of_a_question_counts() -> None:
    """F07: a row of MEETING_* has the questions beside the answers."""
    questions = [
        {"name": "q1", "type": "company", "label": "Where?"},
        {"name": "q2", "type": "number", "label": "Firm"},
    ]
    form = {"q1": answer("Oak Ltd"), "q2": answer("17", "Company")}
    assert read(responses=form, eventType={"bookingFields": questions}).company_answer == "Oak Ltd"
    assert read(responses={"q2": form["q2"]}, eventType={"bookingFields": questions}).company_answer is None
    assert read(responses={"company": answer(True)}).company_answer is None


@pytest.mark.parametrize("label", ["E-Mail", "Adresse e-mail", "Correo electrónico", "Indirizzo email", "E-postadress"])
def test_a_question_about_the_email(label: str) -> None:
    """F07."""
    assert EMAIL.is_asked_by(label)
    assert not EMAIL.is_asked_by(f"{label} of a colleague")


@pytest.mark.parametrize(
    "label", ["Mobile number", "Telefonnummer", "Numéro de téléphone", "phone_number", "Telemóvel"]
)
def test_a_question_about_the_phone_number(label: str) -> None:
    """F07."""
    assert PHONE.is_asked_by(label)
    assert not PHONE.is_asked_by("userPhone")


def test_names_come_in_parts_and_as_objects() -> None:
    """F07."""
    parts = read(attendees=[{"email": "ina@oak.example", "firstName": "Ina", "lastName": "Oak"}]).attendees[0]
    whole = read(attendees=[{"email": "ina@oak.example", "name": {"firstName": "Ina", "lastName": "Oak"}}]).attendees[0]
    form = {"name": answer({"firstName": "Ina", "lastName": "Oak"})}
    asked = read(attendees=[{"email": "ina@oak.example", "name": ""}], responses=form).attendees[0]
    assert {(one.name, one.first_name) for one in (parts, whole, asked)} == {("Ina Oak", "Ina")}


@pytest.mark.parametrize(
    "row", [{"language": {"locale": "pt-BR"}}, {"language": "pt-BR"}, {"locale": "pt_BR"}], ids=str
)
def test_the_language_is_read(row: dict[str, Any]) -> None:
    """F07 (M14 needs it)."""
    assert read(attendees=[{"email": "ina@oak.example", **row}]).attendees[0].locale == "pt-BR"


@pytest.mark.parametrize(
    ("reported", "expected"),
    [
        ({"destinationCalendar": [{"integration": "google_calendar"}]}, True),
        ({"destinationCalendar": {"integration": "office365_calendar"}}, True),
        ({"destinationCalendar": [{"integration": "apple_calendar"}]}, False),
        ({"destinationCalendar": None}, False),
        ({"appsStatus": [{"type": "google_calendar", "success": 1}]}, True),
        ({"appsStatus": [{"type": "exchange_calendar", "success": 1}, {"type": "daily_video", "success": 1}]}, True),
        ({"appsStatus": [{"type": "google_meet_video", "success": 1}]}, False),
        ({"appsStatus": [{"type": "caldav_calendar", "success": 1}]}, False),
        ({"references": [{"type": "google_calendar", "uid": "x"}]}, True),
        ({"references": [{"type": "hubspot_crm"}]}, False),
        ({}, None),
    ],
)
def test_whether_a_calendar_invites_the_attendee(reported: dict[str, Any], expected: bool | None) -> None:
    """F17."""
    assert read(**reported).calendar_invites is expected


def test_a_calendar_that_failed_invites_nobody() -> None:
    """F17: `destinationCalendar` is a plan; `appsStatus` says how it went."""
    planned = [{"integration": "google_calendar"}]
    failed = [{"type": "google_calendar", "success": 0, "failures": 1}]
    assert read(destinationCalendar=planned, appsStatus=failed).calendar_invites is False


@pytest.mark.parametrize(
    ("written", "expected"),
    [("$RCH$school run", "school run"), ("$RCH$", None), (" $RCH$ ", None), ("late $RCH$ train", "late train")],
)
@pytest.mark.parametrize(
    ("trigger", "field"),
    [
        ("BOOKING_RESCHEDULED", "cancellationReason"),
        ("BOOKING_RESCHEDULED", "reschedulingReason"),
        ("BOOKING_CANCELLED", "cancellationReason"),
        ("BOOKING_REJECTED", "rejectionReason"),
    ],
)
def test_marks_are_stripped_from_reasons(trigger: str, field: str, written: str, expected: str | None) -> None:
    """F19."""
    assert translated(trigger, {**BOOKING, field: written, "rescheduleUid": "zero"}).reason == expected


def test_marks_are_stripped_from_every_text() -> None:
    """F19: and an amount of money is none."""
    booking = read(title="$RCH$Intro", additionalNotes="pay $5 or $RCH$ more", responses={"q": answer("$RCH$yes")})
    assert (booking.title, booking.notes, booking.answers) == ("Intro", "pay $5 or more", {"q": "yes"})


NUMBER = {"email": "ina@oak.example", "phoneNumber": "+34 600 111 222"}


@pytest.mark.parametrize(
    ("reported", "kind", "place"),
    [
        ({"location": "integrations:daily"}, "online", "integrations:daily"),
        ({"location": "https://zoom.example/j/1"}, "online", "https://zoom.example/j/1"),
        ({"location": "Cal Video"}, "online", "Cal Video"),
        ({"location": "Elm Street 5, Berlin "}, "organizer_place", "Elm Street 5, Berlin"),
        ({"location": "inPerson"}, "organizer_place", "inPerson"),
        ({"location": "attendeeInPerson", "chosen": ("attendeeInPerson", "Oak 1")}, "attendee_place", "Oak 1"),
        ({"location": "Oak 1", "chosen": ("attendeeInPerson", "Oak 1")}, "attendee_place", "Oak 1"),
        ({"location": "phone", "chosen": ("phone", "+34 600 111 222")}, "organizer_calls", "+34 600 111 222"),
        ({"location": "+34600111222", "attendees": [NUMBER]}, "organizer_calls", "+34600111222"),
        ({"location": "+49 30 123456", "attendees": [NUMBER]}, "attendee_calls", "+49 30 123456"),
        ({"location": "userPhone", "chosen": ("userPhone", "+49 30 123456")}, "attendee_calls", "+49 30 123456"),
        ({"location": "+49 30 123456", "chosen": ("userPhone", "")}, "attendee_calls", "+49 30 123456"),
        ({"location": "+49 30 123456"}, "other", "+49 30 123456"),
        ({"location": "https://zoom.example/j/1", "chosen": ("inPerson", "")}, "online", "https://zoom.example/j/1"),
        ({}, None, None),
    ],
)
def test_the_kind_of_location(reported: dict[str, Any], kind: str | None, place: str | None) -> None:
    """F16: what a mail needs to say where to go, or who calls whom."""
    reported = dict(reported)
    chosen = reported.pop("chosen", None)
    form = {} if chosen is None else {"location": answer({"value": chosen[0], "optionValue": chosen[1]})}
    booking = read(responses=form, **reported)
    assert (booking.location_kind, booking.location) == (kind, place)


UNNAMED = {
    "startTime": START,
    "attendees": [{"email": "ina@oak.example"}],
    "metadata": {"responses": {"company": "Oak Ltd", "phone": "+34600111222"}},
}


@pytest.mark.parametrize(
    "trigger",
    [
        *("BOOKING_CREATED", "BOOKING_REQUESTED", "BOOKING_CANCELLED", "BOOKING_REJECTED", "BOOKING_PAID"),
        *("BOOKING_PAYMENT_INITIATED", "BOOKING_REASSIGNED", "BOOKING_LOCATION_UPDATED", "MEETING_STARTED"),
        "MEETING_ENDED",
    ],
)
def test_a_booking_without_uid_has_the_same_name_in_every_trigger(trigger: str) -> None:
    """M07: its time and its booker."""
    event = translated(trigger, UNNAMED)
    assert booking_names(event, ACCOUNT) == (f"at:{ACCOUNT}:20270301T150000Z:ina@oak.example",)
    assert event.booking.company_answer == "Oak Ltd"
    assert event.booking.attendees[0].phone == "+34600111222"


def test_a_reschedule_without_uid_names_its_old_time() -> None:
    """M07."""
    event = translated("BOOKING_RESCHEDULED", {**UNNAMED, "rescheduleStartTime": "2027-02-01T15:00:00Z"})
    assert booking_names(event, ACCOUNT) == (
        f"at:{ACCOUNT}:20270301T150000Z:ina@oak.example",
        f"at:{ACCOUNT}:20270201T150000Z:ina@oak.example",
    )
    assert event.replaces.start_time == datetime(2027, 2, 1, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("trigger", "fields", "named", "unnamed"),
    [
        ("BOOKING_CREATED", {"startTime": START}, "attendees", "startTime"),
        ("BOOKING_CREATED", {"startTime": START, "attendees": [{"name": "Ina"}]}, "attendees", "startTime"),
        ("BOOKING_CANCELLED", {"attendees": UNNAMED["attendees"]}, "startTime", "attendees"),
        ("BOOKING_CREATED", {"attendees": UNNAMED["attendees"]}, "startTime", "attendees"),
        ("BOOKING_RESCHEDULED", UNNAMED, "rescheduleStartTime", "attendees"),
    ],
)
def test_an_unreadable_body_names_the_missing_field(
    trigger: str, fields: dict[str, Any], named: str, unnamed: str
) -> None:
    """M07."""
    translation = translate(json.dumps({"triggerEvent": trigger, "payload": fields}).encode())
    assert isinstance(translation, Unreadable)
    assert named in translation.because
    assert unnamed not in translation.because
