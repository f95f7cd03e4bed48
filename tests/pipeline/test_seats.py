"""PI6: all seats of a booking have one uid; attendees take and leave seats independently."""

import pytest
from msgspec.structs import replace

from showup.bookings.booking import Status
from showup.events import booking as events
from showup.events.details import AttendeeDetails, ReplacedBooking
from showup.events.envelope import EventRecord
from showup.pipeline.replay import BookingState
from tests.pipeline.sample_events import (
    AFTERNOON,
    FRIDAY,
    MIDDAY,
    MIKE,
    MONDAY,
    PAT,
    SARAH,
    SECOND,
    THURSDAY,
    TOM,
    booking,
    cancelled,
    deals_of,
    ended,
    entry_codes,
    hours,
    made,
    messages_of,
    record_of,
    rescheduled,
    seat,
    state_of,
)


def seat_taken(attendee: AttendeeDetails, number: int, at: int = 0) -> EventRecord:
    return made(MONDAY + hours(at), who=seat(attendee, number), seated=True)


def seat_cancelled(attendee: AttendeeDetails, at: int = 6) -> EventRecord:
    """Returns a cancellation of one seat; Cal.com lists the attendee without the seat."""
    return cancelled(MONDAY + hours(at), who=(attendee,), seated=True)


def seats_of(state: BookingState) -> list[str]:
    assert state.booking is not None
    return [one.key for one in state.booking.seats]


def recipients_of(state: BookingState, kind: type, delivery_state: str = "scheduled") -> set[str]:
    return {message.recipient for message in messages_of(state, kind, delivery_state)}


def test_seats_with_one_uid_are_one_booking() -> None:
    state = state_of(seat_taken(SARAH, 1), seat_taken(TOM, 2, at=1))
    assert seats_of(state) == ["sarah.chen@acme.com", "tom@mail.acme.com"]
    assert entry_codes(state) == ["booking.made", "booking.seat_taken"]
    assert len(deals_of(state).deals) == 1


def test_each_seat_gets_its_own_messages() -> None:
    state = state_of(seat_taken(SARAH, 1), seat_taken(TOM, 2, at=1))
    assert recipients_of(state, "confirmation") == {SARAH.email, TOM.email}
    assert len(messages_of(state, "confirmation")) == 2
    assert len(messages_of(state, "reminder")) == 6


def test_the_same_seat_by_another_route_counts_once() -> None:
    again = record_of(seat_taken(SARAH, 1).event, MIDDAY, route="team")
    state = state_of(seat_taken(SARAH, 1), again)
    assert len(seats_of(state)) == 1
    assert len(messages_of(state, "confirmation")) == 1


