"""The lifecycle of one booking: each method is an action of a person or of Cal.com, and records its webhook.

A lifecycle has its own clock, which only moves forward: its webhooks are in source order.
"""

import random
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypedDict, Unpack

from showup.simulation.models import (
    PreviousBooking,
    SimulatedAttendee,
    SimulatedBooking,
    SimulatedOrganizer,
    SimulatedWebhook,
)
from showup.simulation.names import CANCEL_REASONS

HOUR = timedelta(hours=1)
# Cal Video decides this long after the start that no one came.
GUEST_NO_SHOW_AFTER = timedelta(minutes=5)


class WebhookDetails(TypedDict, total=False):
    """The optional fields of an event beside the booking, named as in `SimulatedWebhook`."""

    marks: tuple[tuple[str, bool], ...]
    host_absent: bool
    request_reschedule: bool
    by: str | None
    reason: str | None
    seat: str | None
    previous_location: str | None
    replaced: SimulatedOrganizer | None


@dataclass(slots=True)
class BookingLifecycle:
    """`booking` is Cal.com's current state; `new_identity` returns a new uid and number."""

    rng: random.Random
    booking: SimulatedBooking
    clock: datetime
    now: datetime
    new_identity: Callable[[], tuple[str, int]]
    webhooks: list[SimulatedWebhook]

    # ------------------------------------------------------------ participants and series, before booking

    def book_as_organizer(self, guests: Sequence[SimulatedAttendee]) -> None:
        """The organizer books on their own page, for themselves and perhaps for guests."""
        host = self.booking.organizer
        booker = SimulatedAttendee(host.name, host.email.title(), host.time_zone, host.locale)
        self.booking = replace(self.booking, attendees=(booker, *guests), company_answer=None)

    def make_recurring(self, count: int) -> None:
        """Makes the booking one of a series of `count` bookings."""
        self.booking = replace(self.booking, series_length=count)

    # ------------------------------------------------------------ before the meeting

    def book(self) -> None:
        self._emit("BOOKING_CREATED", self.clock)

    def request(self) -> None:
        self.booking = replace(self.booking, status="PENDING")
        self._emit("BOOKING_REQUESTED", self.clock)

    def confirm(self) -> None:
        self.booking = replace(self.booking, status="ACCEPTED")
        self._emit("BOOKING_CREATED", self.next_moment())

    def reject(self) -> None:
        self.booking = replace(self.booking, status="REJECTED")
        self._emit("BOOKING_REJECTED", self.next_moment(), reason="No slot left this week", by=self._host())

    def pay(self) -> None:
        self._emit("BOOKING_PAID", self.clock + timedelta(milliseconds=self.rng.randint(1500, 9000)))

    def reschedule(self, start_at: datetime) -> None:
        """Reschedules to another time under a new uid and number; the old times stay readable in `previous`."""
        old, at = self.booking, self.next_moment()
        uid, number = self.new_identity()
        self.booking = replace(
            old,
            uid=uid,
            number=number,
            sequence=old.sequence + 1,
            start_at=start_at,
            end_at=start_at + (old.end_at - old.start_at),
            status="ACCEPTED",
            created_at=at,
            meeting_url=f"https://app.cal.com/video/{uid}",
            previous=PreviousBooking(old.uid, old.number, old.start_at, old.end_at),
            reschedule_reason=self.rng.choice(("", "Something came up", "Próxima semana, por favor")),
        )
        self._emit("BOOKING_RESCHEDULED", at, by=self._booker(), reason=self.booking.reschedule_reason)

    def cancel(self) -> None:
        by, reason = self.rng.choice((self._host(), self._booker())), self.rng.choice(CANCEL_REASONS)
        self._cancel(by=by, reason=reason)

    def request_new_time(self) -> None:
        """The host's "request reschedule": Cal.com sends CANCELLED and means that a new time is wanted."""
        self._cancel(by=self._host(), reason="Please reschedule. A conflict came up", request_reschedule=True)

    def change_location(self) -> None:
        before = self.booking.meeting_url
        self.booking = replace(
            self.booking,
            sequence=self.booking.sequence + 1,
            meeting_url=f"https://meet.example/{self.booking.uid[-9:].lower()}",
        )
        self._emit("BOOKING_LOCATION_UPDATED", self.next_moment(), previous_location=before)

    def reassign(self, organizer: SimulatedOrganizer) -> None:
        before = self.booking.organizer
        title = self.booking.title.replace(before.name, organizer.name)
        self.booking = replace(self.booking, organizer=organizer, title=title, sequence=self.booking.sequence + 1)
        self._emit("BOOKING_REASSIGNED", self.next_moment(), replaced=before)

    # ------------------------------------------------------------ seats

    def take_seats(self, attendees: Sequence[SimulatedAttendee]) -> None:
        """Each of `attendees` books one seat of the same meeting, one after the other."""
        self.booking = replace(self.booking, attendees=())
        for number, attendee in enumerate(attendees):
            seated_attendee = replace(attendee, seat=str(uuid.UUID(int=self.rng.getrandbits(128), version=4)))
            self.booking = replace(self.booking, attendees=(*self.booking.attendees, seated_attendee))
            self._emit_for_seat("BOOKING_CREATED", seated_attendee, self.next_moment() if number else self.clock)

    def release_last_seat(self) -> None:
        *remaining, released = self.booking.attendees
        if remaining:
            self._emit_for_seat("BOOKING_CANCELLED", released, self.next_moment(), by=released.email)
            self.booking = replace(self.booking, attendees=tuple(remaining))
        else:
            self.booking = replace(self.booking, status="CANCELLED")
            self._emit_for_seat("BOOKING_CANCELLED", released, self.next_moment(), by=released.email)

    # ------------------------------------------------------------ the meeting and after

    def start(self) -> None:
        self.clock = self.booking.start_at
        self._emit("MEETING_STARTED", self.clock)

    def end(self, *, absent: Sequence[str] = (), host_absent: bool = False) -> None:
        marks = tuple((a.email, a.email in absent) for a in self.booking.attendees)
        self._emit("MEETING_ENDED", self.booking.end_at, marks=marks, host_absent=host_absent)

    def mark_attendance(self, email: str, *, absent: bool) -> None:
        """The host marks one attendee as absent, or takes it back."""
        self._emit("BOOKING_NO_SHOW_UPDATED", self.next_moment(), marks=((email, absent),), by=self._host())

    def report_guests_absent(self) -> None:
        self._emit("AFTER_GUESTS_CAL_VIDEO_NO_SHOW", self.booking.start_at + GUEST_NO_SHOW_AFTER)

    # ------------------------------------------------------------ time and recording

    def next_moment(self) -> datetime:
        """Returns a moment after the clock, well before the next fixed time of this booking and before now."""
        fixed_times = [t for t in (self.booking.start_at, self.booking.end_at, self.now) if t > self.clock]
        gap = min([*fixed_times, self.clock + 3 * HOUR]) - self.clock
        milliseconds = int(gap / timedelta(milliseconds=1) * self.rng.uniform(0.05, 0.45))
        return self.clock + timedelta(milliseconds=max(milliseconds, 1))

    def _cancel(self, *, by: str, reason: str, request_reschedule: bool = False) -> None:
        self.booking = replace(self.booking, status="CANCELLED", sequence=self.booking.sequence + 1)
        self._emit("BOOKING_CANCELLED", self.next_moment(), by=by, reason=reason, request_reschedule=request_reschedule)

    def _emit_for_seat(self, trigger: str, attendee: SimulatedAttendee, at: datetime, by: str | None = None) -> None:
        full_booking = self.booking
        self.booking = replace(full_booking, attendees=(attendee,), status=_seat_status(trigger))
        # Cal.com does not always name the seat that is given back; its only attendee identifies it.
        has_seat_uid = trigger == "BOOKING_CREATED" or self.rng.random() < 0.5
        self._emit(trigger, at, by=by, seat=attendee.seat if has_seat_uid else None)
        self.booking = full_booking

    def _emit(self, trigger: str, at: datetime, **details: Unpack[WebhookDetails]) -> None:
        self.clock = max(at, self.clock)
        self.webhooks.append(SimulatedWebhook(trigger, at, self.booking.account, self.booking, **details))

    def _host(self) -> str:
        return self.booking.organizer.email

    def _booker(self) -> str:
        return self.booking.attendees[0].email


def _seat_status(trigger: str) -> str:
    return "CANCELLED" if trigger == "BOOKING_CANCELLED" else "ACCEPTED"
