"""PI13, TE4: attendees get each notification once, while the event is fresh and the meeting is in the future."""

from datetime import timedelta

import pytest

from showup.events.envelope import EventRecord
from showup.pipeline.rules import Rules
from tests.pipeline.sample_events import (
    AFTERNOON,
    FRIDAY,
    GWEN,
    MIDDAY,
    MONDAY,
    SARAH,
    THURSDAY,
    TOM,
    cancelled,
    ended,
    guests_missed,
    hours,
    made,
    messages_of,
    record_of,
    requested,
    rescheduled,
    started,
    state_of,
)


def received_late(record: EventRecord, delay: timedelta, route: str = "user") -> EventRecord:
    """Returns the same event, received `delay` after it happened."""
    return record_of(record.event, record.source_at, delay, route)


class TestFreshness:
    @pytest.mark.parametrize(("delay", "expected"), [(hours(0), 1), (hours(23.9), 1), (hours(24), 0), (hours(70), 0)])
    def test_events_older_than_a_day_are_not_notified(self, delay: timedelta, expected: int) -> None:
        state = state_of(received_late(made(), delay))
        assert len(messages_of(state, "confirmation")) == expected
        assert state.booking is not None
        assert state.booking.status == "ACCEPTED"

    def test_the_span_can_be_set(self) -> None:
        rules = Rules(fresh_for=hours(1))
        assert state_of(received_late(made(), hours(2)), rules=rules).plan.messages == {}
        assert state_of(received_late(made(), hours(0.5)), rules=rules).plan.messages != {}

    @pytest.mark.parametrize(("ahead", "expected"), [(-60, 0), (0, 0), (9, 0), (10, 0), (11, 1)])
    def test_a_past_meeting_is_not_notified(self, ahead: int, expected: int) -> None:
        assert len(messages_of(state_of(made(start=MONDAY + timedelta(seconds=ahead))), "confirmation")) == expected

    def test_a_cancellation_after_the_meeting_is_not_notified(self) -> None:
        state = state_of(made(), ended(), cancelled(FRIDAY))
        assert messages_of(state, "cancelled") == []

    def test_an_old_cancellation_still_withdraws(self) -> None:
        state = state_of(made(), received_late(cancelled(), hours(48)))
        assert messages_of(state, "reminder") == []
        assert messages_of(state, "cancelled") == []

    def test_attendance_is_not_notified_to_attendees(self) -> None:
        before = state_of(made()).plan.messages
        assert state_of(made(), started(), guests_missed(), ended()).plan.messages.keys() == before.keys()


class TestOnce:
    def test_the_same_event_by_two_routes_is_one_message(self) -> None:
        state = state_of(
            made(),
            received_late(made(), hours(0.1), route="team"),
            received_late(made(), hours(1), route="organization"),
        )
        assert (len(messages_of(state, "confirmation")), len(messages_of(state, "reminder"))) == (1, 3)

    def test_a_copy_with_another_creation_time_is_one_message(self) -> None:
        state = state_of(made(), record_of(made().event, MONDAY + timedelta(seconds=12)))
        assert (len(messages_of(state, "confirmation")), len(messages_of(state, "reminder"))) == (1, 3)

    def test_a_reschedule_by_two_routes_is_one_message(self) -> None:
        state = state_of(made(), rescheduled(), received_late(rescheduled(), hours(1), route="team"))
        assert (len(messages_of(state, "rescheduled")), len(messages_of(state, "reminder"))) == (1, 3)

    def test_one_copy_in_time_is_enough(self) -> None:
        late = received_late(made(), hours(30), route="team")
        for records in ((made(), late), (late, made())):
            assert len(messages_of(state_of(*records), "confirmation")) == 1

    def test_a_late_copy_leaves_the_reminders(self) -> None:
        soon = made(MONDAY, start=MONDAY + hours(5))
        state = state_of(soon, received_late(soon, hours(4), route="team"))
        assert len(messages_of(state, "reminder")) == 1
        assert messages_of(state, "reminder", "skipped") == []

    def test_keys_by_meaning(self) -> None:
        planned = state_of(made()).plan.messages
        assert set(planned) == {
            "scheduled:abc123:20260305T140000Z:sarah.chen@acme.com",
            "reminder:abc123:20260305T140000Z:sarah.chen@acme.com:259200",
            "reminder:abc123:20260305T140000Z:sarah.chen@acme.com:86400",
            "reminder:abc123:20260305T140000Z:sarah.chen@acme.com:7200",
        }
        assert all(delivery.key == key for key, delivery in planned.items())