class TestCancelledSeat:
    def test_the_booking_and_the_deal_continue(self) -> None:
        state = state_of(seat_taken(SARAH, 1), seat_taken(TOM, 2, at=1), seat_cancelled(SARAH))
        assert state.booking is not None
        assert state.booking.status == "ACCEPTED"
        assert seats_of(state) == ["tom@mail.acme.com"]
        assert [deal.status for deal in deals_of(state).deals] == ["active"]

    def test_only_its_deliveries_are_withdrawn(self) -> None:
        state = state_of(seat_taken(SARAH, 1), seat_taken(TOM, 2, at=1), seat_cancelled(SARAH))
        assert recipients_of(state, "reminder") == {TOM.email}
        assert recipients_of(state, "reminder", "withdrawn") == {SARAH.email}
        assert recipients_of(state, "cancelled") == {SARAH.email}

    def test_a_phone_only_seat_withdraws_no_other_deliveries(self) -> None:
        state = state_of(seat_taken(SARAH, 1), seat_taken(PAT, 2, at=1), seat_cancelled(PAT))
        assert recipients_of(state, "reminder") == {SARAH.email}
        assert messages_of(state, "reminder", "withdrawn") == []
        assert seats_of(state) == ["sarah.chen@acme.com"]

    @pytest.mark.parametrize("listed", [None, "CANCELLED"])
    def test_another_time_that_it_reports_moves_the_others(self, listed: Status | None) -> None:
        """Their reminders of the old time would be skipped, because the meeting has another version."""
        event = cancelled(MONDAY + hours(6), who=(SARAH,), seated=True, start=FRIDAY, status=listed)
        state = state_of(seat_taken(SARAH, 1), seat_taken(TOM, 2, at=1), event)
        assert state.booking is not None
        assert (state.booking.start_time, seats_of(state)) == (FRIDAY, [TOM.email])
        assert {(one.recipient, one.due_at, one.booking_version) for one in messages_of(state, "reminder")} == {
            (TOM.email, FRIDAY - hours(count), state.booking.version) for count in (72, 24, 2)
        }
        assert recipients_of(state, "rescheduled") == {TOM.email}
        assert recipients_of(state, "cancelled") == {SARAH.email}
        assert recipients_of(state, "reminder", "withdrawn") == {SARAH.email, TOM.email}

    def test_two_cancelled_seats_are_both_withdrawn(self) -> None:
        both = cancelled(AFTERNOON, who=(SARAH, TOM), seated=True)
        state = state_of(seat_taken(SARAH, 1), seat_taken(TOM, 2, at=1), seat_taken(MIKE, 3, at=2), both)
        assert seats_of(state) == ["mike@techstart.io"]
        assert recipients_of(state, "reminder") == {MIKE.email}

    def test_the_last_one_cancels_the_booking(self) -> None:
        state = state_of(
            seat_taken(SARAH, 1), seat_taken(TOM, 2, at=1), seat_cancelled(SARAH), seat_cancelled(TOM, at=7)
        )
        assert state.booking is not None
        assert state.booking.status == "CANCELLED"
        assert [deal.status for deal in deals_of(state).deals] == ["cancelled"]

    def test_a_seat_can_be_taken_again(self) -> None:
        back = seat_taken(SARAH, 3, at=8)
        state = state_of(seat_taken(SARAH, 1), seat_taken(TOM, 2, at=1), seat_cancelled(SARAH), back)
        assert set(seats_of(state)) == {"sarah.chen@acme.com", "tom@mail.acme.com"}
        assert recipients_of(state, "reminder") == {SARAH.email, TOM.email}

    def test_a_seat_taken_again_is_confirmed_and_its_cancellation_withdrawn(self) -> None:
        state = state_of(
            seat_taken(SARAH, 1), seat_taken(TOM, 2, at=1), seat_cancelled(SARAH), seat_taken(SARAH, 3, at=8)
        )
        assert [one.key for one in messages_of(state, "confirmation") if one.recipient == SARAH.email] == [
            "scheduled:abc123:20260305T140000Z+1:sarah.chen@acme.com"
        ]
        assert (
            len([one for one in messages_of(state, "reminder") if one.recipient == SARAH.email and "Z+1:" in one.key])
            == 2
        )
        assert messages_of(state, "cancelled") == []
        assert {one.recipient for one in messages_of(state, "cancelled", "withdrawn")} == {SARAH.email}

    def test_a_second_cancellation_is_notified_again(self) -> None:
        state = state_of(
            seat_taken(SARAH, 1),
            seat_taken(TOM, 2, at=1),
            seat_cancelled(SARAH),
            seat_taken(SARAH, 3, at=8),
            seat_cancelled(SARAH, at=9),
        )
        assert [one.key for one in messages_of(state, "cancelled")] == [
            "cancelled:abc123:20260305T140000Z+1:sarah.chen@acme.com"
        ]

    def test_a_seat_taken_again_by_two_routes_is_confirmed_once(self) -> None:
        back = seat_taken(SARAH, 3, at=8)
        twice = record_of(back.event, MONDAY + hours(8), route="team")
        once = state_of(seat_taken(SARAH, 1), seat_taken(TOM, 2, at=1), seat_cancelled(SARAH), back)
        state = state_of(seat_taken(SARAH, 1), seat_taken(TOM, 2, at=1), seat_cancelled(SARAH), back, twice)
        assert state.plan.messages.keys() == once.plan.messages.keys()

    @pytest.mark.parametrize("who", [SARAH, MIKE], ids=["same attendee", "another attendee"])
    def test_a_seat_taken_after_the_last_cancellation_reopens_the_booking(self, who: AttendeeDetails) -> None:
        state = state_of(seat_taken(SARAH, 1), seat_cancelled(SARAH), seat_taken(who, 2, at=8))
        assert state.booking is not None
        assert state.booking.status == "ACCEPTED"
        assert state.booking.cancelled_by is None
        assert seats_of(state) == [who.email]
        assert {one.recipient for one in messages_of(state, "reminder")} == {who.email}
        assert [one.recipient for one in messages_of(state, "cancelled")] == ([SARAH.email] if who is MIKE else [])

    def test_a_late_copy_of_the_last_cancelled_seat_is_refused(self) -> None:
        late = record_of(seat_taken(SARAH, 1).event, MONDAY + hours(8), route="team")
        state = state_of(seat_taken(SARAH, 1), seat_cancelled(SARAH), late)
        assert late.event_id in state.refused

    def test_a_seat_at_a_new_time_moves_all_seats(self) -> None:
        elsewhere = made(MONDAY + hours(2), who=seat(MIKE, 3), seated=True, start=FRIDAY)
        state = state_of(seat_taken(SARAH, 1), seat_taken(TOM, 2, at=1), elsewhere)
        assert {one.due_at for one in messages_of(state, "reminder")} == {
            FRIDAY - hours(count) for count in (72, 24, 2)
        }
        assert recipients_of(state, "reminder") == {SARAH.email, TOM.email, MIKE.email}

    def test_a_late_copy_of_a_cancelled_seat_is_ignored(self) -> None:
        late = record_of(seat_taken(SARAH, 1).event, MONDAY + hours(8), route="team")
        state = state_of(seat_taken(SARAH, 1), seat_taken(TOM, 2, at=1), seat_cancelled(SARAH), late)
        assert seats_of(state) == ["tom@mail.acme.com"]
        assert recipients_of(state, "reminder") == {TOM.email}

    def test_a_cancellation_before_its_seat_was_taken_changes_nothing(self) -> None:
        state = state_of(seat_taken(TOM, 2), seat_cancelled(SARAH))
        assert seats_of(state) == ["tom@mail.acme.com"]


