"""IN6, PI6: translation of every webhook format and wrapper, and a meaning for every trigger."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from showup.events import booking as events
from showup.events.translation import BookingTranslation, Ignored, Translated, Unreadable
from showup.sources.calcom.translate import translate

ACCOUNT = UUID(int=1)

SENT = "2026-03-02T09:00:00.000Z"
BOOKING: dict[str, Any] = {
    "uid": "abc123",
    "bookingId": 100,
    "title": "Intro call",
    "startTime": "2026-03-05T14:00:00Z",
    "endTime": "2026-03-05T14:30:00Z",
    "organizer": {"email": "ben@outboundsolutions.com", "name": "Ben"},
    "attendees": [{"email": "Sarah.Chen@Acme.com", "name": "Sarah Chen", "timeZone": "America/New_York"}],
}
START = datetime(2026, 3, 5, 14, tzinfo=UTC)
END = datetime(2026, 3, 5, 14, 30, tzinfo=UTC)
ROW = {
    "triggerEvent": "MEETING_ENDED",
    "id": 100,
    "uid": "abc123",
    "startTime": BOOKING["startTime"],
    "endTime": BOOKING["endTime"],
    "createdAt": "2026-03-01T08:00:00Z",
    "userPrimaryEmail": "ben@outboundsolutions.com",
    "attendees": BOOKING["attendees"],
}
# The fields that each trigger needs in addition to a booking.
FURTHER: dict[str, dict[str, Any]] = {
    "BOOKING_NO_SHOW_UPDATED": {"attendees": [{"email": "sarah.chen@acme.com", "noShow": True}]},
    "WRONG_ASSIGNMENT_REPORT": {"booking": {"uid": "abc123"}, "report": {}},
}
MEANINGS: dict[str, type[events.BookingEvent] | type[Ignored]] = {
    "BOOKING_CREATED": events.BookingMade,
    "BOOKING_REQUESTED": events.BookingRequested,
    "BOOKING_REJECTED": events.BookingRejected,
    "BOOKING_CANCELLED": events.BookingCancelled,
    "BOOKING_RESCHEDULED": events.BookingRescheduled,
    "BOOKING_PAYMENT_INITIATED": events.PaymentStarted,
    "BOOKING_PAID": events.BookingPaid,
    "BOOKING_NO_SHOW_UPDATED": events.AttendanceReported,
    "BOOKING_LOCATION_UPDATED": events.LocationChanged,
    "BOOKING_REASSIGNED": events.OrganizerChanged,
    "MEETING_STARTED": events.MeetingStarted,
    "MEETING_ENDED": events.MeetingEnded,
    "RECORDING_READY": events.RecordingReady,
    "RECORDING_TRANSCRIPTION_GENERATED": events.TranscriptReady,
    "AFTER_HOSTS_CAL_VIDEO_NO_SHOW": events.HostMissed,
    "AFTER_GUESTS_CAL_VIDEO_NO_SHOW": events.GuestsMissed,
    "INSTANT_MEETING": Ignored,
    "INSTANT_MEETING_ACCEPTED": events.BookingMade,
    "FORM_SUBMITTED": Ignored,
    "FORM_SUBMITTED_NO_EVENT": Ignored,
    "ROUTING_FORM_FALLBACK_HIT": Ignored,
    "OOO_CREATED": Ignored,
    "WRONG_ASSIGNMENT_REPORT": events.AssignmentDisputed,
    "CALENDAR_ENTRY_REJECTED": events.InviteDeclined,
    "DELEGATION_CREDENTIAL_ERROR": Ignored,
    "DELEGATION_CREDENTIAL_SECRET_ROTATED": Ignored,
    "DELEGATION_CREDENTIAL_SECRET_ROTATION_FAILED": Ignored,
    "DELEGATION_CREDENTIAL_ROTATION_REQUIRED": Ignored,
    "PING": Ignored,
}


def translate_value(value: Any) -> BookingTranslation:
    return translate(json.dumps(value, ensure_ascii=False).encode())


def translate_to_event(value: Any) -> Translated:
    translation = translate_value(value)
    assert isinstance(translation, Translated), translation
    return translation


def standard_body(trigger: str, payload: dict[str, Any], **root: Any) -> dict[str, Any]:
    return {"triggerEvent": trigger, "createdAt": SENT, "payload": payload, **root}


@pytest.mark.parametrize("trigger", MEANINGS)
def test_every_trigger_has_a_meaning(trigger: str) -> None:
    translation = translate_value(standard_body(trigger, {**BOOKING, **FURTHER.get(trigger, {})}))
    expected = MEANINGS[trigger]
    assert translation.trigger == trigger
    assert type(translation.event if isinstance(translation, Translated) else translation) is expected
    if isinstance(translation, Translated):
        assert translation.uid == "abc123"


@pytest.mark.parametrize("trigger", ["BOOKING_CONFIRMED", "BOOKING_COMPLETED", "booking.reopened", "Ärger \x00"])
def test_an_unknown_trigger_is_ignored_by_name(trigger: str) -> None:
    translation = translate_value(standard_body(trigger, BOOKING))
    assert isinstance(translation, Ignored)
    assert translation.trigger in translation.because
    assert "\x00" not in translation.because


@pytest.mark.parametrize(
    "trigger", ["booking.created", "BOOKING.CREATED", "booking_created", " Booking Created ", "booking-created"]
)
def test_triggers_are_read_in_any_spelling(trigger: str) -> None:
    translation = translate_to_event(standard_body(trigger, BOOKING))
    assert translation.trigger == "BOOKING_CREATED"
    assert isinstance(translation.event, events.BookingMade)


@pytest.mark.parametrize(
    "body",
    [
        standard_body("BOOKING_CREATED", BOOKING),
        {"triggerEvent": "BOOKING_CREATED", "createdAt": SENT, **BOOKING},
        [{"triggerEvent": "BOOKING_CREATED", "createdAt": SENT, **BOOKING}],
        [standard_body("BOOKING_CREATED", BOOKING)],
        {"body": json.dumps(standard_body("BOOKING_CREATED", BOOKING)), "headers": {"x": "y"}},
        {"body": standard_body("BOOKING_CREATED", BOOKING)},
        [{"body": standard_body("BOOKING_CREATED", BOOKING), "query": {}}],
        standard_body("BOOKING_CREATED", {"booking": BOOKING}),
        {"trigger": "BOOKING_CREATED", "createdAt": SENT, "data": BOOKING},
    ],
    ids=["std", "flat", "n8n", "array", "hookdeck", "wrapped", "n8n-webhook", "nested", "trigger-data"],
)
def test_every_envelope_gives_the_same_event(body: Any) -> None:
    assert translate_to_event(body) == translate_to_event(standard_body("BOOKING_CREATED", BOOKING))


def test_all_booking_fields_are_read() -> None:
    translation = translate_to_event(standard_body("BOOKING_CREATED", BOOKING))
    booking = translation.event.booking
    assert translation.source_at == datetime(2026, 3, 2, 9, tzinfo=UTC)
    assert (booking.start_time, booking.end_time) == (START, END)
    assert [one.email for one in booking.attendees] == ["sarah.chen@acme.com"]
    assert booking.hosts == {"ben@outboundsolutions.com"}


def test_an_array_of_two_is_not_one_webhook() -> None:
    translation = translate_value([standard_body("PING", {}), standard_body("PING", {})])
    assert isinstance(translation, Unreadable)
    assert "array of 2" in translation.because


def test_seed_002s_meeting_ended_has_an_id_and_attendance() -> None:
    translation = translate_to_event(
        {
            "triggerEvent": "meeting.ended",
            "createdAt": "2025-11-20T15:30:00Z",
            "payload": {
                "bookingId": 12345,
                "eventTypeId": 678,
                "attendees": [{"email": "lead@acme.com", "attended": True}],
                "metadata": {"duration": 28},
            },
        }
    )
    assert isinstance(translation.event, events.MeetingEnded)
    assert (translation.uid, translation.event.booking.calcom_booking_id) == (None, "12345")
    assert translation.source_at == datetime(2025, 11, 20, 15, 30, tzinfo=UTC)
    assert [(one.email, one.attended) for one in translation.event.booking.attendees] == [("lead@acme.com", True)]
    assert not translation.event.booking.attendees_are_guests


@pytest.mark.parametrize(
    "body", [ROW, standard_body("MEETING_ENDED", {k: v for k, v in ROW.items() if k != "triggerEvent"})]
)
def test_a_meeting_ends_at_its_scheduled_end_flat_or_wrapped(body: dict[str, Any]) -> None:
    translation = translate_to_event(body)
    assert translation.source_at == END
    assert translation.event.booking.calcom_booking_id == "100"
    assert translation.event.booking.organizer_email == "ben@outboundsolutions.com"
    assert not translation.event.booking.attendees_are_guests


def test_the_creation_time_of_a_row_is_the_bookings() -> None:
    assert translate_to_event(ROW).event.booking.booked_at == datetime(2026, 3, 1, 8, tzinfo=UTC)
    assert translate_to_event(standard_body("BOOKING_CREATED", BOOKING)).event.booking.booked_at is None


@pytest.mark.parametrize(
    "answers", [{"name": {"label": "your_name", "value": {"firstName": "Sa", "lastName": "Chen"}}}]
)
def test_a_name_may_be_an_object(answers: dict[str, Any]) -> None:
    booking = translate_to_event(standard_body("BOOKING_CREATED", {**BOOKING, "responses": answers})).event.booking
    assert booking.answers["name"] == "Sa Chen"
    listed = {**BOOKING, "attendees": [{"email": "sa@acme.com", "name": {"firstName": "Sa", "lastName": "Chen"}}]}
    assert translate_to_event(standard_body("BOOKING_CREATED", listed)).event.booking.attendees[0].name == "Sa Chen"


def test_answers_plain_or_labelled_are_the_same() -> None:
    plain = {"company": "Acme Corp", "size": 50, "topics": ["a", "b"], "ok": True, "empty": "", "none": None}
    labelled = {slug: {"label": slug, "value": value} for slug, value in plain.items()}
    booking = translate_to_event(standard_body("BOOKING_CREATED", {**BOOKING, "responses": plain})).event.booking
    assert booking.answers == {"company": "Acme Corp", "size": "50", "topics": "a, b", "ok": "yes"}
    assert booking.company_answer == "Acme Corp"
    assert (
        translate_to_event(standard_body("BOOKING_CREATED", {**BOOKING, "responses": labelled})).event.booking
        == booking
    )


def test_the_bookers_own_questions_count_as_answers() -> None:
    fields = {**BOOKING, "userFieldsResponses": {"Company": {"label": "Company", "value": "Acme Corp"}}}
    assert translate_to_event(standard_body("BOOKING_CREATED", fields)).event.booking.company_answer == "Acme Corp"


@pytest.mark.parametrize("nested", [True, False])
def test_the_example_bodies_of_seeds_003_and_004_have_no_uid(nested: bool) -> None:
    booking = {
        "startTime": "2025-11-25T14:00:00Z",
        "attendees": [{"email": "customer@example.com", "name": "Customer"}],
    }
    translation = translate_to_event(
        {"triggerEvent": "BOOKING_CREATED", "payload": {"booking": booking} if nested else booking}
    )
    assert (translation.uid, translation.source_at) == (None, None)
    assert events.booking_names(translation.event, ACCOUNT) == (f"at:{ACCOUNT}:20251125T140000Z:customer@example.com",)


def test_a_booking_without_uid_and_attendees_is_unidentified() -> None:
    translation = translate_value(
        standard_body("BOOKING_CREATED", {"startTime": "2025-11-25T14:00:00Z", "attendees": []})
    )
    assert isinstance(translation, Unreadable)
    assert "identifies no booking" in translation.because


@pytest.mark.parametrize("phone", ["+4915112345678", None])
@pytest.mark.parametrize("listed", [True, False], ids=["listed", "in the answers"])
def test_a_placeholder_address_for_a_phone_is_not_an_identity(phone: str | None, listed: bool) -> None:
    """PI2: an attendee who booked by phone has no email, in the attendee list and in the form's answers."""
    attendee = {"email": "4915112345678@sms.cal.com", "name": "Pat"}
    fields = {**BOOKING, "attendees": [{**attendee, "phoneNumber": phone}] if listed else [], "responses": attendee}
    booking = translate_to_event(standard_body("BOOKING_CREATED", fields)).event.booking
    assert [(one.email, one.phone, one.name) for one in booking.attendees] == [(None, "+4915112345678", "Pat")]


