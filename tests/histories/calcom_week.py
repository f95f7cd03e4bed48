"""A week of a few people at Cal.com, and the webhooks that Cal.com sends for it."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import NAMESPACE_URL, UUID, uuid5

from showup.simulation.models import PreviousBooking, SimulatedBooking, SimulatedWebhook
from showup.simulation.render import render, render_envelope
from tests.histories.webhooks import ANN, BEN, INTRO, MONDAY, attendee, booking

SARAH, SAM, LEE, GUEST, GUS, COLLEAGUE = (
    "sarah@acme.example",
    "Sam@Mail.Acme.example",
    "Lee@Globex.example",
    "guest@globex.example",
    "gus@gmail.com",
    # At the domain of the hosts.
    "Eve@EU.Outbound.example",
)
_HALF_HOUR = timedelta(minutes=30)
_CLASS = replace(INTRO, seats=3)


class ReceivedBody(NamedTuple):
    """A body to be received. `account` is the Cal.com account that sends it; None for the commands of people.

    `id` is that of a command's inbox event, because later commands may name it.
    """

    id: UUID
    body: bytes
    received_at: datetime
    account: int | None = 0


def received_in_order(bodies: Sequence[ReceivedBody]) -> list[ReceivedBody]:
    """Returns the same bodies with the same times of receipt, but in ascending order."""
    times = sorted(one.received_at for one in bodies)
    return [one._replace(received_at=at) for one, at in zip(bodies, times, strict=True)]


class Week:
    """A clock that advances with every change. `sent` holds the bodies in the order of the changes."""

    def __init__(self) -> None:
        self.sent: list[ReceivedBody] = []
        self.now = MONDAY
        self.numbers = itertools.count(100)

    def next_time(self) -> datetime:
        self.now += timedelta(minutes=7)
        return self.now

    def send(self, content: bytes, account: int | None = 0) -> UUID:
        event_id = uuid5(NAMESPACE_URL, f"event {len(self.sent)}")
        self.sent.append(ReceivedBody(event_id, content, self.now, account))
        return event_id

    def received_bodies(self, delays: list[timedelta]) -> list[ReceivedBody]:
        """Returns the bodies. Showup receives them one second apart after the end of the week, and some much later.

        A body that an account sends twice has one time of receipt: otherwise the order of the copies would decide when
        the event was received.
        """
        extra_delays = [*delays, *([timedelta()] * len(self.sent))]
        received_times = [
            self.now + timedelta(seconds=5 + index) + extra_delays[index] for index in range(len(self.sent))
        ]
        first_received: dict[tuple[int | None, bytes], datetime] = {}
        for one, at in zip(self.sent, received_times, strict=True):
            first_received[one.account, one.body] = min(at, first_received.get((one.account, one.body), at))
        return [one._replace(received_at=first_received[one.account, one.body]) for one in self.sent]


def _in_series(content: bytes) -> bytes:
    """Returns the body with the rule of a weekly series; MEETING_* rows have no rule."""
    return content.replace(b'"payload":{', b'"payload":{"recurringEvent":{"freq":2,"count":3,"interval":1},', 1)


class Meeting:
    """One booking at Cal.com, from its creation to its end."""

    def __init__(self, week: Week, uid: str, emails: list[str], days_ahead: int) -> None:
        self.week, self.emails, self.name = week, emails, uid
        self.uid, self.number = uid, next(week.numbers)
        self.uids = [uid]
        self.start = MONDAY + timedelta(days=days_ahead, hours=3)
        self.host = BEN
        self.is_in_series = False
        self._previous: list[PreviousBooking] = []

    def _booking(self) -> SimulatedBooking:
        return booking(self.uid, self.number, self.start, self.emails, organizer=self.host)

    def _send(self, trigger: str, about: SimulatedBooking | None = None, **details: Any) -> None:
        at = self.week.next_time()
        content = render(SimulatedWebhook(trigger, at, 0, about or self._booking(), **details))
        self.week.send(_in_series(content) if self.is_in_series else content)

    def _moved(self) -> SimulatedBooking:
        """Gives the meeting a new time and uid, and returns the booking that names its old ones."""
        self._previous.append(PreviousBooking(self.uid, self.number, self.start, self.start + _HALF_HOUR))
        self.uid, self.number = f"{self.name}-{len(self.uids)}", next(self.week.numbers)
        self.uids.append(self.uid)
        self.start += timedelta(days=1, hours=1)
        return replace(self._booking(), previous=self._previous[-1])

    def create(self) -> None:
        self._send("BOOKING_CREATED", replace(self._booking(), company_answer=f"Firm {self.name}"))

    def request(self) -> None:
        self._send("BOOKING_REQUESTED", replace(self._booking(), status="PENDING"))

    def create_unpaid(self) -> None:
        """Sends what some instances send before the payment: a booking that is made, and PENDING."""
        self._send("BOOKING_CREATED", replace(self._booking(), status="PENDING"))

    def pay(self) -> None:
        self._send("BOOKING_PAID")

    def confirm_by_request(self) -> None:
        """Sends what a confirmation through Cal.com's API sends: one more request, of an accepted booking."""
        self._send("BOOKING_REQUESTED")

    def reject(self) -> None:
        self._send("BOOKING_REJECTED", replace(self._booking(), status="REJECTED"), reason="No time")

    def reschedule(self) -> None:
        self._send("BOOKING_RESCHEDULED", self._moved(), reason="Busy", by=self.emails[0])

    def reschedule_without_webhook(self) -> None:
        """Reschedules; the webhook that links the two uids is lost."""
        self._moved()

    def request_reschedule(self) -> None:
        self._send("BOOKING_REQUESTED", replace(self._moved(), status="PENDING"))

    def cancel(self) -> None:
        self._send("BOOKING_CANCELLED", self._cancelled(), reason="Off", by=self.emails[0])

    def request_rebooking(self) -> None:
        self._send("BOOKING_CANCELLED", self._cancelled(), request_reschedule=True, by=BEN.email)

    def _cancelled(self) -> SimulatedBooking:
        return replace(self._booking(), status="CANCELLED")

    def relocate(self) -> None:
        self._send(
            "BOOKING_LOCATION_UPDATED", replace(self._booking(), meeting_url=f"https://meet.example/{self.name}")
        )

    def reassign(self) -> None:
        before, self.host = self.host, ANN if self.host == BEN else BEN
        self._send("BOOKING_REASSIGNED", replaced=before)

    def mark(self) -> None:
        self._mark(no_show=True)

    def unmark(self) -> None:
        self._mark(no_show=False)

    def _mark(self, *, no_show: bool) -> None:
        at = max(self.week.next_time(), self.start + timedelta(hours=2))
        marks = ((self.emails[0].lower(), no_show),)
        self.week.send(render(SimulatedWebhook("BOOKING_NO_SHOW_UPDATED", at, 0, self._booking(), marks=marks)))

    def end(self) -> None:
        self._send("MEETING_ENDED")

    def end_by_number(self) -> None:
        """Sends the format of seed 002, which has only the booking's number."""
        self.week.next_time()
        marks = {"bookingId": self.number, "attendees": [{"email": self.emails[0], "attended": True}]}
        self.week.send(render_envelope("meeting.ended", self.start + _HALF_HOUR, marks))

    def send_other_copy(self) -> None:
        """Sends the last webhook again, a bit later, from the subscription of another account."""
        own_bodies = [one for one in self.week.sent if one.account == 0]
        if own_bodies:
            self.week.send(own_bodies[-1].body.replace(b'.000Z","payload"', b'.250Z","payload"'), account=1)

    def send_same_body(self) -> None:
        """Sends the last body again, from the webhook of another account."""
        own_bodies = [one for one in self.week.sent if one.account == 0]
        if own_bodies:
            self.week.send(own_bodies[-1].body, account=1)

    def send_missing_reschedule(self) -> None:
        """Sends the lost link between two uids after all, in a body as old as the reschedule."""
        if self._previous:
            moved = replace(self._booking(), uid=self.uids[1], number=900, previous=self._previous[0])
            at = self.week.now - _HALF_HOUR
            self.week.send(render(SimulatedWebhook("BOOKING_RESCHEDULED", at, 0, moved)))


