"""Seed 003's five dry-run suites by name, as far as they concern payload, timing and validation."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from showup.effects import Confirm, Remind, SkipReminders
from showup.inbox.raw_event import Kept
from showup.pipeline.rules import Rules
from showup.policy import RemindersPolicy
from showup.sources.calcom.translate import Translated, Unreadable, translate
from showup.web.answers import OLDER_PATHS, Answer
from tests.pipeline.cast import MONDAY, after, deals, hours, made, said, story

EVENT_ID = UUID(int=7)
ATTENDEES = [{"email": "Customer@Example.com", "name": "Customer", "timeZone": "America/New_York"}]


def body(trigger: str = "BOOKING_CREATED", *, nested: bool = True, **booking: Any) -> bytes:
    fields = {"startTime": "2025-11-25T14:00:00Z", "attendees": ATTENDEES, **booking}
    return json.dumps({"triggerEvent": trigger, "payload": {"booking": fields} if nested else fields}).encode()


def answered(to: bytes, kept: Kept | None = None) -> Answer:
    return OLDER_PATHS["/webhook/calcom-booking"].kept(kept or Kept(id=EVENT_ID), to)


def ahead(span: timedelta) -> datetime:
    """A meeting so long after we hear of it."""
    return made().received_at + span


class TestMeetingTimeValidation:
    def test_three_days_ahead_passes(self) -> None:
        told = story(made(start=ahead(hours(73))))
        assert len(said(told, Remind)) == 3
        assert said(told, SkipReminders, "skipped") == []

    @pytest.mark.parametrize("count", [0.1, 1, 1.99, 2])
    def test_less_than_two_hours_ahead_is_too_soon(self, count: float) -> None:
        told = story(made(start=ahead(hours(count))))
        assert said(told, Remind) == []
        (skip,) = [want for want in told.wants.values() if isinstance(want.effect, SkipReminders)]
        assert (skip.state, skip.because) == ("skipped", "meeting_too_soon")

    def test_too_soon_for_a_reminder_is_too_soon_for_nothing_else(self) -> None:
        soon = made(start=ahead(hours(1)))
        assert len(said(story(soon), Confirm)) == 1
        assert after(soon) == ("active", "booked")
        assert len(deals(story(soon)).deals) == 1

    def test_a_little_more_than_two_hours_is_enough_for_one(self) -> None:
        told = story(made(start=ahead(hours(2) + timedelta(seconds=1))))
        assert len(said(told, Remind)) == 1


class TestReminderTiming:
    @pytest.mark.parametrize(
        ("offsets", "minutes"),
        [
            (RemindersPolicy().offsets_before, [72 * 60, 24 * 60, 2 * 60]),
            (RemindersPolicy().testing_offsets_before, [6, 3, 1]),
        ],
        ids=["production", "testing"],
    )
    def test_reminders_are_due_so_long_before_the_meeting(
        self, offsets: tuple[timedelta, ...], minutes: list[int]
    ) -> None:
        start = MONDAY + hours(100)
        told = story(made(start=start), rules=Rules(remind_before=offsets))
        assert [start - reminder.due_at for reminder in said(told, Remind)] == [
            timedelta(minutes=count) for count in minutes
        ]

    def test_the_rules_of_a_workspace_begin_with_productions(self) -> None:
        assert Rules().remind_before == RemindersPolicy().offsets_before

    def test_in_testing_a_meeting_in_four_minutes_gets_two(self) -> None:
        rules = Rules(remind_before=RemindersPolicy().testing_offsets_before)
        start = ahead(timedelta(minutes=4))
        told = story(made(start=start), rules=rules)
        assert [start - reminder.due_at for reminder in said(told, Remind)] == [
            timedelta(minutes=3),
            timedelta(minutes=1),
        ]

    def test_the_order_in_which_offsets_are_set_does_not_matter(self) -> None:
        rules = Rules(remind_before=(hours(1), hours(48)))
        told = story(made(), rules=rules)
        assert [reminder.before for reminder in said(told, Remind) if isinstance(reminder, Remind)] == [
            hours(48),
            hours(1),
        ]


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
    """The instant is what counts; in which zone its date is told is settled where it is told."""
    told = translate(body(startTime=text))
    assert isinstance(told, Translated)
    start = told.event.booking.start_time
    assert start is not None
    assert (start.tzinfo, start.date()) == (UTC, call_date)


class TestPayloadStructure:
    @pytest.mark.parametrize("nested", [True, False])
    def test_a_valid_one_gives_email_name_and_time(self, nested: bool) -> None:
        told = translate(body(nested=nested))
        assert isinstance(told, Translated)
        seen = told.event.booking
        assert [(one.email, one.name) for one in seen.attendees] == [("customer@example.com", "Customer")]
        assert seen.start_time == datetime(2025, 11, 25, 14, tzinfo=UTC)

    @pytest.mark.parametrize(
        "wrong",
        [
            body(attendees=[]),
            body(attendees=None),
            body(attendees=[{"name": "Nobody"}]),
            body(attendees=[{"email": "not an address"}]),
            body(startTime=None),
            body(startTime="soon"),
            b'{"triggerEvent":"BOOKING_CREATED"}',
            b'{"payload":{"booking":{}}}',
        ],
    )
    def test_an_invalid_one_is_unreadable_and_answered_with_400(self, wrong: bytes) -> None:
        told = translate(wrong)
        assert isinstance(told, Unreadable)
        answer = answered(wrong)
        assert (answer.status, answer.is_problem) == (400, True)
        assert str(EVENT_ID) in answer.body["detail"]

    @pytest.mark.parametrize("attendees", [[], None, [{"email": "4915112345678@sms.cal.com", "name": "Pat"}]])
    def test_without_somebody_to_write_to_it_is_400_though_it_can_be_kept(self, attendees: Any) -> None:
        with_uid = body(uid="abc123", attendees=attendees)
        assert isinstance(translate(with_uid), Translated)
        assert answered(with_uid).status == 400


class TestFlowReturnStructure:
    def test_a_booking_is_accepted_with_what_was_understood(self) -> None:
        answer = answered(body())
        assert (answer.status, answer.is_problem) == (202, False)
        assert answer.body == {
            "status": "accepted",
            "email": "customer@example.com",
            "name": "Customer",
            "meeting_time": "2025-11-25T14:00:00Z",
            "event_id": str(EVENT_ID),
        }

    def test_sent_again_it_names_the_first_event(self) -> None:
        answer = answered(body(), Kept(id=UUID(int=8), duplicate_of=EVENT_ID))
        assert (answer.status, answer.body["event_id"]) == (202, str(EVENT_ID))

    @pytest.mark.parametrize(
        "trigger", ["BOOKING_CANCELLED", "BOOKING_RESCHEDULED", "PING", "FORM_SUBMITTED", "NEW_ONE"]
    )
    def test_anything_else_prepares_nothing_and_is_applied_all_the_same(self, trigger: str) -> None:
        answer = answered(body(trigger, uid="abc123"))
        assert answer.status == 200
        assert set(answer.body) == {"status", "reason", "event_id"}
        assert (answer.body["status"], answer.body["event_id"]) == ("ignored", str(EVENT_ID))
        assert trigger in answer.body["reason"]