def test_a_too_long_address_or_link_is_none() -> None:
    long = {
        **BOOKING,
        "attendees": [{"email": "a@" + "b." * 200 + "com"}],
        "location": "https://x.example/" + "y" * 2_000,
    }
    booking = translate_to_event(standard_body("BOOKING_CREATED", long)).event.booking
    assert (booking.attendees, booking.meeting_url) == ((), None)


def test_a_seat_that_moves_to_another_booking_leaves_the_old_one() -> None:
    moved_body = {
        **BOOKING,
        "uid": "new",
        "rescheduleUid": "abc123",
        "attendeeSeatId": "seat-1",
        "rescheduledBy": "x@y.co",
    }
    translation = translate_to_event(standard_body("BOOKING_RESCHEDULED", moved_body))
    assert isinstance(translation.event, events.SeatMoved)
    assert translation.event.replaces.uid == "abc123"
    departed = events.seat_left_event(translation.event)
    assert (departed.booking.uid, departed.booking.attendees) == ("abc123", translation.event.booking.attendees)
    same = translate_to_event(standard_body("BOOKING_RESCHEDULED", {**moved_body, "uid": "abc123"}))
    assert isinstance(same.event, events.BookingRescheduled)


def test_a_reschedule_request_names_its_booking() -> None:
    translation = translate_to_event(
        standard_body("BOOKING_REQUESTED", {**BOOKING, "uid": "new", "rescheduleUid": "abc123", "rescheduleId": 99})
    )
    assert isinstance(translation.event, events.BookingRequested)
    assert translation.event.replaces == events.ReplacedBooking(uid="abc123", calcom_booking_id="99")


