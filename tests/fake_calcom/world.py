"""A Cal.com with a memory: the actions of people, the rows that follow, and the webhooks that it sends.

world = World(seed=7)
host = world.add_user("Hana Host", "hana@sellers.example")
intro = world.add_event_type("intro-call", owner=host)
booking = world.book(intro, Guest("Ann", "ann@acme.example"), start_at=…)
world.last_webhooks   # [SentWebhook(trigger="BOOKING_CREATED", …)]
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from tests.fake_calcom.bodies import booking_fields, no_show_fields, previous_fields
from tests.fake_calcom.rows import Booking, EventType, Guest, User
from tests.fake_calcom.world_state import WorldState


class World(WorldState):
    """Each method is an action of a person; it returns the booking, and `last_webhooks` has its webhooks."""

    def book(
        self,
        event_type: EventType,
        booker: Guest,
        *,
        start_at: datetime,
        host: User | None = None,
        guests: Sequence[str] = (),
        **more: Any,
    ) -> Booking:
        """Sends CREATED, or REQUESTED where the host has to confirm. `more`: answers, notes, metadata."""
        with self.lock:
            at = self._begin_action()
            attendees = [replace(booker), *(Guest("", email) for email in guests)]
            booking = self._new_row(event_type, host or event_type.owner, attendees, start_at, at, **more)
            self._send_created(booking)
            return booking

    def book_series(
        self, event_type: EventType, booker: Guest, *, start_at: datetime, times: int, host: User | None = None
    ) -> list[Booking]:
        """Makes a booking for each week, each with its own uid and CREATED; only the API knows the series."""
        with self.lock:
            at, series = self._begin_action(), self._uuid()
            rows = [
                self._new_row(
                    event_type,
                    host or event_type.owner,
                    [replace(booker)],
                    start_at + timedelta(weeks=week),
                    at + timedelta(milliseconds=week),
                    recurring_uid=series,
                    occurrences=times,
                )
                for week in range(times)
            ]
            self.clock.move_to(rows[-1].created_at)
            for booking in rows:
                self._send_created(booking)
            return rows

    def confirm(self, uid: str) -> Booking:
        """The host confirms: CREATED, which names no older booking even if this one replaced it."""
        with self.lock:
            at, booking = self._begin_action(), self._require_booking(uid, "PENDING")
            booking.status = "ACCEPTED"
            self._touch(booking, at)
            self._schedule(booking)
            self._send_webhook("BOOKING_CREATED", booking, booking_fields(booking))
            return booking

    def reject(self, uid: str, reason: str = "No slot left this week") -> Booking:
        with self.lock:
            at, booking = self._begin_action(), self._require_booking(uid, "PENDING")
            booking.status, booking.rejection_reason = "REJECTED", reason
            self._touch(booking, at)
            self._send_webhook("BOOKING_REJECTED", booking, booking_fields(booking))
            return booking

    def reschedule(
        self, uid: str, start_at: datetime, *, by: str | None = None, reason: str | None = None, linked: bool = True
    ) -> Booking:
        """Replaces this booking with a new one; no webhook reports the cancellation of the old one.

        `by` is an email, the booker's where None. When an attendee reschedules a meeting that requires confirmation,
        the booking is pending again: REQUESTED, in which `linked` says whether it names the old booking.
        """
        with self.lock:
            at, old = self._begin_action(), self.bookings[uid]
            assert old.status in ("ACCEPTED", "PENDING") or old.rescheduled, f"{uid} is {old.status}"
            by = by or old.booker.email
            needs_confirmation = old.event_type.confirmation and by.lower() != old.host.email.lower()
            new = self._create_successor(
                old, start_at, at, "PENDING" if needs_confirmation else "ACCEPTED", by=by, reason=reason
            )
            old.status, old.rescheduled, old.rescheduled_by = "CANCELLED", True, by
            self._touch(old, at)
            if needs_confirmation:
                added = previous_fields(old) if linked else {}
                self._send_webhook("BOOKING_REQUESTED", new, booking_fields(new, **added))
            else:
                added = {**previous_fields(old), "rescheduledBy": by}
                self._send_webhook("BOOKING_RESCHEDULED", new, booking_fields(new, **added))
            return new

    def request_reschedule(self, uid: str, reason: str = "A conflict came up") -> Booking:
        """The host cancels and asks for another time: CANCELLED, with a mark; `reschedule` may follow."""
        with self.lock:
            booking = self._cancel_row(uid, by=self.bookings[uid].host.email, reason=f"Please reschedule. {reason}")
            booking.rescheduled = True
            self._send_cancelled(booking, request_reschedule=True)
            return booking

    def patch_time(self, uid: str, start_at: datetime) -> Booking:
        """Changes the time under the same uid, without a webhook."""
        with self.lock:
            at, booking = self._begin_action(), self._require_booking(uid, "ACCEPTED")
            booking.end_at += start_at - booking.start_at
            booking.start_at = start_at
            self._touch(booking, at)
            self._schedule(booking)
            return booking

    def cancel(self, uid: str, *, by: str | None = None, reason: str | None = "No longer needed") -> Booking:
        with self.lock:
            booking = self._cancel_row(uid, by=by or self.bookings[uid].booker.email, reason=reason)
            self._send_cancelled(booking)
            return booking

    def cancel_rest(self, uid: str, *, by: str | None = None, reason: str = "all") -> list[Booking]:
        """Cancels this occurrence of a series and all that follow; one CANCELLED, of this one only."""
        with self.lock:
            first = self.bookings[uid]
            rest = [
                one
                for one in self.bookings.values()
                if one.recurring_uid == first.recurring_uid
                and one.start_at >= first.start_at
                and one.status == "ACCEPTED"
            ]
            for one in rest:
                self._cancel_row(one.uid, by=by or first.booker.email, reason=reason)
            self._send_cancelled(first)
            return rest

    def reassign(self, uid: str, host: User, *, silently: bool = False) -> Booking:
        """Changes the host under the same uid; old versions send nothing (`silently`)."""
        with self.lock:
            at, booking = self._begin_action(), self._require_booking(uid, "ACCEPTED")
            before, booking.host = booking.host, host
            booking.sequence += 1
            self._touch(booking, at)
            if not silently:
                added: dict[str, Any] = {"addedHostUserIds": [host.id], "removedHostUserIds": [before.id]}
                self._send_webhook("BOOKING_REASSIGNED", booking, booking_fields(booking, **added))
            return booking

    # ------------------------------------------------------------ seats

    def take_seat(
        self, event_type: EventType, guest: Guest, *, start_at: datetime, host: User | None = None
    ) -> Booking:
        """The first seat makes the booking, further ones join it; each is a CREATED with this one attendee."""
        with self.lock:
            at, host = self._begin_action(), host or event_type.owner
            seat = replace(guest, seat_uid=self._uuid())
            booking = next((one for one in self.bookings.values() if _is_at(one, event_type, host, start_at)), None)
            if booking is None:
                booking = self._new_row(event_type, host, [seat], start_at, at)
            else:
                booking.attendees.append(seat)
                self._touch(booking, at)
            self._send_webhook(
                "BOOKING_CREATED", booking, booking_fields(booking, [seat], attendeeSeatId=seat.seat_uid)
            )
            return booking

    def cancel_seat(self, uid: str, email: str) -> Booking:
        """Sends CANCELLED with this one attendee; the booking remains while others have seats."""
        with self.lock:
            at, booking = self._begin_action(), self._require_booking(uid, "ACCEPTED")
            seat = _seat_of(booking, email)
            if len(booking.attendees) > 1:
                booking.attendees.remove(seat)
            else:
                booking.status = "CANCELLED"
            self._touch(booking, at)
            added = {"status": "CANCELLED", "cancelledBy": email, "requestReschedule": False}
            self._send_webhook("BOOKING_CANCELLED", booking, booking_fields(booking, [seat], **added))
            return booking

    # ------------------------------------------------------------ absence

    def mark_absent(self, uid: str, marks: Mapping[str, bool]) -> Booking:
        """Sends NO_SHOW_UPDATED of these attendees, by email; their rows change, not the booking's `updatedAt`."""
        with self.lock:
            self._begin_action()
            booking = self.bookings[uid]
            changed = [_seat_of(booking, email) for email in marks]
            for seat in changed:
                seat.absent = marks[seat.email]
            self.changes += 1
            self._send_webhook("BOOKING_NO_SHOW_UPDATED", booking, no_show_fields(booking, changed))
            return booking

    def mark_host_absent(self, uid: str) -> Booking:
        """Marks the host absent without a webhook; if the meeting has yet to end, MEETING_ENDED reports it."""
        with self.lock:
            at, booking = self._begin_action(), self.bookings[uid]
            booking.absent_host = True
            self._touch(booking, at)
            return booking

    # ------------------------------------------------------------ shared by the methods

    def _require_booking(self, uid: str, status: str) -> Booking:
        booking = self.bookings[uid]
        assert booking.status == status, f"{uid} is {booking.status}, not {status}"
        return booking

    def _create_successor(
        self, old: Booking, start_at: datetime, at: datetime, status: str, **details: str | None
    ) -> Booking:
        attendees = [replace(one, absent=False) for one in old.attendees]
        retained = {"ical_uid": old.ical_uid, "from_uid": old.uid}
        new = self._new_row(old.event_type, old.host, attendees, start_at, at, status=status, **retained)
        new.sequence = old.sequence + 1
        new.notes, new.answers, new.metadata = old.notes, dict(old.answers), dict(old.metadata)
        new.rescheduled_by, new.reschedule_reason = details["by"], details["reason"]
        new.recurring_uid, new.occurrences = old.recurring_uid, old.occurrences
        return new

    def _send_created(self, booking: Booking) -> None:
        trigger = "BOOKING_REQUESTED" if booking.status == "PENDING" else "BOOKING_CREATED"
        self._send_webhook(trigger, booking, booking_fields(booking))

    def _cancel_row(self, uid: str, *, by: str, reason: str | None) -> Booking:
        at, booking = self._begin_action(), self.bookings[uid]
        assert booking.status in ("ACCEPTED", "PENDING"), f"{uid} is {booking.status}"
        booking.status, booking.cancelled_by, booking.cancellation_reason = "CANCELLED", by, reason
        booking.sequence += 1
        self._touch(booking, at)
        return booking

    def _send_cancelled(self, booking: Booking, *, request_reschedule: bool = False) -> None:
        added: dict[str, Any] = {"cancelledBy": booking.cancelled_by, "requestReschedule": request_reschedule}
        self._send_webhook("BOOKING_CANCELLED", booking, booking_fields(booking, **added))


def _is_at(booking: Booking, event_type: EventType, host: User, start_at: datetime) -> bool:
    slot_key = (booking.event_type.id, booking.host.id, booking.start_at, booking.status)
    return slot_key == (event_type.id, host.id, start_at, "ACCEPTED")


def _seat_of(booking: Booking, email: str) -> Guest:
    return next(one for one in booking.attendees if one.email.lower() == email.lower())