class TestReminders:
    def test_a_reschedule_withdraws_the_old_ones_and_makes_new_ones(self) -> None:
        state = state_of(made(), rescheduled())
        assert [one.due_at for one in messages_of(state, "reminder")] == [
            FRIDAY - hours(count) for count in (72, 24, 2)
        ]
        assert {one.due_at for one in messages_of(state, "reminder", "withdrawn")} == {
            THURSDAY - hours(count) for count in (72, 24, 2)
        }

    def test_a_cancellation_withdraws_all_and_says_why(self) -> None:
        state = state_of(made(), cancelled())
        assert {delivery.kind for delivery in state.plan.messages.values() if delivery.state == "scheduled"} == {
            "cancelled"
        }
        reasons = {delivery.because for delivery in state.plan.messages.values() if delivery.state == "withdrawn"}
        assert reasons == {"the meeting was cancelled"}

    @pytest.mark.parametrize(
        "record",
        [cancelled(reschedule_requested=True), requested(AFTERNOON, uid="xyz789", start=FRIDAY)],
        ids=["the host", "the attendee"],
    )
    def test_a_reschedule_request_withdraws_them(self, record: EventRecord) -> None:
        assert messages_of(state_of(made(), record), "reminder") == []

    def test_a_meeting_back_at_its_old_time_is_reminded_again(self) -> None:
        there = rescheduled(MIDDAY, uid="abc123")
        back = rescheduled(AFTERNOON, uid="abc123", start=THURSDAY)
        state = state_of(made(), there, back)
        assert [one.due_at for one in messages_of(state, "reminder")] == [THURSDAY - hours(count) for count in (24, 2)]

    def test_a_meeting_back_at_its_old_time_is_notified_again(self) -> None:
        there = rescheduled(MIDDAY, uid="abc123")
        back = rescheduled(AFTERNOON, uid="abc123", start=THURSDAY)
        state = state_of(made(), there, back, received_late(back, hours(1), route="team"))
        assert [one.key for one in messages_of(state, "rescheduled")] == [
            "scheduled:abc123:20260305T140000Z+1:sarah.chen@acme.com"
        ]

    def test_an_unannounced_move_back_is_notified(self) -> None:
        there = record_of(made(start=FRIDAY).event, MIDDAY)
        back = record_of(made().event, AFTERNOON)
        state = state_of(made(), there, back)
        assert messages_of(state, "confirmation") == []
        (last,) = messages_of(state, "rescheduled")
        assert last.key == "scheduled:abc123:20260305T140000Z+1:sarah.chen@acme.com"
        assert last.details == {"old_start_time": "2026-03-06T10:00:00Z"}

    def test_a_reschedule_withdraws_the_cancellation(self) -> None:
        state = state_of(made(), cancelled(MIDDAY), rescheduled(AFTERNOON))
        assert messages_of(state, "cancelled") == []
        assert len(messages_of(state, "cancelled", "withdrawn")) == 1

    def test_only_future_reminders_are_planned(self) -> None:
        state = state_of(received_late(made(), hours(20)))
        assert [one.due_at for one in messages_of(state, "reminder")] == [THURSDAY - hours(24), THURSDAY - hours(2)]

    def test_without_offsets_there_are_no_reminders(self) -> None:
        state = state_of(made(), rules=Rules(remind_before=()))
        assert {delivery.kind for delivery in state.plan.messages.values()} == {"confirmation"}


class TestRecipients:
    def test_only_the_booker_is_notified(self) -> None:
        state = state_of(made(who=(SARAH, TOM)))
        assert {delivery.recipient for delivery in state.plan.messages.values()} == {SARAH.email}

    def test_a_personal_address_is_notified(self) -> None:
        assert len(messages_of(state_of(made(who=(GWEN,))), "confirmation")) == 1

    def test_a_pending_booking_is_not_notified(self) -> None:
        assert state_of(requested()).plan.messages == {}


def test_a_planned_delivery_has_its_event_and_booking_version() -> None:
    moved = rescheduled()
    state = state_of(made(), moved)
    (delivery,) = [delivery for delivery in state.plan.messages.values() if delivery.kind == "rescheduled"]
    assert (delivery.event_id, delivery.booking_version, delivery.decided_at) == (moved.event_id, 2, moved.received_at)
    assert delivery.due_at == moved.received_at