class TestMovedSeat:
    def moved(self, who: AttendeeDetails = SARAH) -> tuple[EventRecord, EventRecord]:
        """Returns the event for the new booking, and the one for the old booking."""
        event = events.SeatMoved(
            booking=booking("xyz789", FRIDAY, seat(who, 1), seated=True), replaces=ReplacedBooking(uid="abc123")
        )
        return record_of(event, AFTERNOON), record_of(events.seat_left_event(event), AFTERNOON)

    def test_it_leaves_the_old_booking_and_joins_the_new_one(self) -> None:
        joined_record, left_record = self.moved()
        old = state_of(seat_taken(SARAH, 1), seat_taken(TOM, 2, at=1), left_record)
        new = state_of(joined_record, booking_id=SECOND)
        assert (seats_of(old), seats_of(new)) == (["tom@mail.acme.com"], ["sarah.chen@acme.com"])
        assert recipients_of(old, "reminder") == {TOM.email}
        assert recipients_of(new, "reminder") == {SARAH.email}
        assert [deal.status for deal in deals_of(old, new).deals] == ["active"]

    def test_a_seat_cannot_leave_a_cancelled_booking(self) -> None:
        left = self.moved()[1]
        state = state_of(seat_taken(SARAH, 1), seat_cancelled(SARAH, at=1), left)
        assert state.refused == {left.event_id: "the booking is CANCELLED"}

    def test_the_last_seat_to_leave_cancels_the_booking_but_not_the_deal(self) -> None:
        joined_record, left_record = self.moved()
        old = state_of(seat_taken(SARAH, 1), left_record)
        assert old.booking is not None
        assert old.booking.status == "CANCELLED"
        assert [deal.status for deal in deals_of(old, state_of(joined_record, booking_id=SECOND)).deals] == ["active"]

    def test_a_phone_only_seat_withdraws_no_other_deliveries(self) -> None:
        old = state_of(seat_taken(SARAH, 1), seat_taken(PAT, 2, at=1), self.moved(PAT)[1])
        assert recipients_of(old, "reminder") == {SARAH.email}
        assert seats_of(old) == ["sarah.chen@acme.com"]


@pytest.mark.parametrize("listed", [(SARAH, TOM), (SARAH,)], ids=["all are listed", "one is listed"])
def test_a_reschedule_by_the_host_notifies_all_seats(listed: tuple[AttendeeDetails, ...]) -> None:
    all_move = rescheduled(AFTERNOON, uid="abc123", who=listed, seated=True)
    state = state_of(seat_taken(SARAH, 1), seat_taken(TOM, 2, at=1), all_move)
    assert recipients_of(state, "rescheduled") == {SARAH.email, TOM.email}
    assert {reminder.due_at for reminder in messages_of(state, "reminder")} == {
        FRIDAY - hours(72),
        FRIDAY - hours(24),
        FRIDAY - hours(2),
    }
    assert len(messages_of(state, "reminder")) == 6


def test_a_cancelled_seat_is_not_assumed_attended() -> None:
    result = state_of(
        seat_taken(SARAH, 1), seat_taken(TOM, 2, at=1), seat_cancelled(SARAH), ended(who=(SARAH, TOM), seated=True)
    ).booking
    assert result is not None
    assert [(one.email, one.attended) for one in result.attendees] == [(SARAH.email, None), (TOM.email, True)]
    assert result.attended is True


def test_each_seat_has_its_own_attendance() -> None:
    over = ended(THURSDAY, who=(SARAH, replace(TOM, no_show=True)), seated=True)
    result = state_of(seat_taken(SARAH, 1), seat_taken(TOM, 2, at=1), over).booking
    assert result is not None
    assert [(one.attended, one.evidence) for one in result.attendees] == [(True, "assumed"), (False, "reported")]