def test_the_names_of_a_booking() -> None:
    moved = translate_to_event(
        standard_body("BOOKING_RESCHEDULED", {**BOOKING, "uid": "new", "rescheduleUid": "abc123", "rescheduleId": 99})
    )
    assert events.booking_names(moved.event, ACCOUNT) == ("uid:new", "uid:abc123")
    assert events.alternate_booking_names(moved.event, ACCOUNT) == (f"id:{ACCOUNT}:100", f"id:{ACCOUNT}:99")
    numbered = translate_to_event(standard_body("MEETING_ENDED", {"bookingId": 100}))
    assert events.booking_names(numbered.event, ACCOUNT) == (f"id:{ACCOUNT}:100",)


def test_a_host_reschedule_request_is_recorded() -> None:
    translation = translate_to_event(
        standard_body("BOOKING_CANCELLED", {**BOOKING, "requestReschedule": True, "cancelledBy": "Ben@x.co"})
    )
    assert isinstance(translation.event, events.BookingCancelled)
    assert translation.event.reschedule_requested


@pytest.mark.parametrize(("unit", "hour", "minute"), [("MINUTE", 14, 7), ("HOUR", 21, 0), ("eon", 14, 7)])
def test_a_no_show_trigger_fires_after_its_delay(unit: str, hour: int, minute: int) -> None:
    fields = {**BOOKING, "webhook": {"time": 7, "timeUnit": unit}}
    translation = translate_to_event(standard_body("AFTER_GUESTS_CAL_VIDEO_NO_SHOW", fields))
    assert translation.source_at == datetime(2026, 3, 5, hour, minute, tzinfo=UTC)


def test_an_unreadable_time_is_an_error() -> None:
    for invalid_value in ("tomorrow", 1_772_719_200, True, [], {"at": 1}, "2026-13-45T00:00:00Z"):
        translation = translate_value(standard_body("BOOKING_CREATED", {**BOOKING, "startTime": invalid_value}))
        assert isinstance(translation, Unreadable)
        assert "startTime" in translation.because
