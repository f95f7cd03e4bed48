"""Seed 003: the parts of its five dry-run suites about payloads, timing and validation."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from showup.inbox.inbox_event import Stored
from showup.pipeline.rules import Rules
from showup.policy import Policy
from showup.sources.calcom.translate import Translated, Unreadable, translate
from showup.web.webhooks.calcom_responses import LEGACY_PATHS, WebhookResponse
from tests.pipeline.sample_events import MONDAY, deal_after, deals_of, hours, made, messages_of, state_of

EVENT_ID = UUID(int=7)
ATTENDEES = [{"email": "Customer@Example.com", "name": "Customer", "timeZone": "America/New_York"}]


def body(trigger: str = "BOOKING_CREATED", *, nested: bool = True, **booking: Any) -> bytes:
    fields = {"startTime": "2025-11-25T14:00:00Z", "attendees": ATTENDEES, **booking}
    return json.dumps({"triggerEvent": trigger, "payload": {"booking": fields} if nested else fields}).encode()


def response_to(request_body: bytes, stored: Stored | None = None) -> WebhookResponse:
    return LEGACY_PATHS["/webhook/calcom-booking"].format_stored(stored or Stored(id=EVENT_ID), request_body)


def ahead(span: timedelta) -> datetime:
    """Returns a start time that is `span` after Showup receives the event."""
    return made().received_at + span


class TestMeetingTimeValidation:
    def test_three_days_ahead_passes(self) -> None:
        state = state_of(made(start=ahead(hours(73))))
        assert len(messages_of(state, "reminder")) == 3
        assert messages_of(state, "reminder", "skipped") == []

    @pytest.mark.parametrize("count", [0.1, 1, 1.99, 2])
    def test_less_than_two_hours_ahead_is_too_soon(self, count: float) -> None:
        state = state_of(made(start=ahead(hours(count))))
        assert messages_of(state, "reminder") == []
        (skip,) = [delivery for delivery in state.plan.messages.values() if delivery.kind == "reminder"]
        assert (skip.state, skip.because) == ("skipped", "meeting_too_soon")

    def test_a_meeting_too_soon_for_a_reminder_is_confirmed(self) -> None:
        soon = made(start=ahead(hours(1)))
        assert len(messages_of(state_of(soon), "confirmation")) == 1
        assert deal_after(soon) == ("active", "booked")
        assert len(deals_of(state_of(soon)).deals) == 1

    def test_a_little_more_than_two_hours_is_enough_for_one(self) -> None:
        state = state_of(made(start=ahead(hours(2) + timedelta(seconds=1))))
        assert len(messages_of(state, "reminder")) == 1


class TestReminderTiming:
    @pytest.mark.parametrize(
        ("offsets", "minutes"),
        [
            (Policy().rules().remind_before, [72 * 60, 24 * 60, 2 * 60]),
            (Policy().rules(testing=True).remind_before, [6, 3, 1]),
        ],
        ids=["production", "testing"],
    )
    def test_reminders_are_due_so_long_before_the_meeting(
        self, offsets: tuple[timedelta, ...], minutes: list[int]
    ) -> None:
        start = MONDAY + hours(100)
        state = state_of(made(start=start), rules=Rules(remind_before=offsets))
        assert [start - reminder.due_at for reminder in messages_of(state, "reminder")] == [
            timedelta(minutes=count) for count in minutes
        ]

    def test_in_testing_a_meeting_in_four_minutes_gets_two(self) -> None:
        rules = Policy().rules(testing=True)
        start = ahead(timedelta(minutes=4))
        state = state_of(made(start=start), rules=rules)
        assert [start - reminder.due_at for reminder in messages_of(state, "reminder")] == [
            timedelta(minutes=3),
            timedelta(minutes=1),
        ]

    def test_offsets_can_be_set_in_any_order(self) -> None:
        rules = Rules(remind_before=(hours(1), hours(48)))
        state = state_of(made(), rules=rules)
        assert [reminder.details["before_seconds"] for reminder in messages_of(state, "reminder")] == [172_800, 3_600]


@pytest.mark.parametrize(
    ("text", "call_date"),
    [
        ("2025-11-25T14:00:00Z", date(2025, 11, 25)),
        ("2025-11-25T14:00:00.000Z", date(2025, 11, 25)),
        ("2025-11-25T14:00:00+00:00", date(2025, 11, 25)),
        ("2025-11-25T09:00:00-05:00", date(2025, 11, 25)),
        ("2025-11-25T23:30:00-05:00", date(2025, 11, 26)),
        ("2025-11-26T00:30:00+01:00", date(2025, 11, 25)),
        ("2025-11-25T14:00:00", date(2025, 11, 25)),
        ("20251125T140000Z", date(2025, 11, 25)),
    ],
)
def test_call_date_extraction(text: str, call_date: date) -> None:
    """Showup stores the instant in UTC; each destination formats the date in its own time zone."""
    translation = translate(body(startTime=text))
    assert isinstance(translation, Translated)
    start = translation.event.booking.start_time
    assert start is not None
    assert (start.tzinfo, start.date()) == (UTC, call_date)


class TestPayloadStructure:
    @pytest.mark.parametrize("nested", [True, False])
    def test_a_valid_one_gives_email_name_and_time(self, nested: bool) -> None:
        translation = translate(body(nested=nested))
        assert isinstance(translation, Translated)
        details = translation.event.booking
        assert [(one.email, one.name) for one in details.attendees] == [("customer@example.com", "Customer")]
        assert details.start_time == datetime(2025, 11, 25, 14, tzinfo=UTC)

    @pytest.mark.parametrize(
        "invalid_body",
        [
            body(attendees=[]),
            body(attendees=None),
            body(attendees=[{"name": "No Email"}]),
            body(attendees=[{"email": "not an address"}]),
            body(startTime=None),
            body(startTime="soon"),
            b'{"triggerEvent":"BOOKING_CREATED"}',
            b'{"payload":{"booking":{}}}',
        ],
    )
    def test_an_invalid_one_is_unreadable_and_answered_with_400(self, invalid_body: bytes) -> None:
        translation = translate(invalid_body)
        assert isinstance(translation, Unreadable)
        response = response_to(invalid_body)
        assert (response.status, response.is_problem) == (400, True)
        assert str(EVENT_ID) in response.body["detail"]

    @pytest.mark.parametrize("attendees", [[], None, [{"email": "4915112345678@sms.cal.com", "name": "Pat"}]])
    def test_a_storable_body_without_an_email_gets_400(self, attendees: Any) -> None:
        body_with_uid = body(uid="abc123", attendees=attendees)
        assert isinstance(translate(body_with_uid), Translated)
        assert response_to(body_with_uid).status == 400


class TestFlowReturnStructure:
    def test_an_accepted_booking_returns_its_parsed_fields(self) -> None:
        response = response_to(body())
        assert (response.status, response.is_problem) == (202, False)
        assert response.body == {
            "status": "accepted",
            "email": "customer@example.com",
            "name": "Customer",
            "meeting_time": "2025-11-25T14:00:00Z",
            "event_id": str(EVENT_ID),
        }

    def test_a_duplicate_returns_the_first_event_id(self) -> None:
        response = response_to(body(), Stored(id=UUID(int=8), duplicate_of=EVENT_ID))
        assert (response.status, response.body["event_id"]) == (202, str(EVENT_ID))

    @pytest.mark.parametrize(
        "trigger", ["BOOKING_CANCELLED", "BOOKING_RESCHEDULED", "PING", "FORM_SUBMITTED", "NEW_ONE"]
    )
    def test_any_other_trigger_is_accepted_as_ignored(self, trigger: str) -> None:
        response = response_to(body(trigger, uid="abc123"))
        assert response.status == 200
        assert set(response.body) == {"status", "reason", "event_id"}
        assert (response.body["status"], response.body["event_id"]) == ("ignored", str(EVENT_ID))
        assert trigger in response.body["reason"]
