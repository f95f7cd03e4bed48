"""One booking's life: each verb is something a person or Cal.com does, and leaves the news of it.

A play keeps its own clock, which only goes forward: its news come in source order.
"""

import random
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypedDict, Unpack

from showup.simulation.names import CANCEL_REASONS
from showup.simulation.news import Attendee, Booking, News, Organizer, Previous

HOUR = timedelta(hours=1)
# Cal Video decides this long after the start that nobody came.
GUESTS_WAIT_FOR = timedelta(minutes=5)


class Details(TypedDict, total=False):
    """What news may say beside the booking, named as in `News`."""

    marks: tuple[tuple[str, bool], ...]
    host_absent: bool
    request_reschedule: bool
    by: str | None
    reason: str | None
    seat: str | None
    previous_location: str | None
    replaced: Organizer | None


@dataclass(slots=True)
class Play:
    """`booking` is what Cal.com knows now; `identity` gives a fresh uid and number."""

    rng: random.Random
    booking: Booking
    clock: datetime
    now: datetime
    identity: Callable[[], tuple[str, int]]
    news: list[News]

    # ------------------------------------------------------------ who and how, before it is told

    def seat_organizer_first(self, guests: Sequence[Attendee]) -> None:
        """The organizer books on their own page, for themselves and perhaps for guests."""
        host = self.booking.organizer
        booker = Attendee(host.name, host.email.title(), host.time_zone, host.locale)
        self.booking = replace(self.booking, attendees=(booker, *guests), company_answer=None)

    def repeat(self, times: int) -> None:
        """It is one of a series of `times` bookings."""
        self.booking = replace(self.booking, repeats=times)

    # ------------------------------------------------------------ before the meeting

    def book(self) -> None:
        self._tell("BOOKING_CREATED", self.clock)

    def request(self) -> None:
        self.booking = replace(self.booking, status="PENDING")
        self._tell("BOOKING_REQUESTED", self.clock)

    def confirm(self) -> None:
        self.booking = replace(self.booking, status="ACCEPTED")
        self._tell("BOOKING_CREATED", self.soon())

    def reject(self) -> None:
        self.booking = replace(self.booking, status="REJECTED")
        self._tell("BOOKING_REJECTED", self.soon(), reason="No slot left this week", by=self._host())

    def pay(self) -> None:
        self._tell("BOOKING_PAID", self.clock + timedelta(milliseconds=self.rng.randint(1500, 9000)))

    def reschedule(self, start_at: datetime) -> None:
        """To another time under a new uid and number; the old times stay readable in `previous`."""
        old, at = self.booking, self.soon()
        uid, number = self.identity()
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
            previous=Previous(old.uid, old.number, old.start_at, old.end_at),
            reschedule_reason=self.rng.choice(("", "Something came up", "Próxima semana, por favor")),
        )
        self._tell("BOOKING_RESCHEDULED", at, by=self._booker(), reason=self.booking.reschedule_reason)

    def cancel(self) -> None:
        by, reason = self.rng.choice((self._host(), self._booker())), self.rng.choice(CANCEL_REASONS)
        self._close(by=by, reason=reason)

    def ask_for_another_time(self) -> None:
        """The host's "request reschedule": Cal.com says CANCELLED and means that a new time is wanted."""
        self._close(by=self._host(), reason="Please reschedule. A conflict came up", request_reschedule=True)

    def move_place(self) -> None:
        before = self.booking.meeting_url
        self.booking = replace(
            self.booking,
            sequence=self.booking.sequence + 1,
            meeting_url=f"https://meet.example/{self.booking.uid[-9:].lower()}",
        )
        self._tell("BOOKING_LOCATION_UPDATED", self.soon(), previous_location=before)

    def reassign(self, organizer: Organizer) -> None:
        before = self.booking.organizer
        title = self.booking.title.replace(before.name, organizer.name)
        self.booking = replace(self.booking, organizer=organizer, title=title, sequence=self.booking.sequence + 1)
        self._tell("BOOKING_REASSIGNED", self.soon(), replaced=before)

    # ------------------------------------------------------------ seats

    def take_seats(self, attendees: Sequence[Attendee]) -> None:
        """Each of `attendees` books one seat of the same meeting, one after the other."""
        self.booking = replace(self.booking, attendees=())
        for number, attendee in enumerate(attendees):
            seated = replace(attendee, seat=str(uuid.UUID(int=self.rng.getrandbits(128), version=4)))
            self.booking = replace(self.booking, attendees=(*self.booking.attendees, seated))
            self._tell_of_seat("BOOKING_CREATED", seated, self.soon() if number else self.clock)

    def give_back_last_seat(self) -> None:
        *left, gone = self.booking.attendees
        if left:
            self._tell_of_seat("BOOKING_CANCELLED", gone, self.soon(), by=gone.email)
            self.booking = replace(self.booking, attendees=tuple(left))
        else:
            self.booking = replace(self.booking, status="CANCELLED")
            self._tell_of_seat("BOOKING_CANCELLED", gone, self.soon(), by=gone.email)

    # ------------------------------------------------------------ the meeting and after

    def start(self) -> None:
        self.clock = self.booking.start_at
        self._tell("MEETING_STARTED", self.clock)

    def end(self, *, absent: Sequence[str] = (), host_absent: bool = False) -> None:
        marks = tuple((a.email, a.email in absent) for a in self.booking.attendees)
        self._tell("MEETING_ENDED", self.booking.end_at, marks=marks, host_absent=host_absent)

    def mark(self, email: str, *, absent: bool) -> None:
        """The host says of one attendee that they are absent, or takes it back."""
        self._tell("BOOKING_NO_SHOW_UPDATED", self.soon(), marks=((email, absent),), by=self._host())

    def miss_all_guests(self) -> None:
        self._tell("AFTER_GUESTS_CAL_VIDEO_NO_SHOW", self.booking.start_at + GUESTS_WAIT_FOR)

    # ------------------------------------------------------------ time and telling

    def soon(self) -> datetime:
        """A moment after the clock, well before the next fixed time of this booking and before now."""
        fixed = [t for t in (self.booking.start_at, self.booking.end_at, self.now) if t > self.clock]
        gap = min([*fixed, self.clock + 3 * HOUR]) - self.clock
        milliseconds = int(gap / timedelta(milliseconds=1) * self.rng.uniform(0.05, 0.45))
        return self.clock + timedelta(milliseconds=max(milliseconds, 1))

    def _close(self, *, by: str, reason: str, request_reschedule: bool = False) -> None:
        self.booking = replace(self.booking, status="CANCELLED", sequence=self.booking.sequence + 1)
        self._tell("BOOKING_CANCELLED", self.soon(), by=by, reason=reason, request_reschedule=request_reschedule)

    def _tell_of_seat(self, trigger: str, seated: Attendee, at: datetime, by: str | None = None) -> None:
        whole = self.booking
        self.booking = replace(whole, attendees=(seated,), status=_seat_status(trigger))
        # Cal.com does not always name the seat that is given back; its only attendee does.
        named = trigger == "BOOKING_CREATED" or self.rng.random() < 0.5
        self._tell(trigger, at, by=by, seat=seated.seat if named else None)
        self.booking = whole

    def _tell(self, trigger: str, at: datetime, **details: Unpack[Details]) -> None:
        self.clock = max(at, self.clock)
        self.news.append(News(trigger, at, self.booking.account, self.booking, **details))

    def _host(self) -> str:
        return self.booking.organizer.email

    def _booker(self) -> str:
        return self.booking.attendees[0].email


def _seat_status(trigger: str) -> str:
    return "CANCELLED" if trigger == "BOOKING_CANCELLED" else "ACCEPTED"
