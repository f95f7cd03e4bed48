"""The state of a fake Cal.com: its rows, its clock, its ids, its webhooks, and the meetings that become due."""

import heapq
import random
import threading
import uuid
from datetime import datetime, timedelta
from typing import Any

from showup.simulation.render import render_envelope
from tests.fake_calcom.bodies import meeting_body
from tests.fake_calcom.rows import FIRST_DAY, Booking, Clock, EventType, Guest, SentWebhook, User, to_the_millisecond

_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_UID_LENGTH = 22


class WorldState:
    """`sent_webhooks` is in order, `last_webhooks` are of the newest action; `bookings` is by uid, oldest first.

    Every action takes some milliseconds, and its webhook is queued a moment after the row was written. Threads that
    read while others act hold `lock`.
    """

    def __init__(self, *, seed: int = 0, now: datetime = FIRST_DAY, stamps_new: bool = False) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
        self.clock = Clock(now)
        self.lock = threading.RLock()
        self.users: dict[int, User] = {}
        self.event_types: dict[int, EventType] = {}
        self.bookings: dict[str, Booking] = {}
        self.sent_webhooks: list[SentWebhook] = []
        self.last_webhooks: list[SentWebhook] = []
        # Whether a new row has an `updatedAt` at once, as Prisma may write it, or none until its first change.
        self.stamps_new = stamps_new
        self.changes = 0
        self._next_id = 19_000_000
        # No webhooks while True: a large history needs no memory for webhooks that no test reads.
        self.is_mute = False
        self._due: list[tuple[datetime, int, str, str]] = []
        self._scheduled: set[tuple[str, str, datetime]] = set()
        self._successors: dict[str, str] = {}

    # ------------------------------------------------------------ people and event types

    def add_user(self, name: str, email: str, **fields: Any) -> User:
        username = email.partition("@")[0].replace(".", "-")
        user = User(self._id(), name, email, fields.pop("username", username), **fields)
        self.users[user.id] = user
        return user

    def add_event_type(self, slug: str, *, owner: User, title: str = "", **fields: Any) -> EventType:
        title = title or slug.replace("-", " ").capitalize()
        event_type = EventType(self._id(), slug, title, owner, **fields)
        self.event_types[event_type.id] = event_type
        return event_type

    def successor_of(self, uid: str) -> Booking | None:
        """Returns the booking that replaced this one."""
        return self.bookings.get(self._successors.get(uid, ""))

    # ------------------------------------------------------------ time

    def move_by(self, by: timedelta) -> None:
        self.move_to(self.clock() + by)

    def move_to(self, at: datetime) -> None:
        """Moves the clock; meetings that start or end meanwhile send their webhooks."""
        with self.lock:
            self.last_webhooks = []
            self._meetings_until(at)
            self.clock.move_to(at)

    def _meetings_until(self, at: datetime) -> None:
        while self._due and self._due[0][0] <= at:
            moment, _, trigger, uid = heapq.heappop(self._due)
            booking = self.bookings[uid]
            is_current = moment == (booking.start_at if trigger == "MEETING_STARTED" else booking.end_at)
            if booking.status == "ACCEPTED" and is_current:
                self.clock.move_to(moment)
                self._record_webhook(SentWebhook(trigger, uid, moment, meeting_body(trigger, booking)))

    def _schedule(self, booking: Booking) -> None:
        """Schedules the meeting's start and end, unless something else happens to it first."""
        for trigger, moment in (("MEETING_STARTED", booking.start_at), ("MEETING_ENDED", booking.end_at)):
            key = (booking.uid, trigger, moment)
            if moment > self.clock() and key not in self._scheduled and not self.is_mute:
                self._scheduled.add(key)
                heapq.heappush(self._due, (moment, booking.id, trigger, booking.uid))

    # ------------------------------------------------------------ actions and webhooks

    def _begin_action(self) -> datetime:
        """Begins an action; returns the time at which its rows are written."""
        self._meetings_until(self.clock())
        self.last_webhooks = []
        self.clock.move_by(timedelta(milliseconds=self.chance.randint(5, 900)))
        self.clock.now = to_the_millisecond(self.clock.now)
        return self.clock()

    def _touch(self, booking: Booking, at: datetime) -> None:
        booking.updated_at = at
        self.changes += 1

    def _send_webhook(self, trigger: str, booking: Booking, payload: dict[str, Any]) -> None:
        if self.is_mute:
            return
        self.clock.move_by(timedelta(milliseconds=self.chance.randint(15, 600)))
        at = self.clock()
        self._record_webhook(SentWebhook(trigger, booking.uid, at, render_envelope(trigger, at, payload)))

    def _record_webhook(self, webhook: SentWebhook) -> None:
        self.sent_webhooks.append(webhook)
        self.last_webhooks.append(webhook)

    # ------------------------------------------------------------ rows

    def _new_row(
        self, event_type: EventType, host: User, attendees: list[Guest], start_at: datetime, at: datetime, **fields: Any
    ) -> Booking:
        uid = self._uid()
        booking = Booking(
            id=self._id(),
            uid=uid,
            ical_uid=fields.pop("ical_uid", f"{uid}@Cal.com"),
            event_type=event_type,
            host=host,
            attendees=attendees,
            start_at=start_at,
            end_at=start_at + timedelta(minutes=event_type.lasts_for),
            created_at=at,
            status=fields.pop("status", "PENDING" if event_type.confirmation else "ACCEPTED"),
            updated_at=at if self.stamps_new else None,
            meeting_url=f"https://app.cal.com/video/{uid}",
            **fields,
        )
        self.bookings[uid] = booking
        self.changes += 1
        if booking.from_uid is not None:
            self._successors[booking.from_uid] = uid
        if booking.status == "ACCEPTED":
            self._schedule(booking)
        return booking

    def _id(self) -> int:
        self._next_id += self.chance.randint(1, 40)
        return self._next_id

    def _uid(self) -> str:
        return "".join(self.chance.choices(_LETTERS, k=_UID_LENGTH))

    def _uuid(self) -> str:
        return str(uuid.UUID(int=self.chance.getrandbits(128), version=4))