class SeatedMeeting:
    """A meeting with seats: each webhook is about one of them."""

    def __init__(self, week: Week, uid: str, days_ahead: int) -> None:
        self.week, self.uid, self.number = week, uid, next(week.numbers)
        self.uids = [uid]
        self.start = MONDAY + timedelta(days=days_ahead, hours=5)
        self._seat_numbers = itertools.count(1)

    def _send(self, trigger: str, email: str, *, reason: str | None = None, **changes: Any) -> None:
        seat = f"{email}-{next(self._seat_numbers)}"
        taken_by = replace(attendee(email), seat=seat)
        about = booking(self.uid, self.number, self.start, [taken_by], event_type=_CLASS, **changes)
        webhook = SimulatedWebhook(trigger, self.week.next_time(), 0, about, seat=seat, reason=reason)
        self.week.send(render(webhook))

    def take_seat(self, email: str) -> None:
        self._send("BOOKING_CREATED", email)

    def cancel_seat(self, email: str) -> None:
        self._send("BOOKING_CANCELLED", email, status="CANCELLED", reason="Off")

    def move_seat_from(self, other: "SeatedMeeting", email: str) -> None:
        previous = PreviousBooking(other.uid, other.number, other.start, other.start + _HALF_HOUR)
        self._send("BOOKING_RESCHEDULED", email, previous=previous)
