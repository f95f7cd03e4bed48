"""What every destination fulfils: it renders a notice once, and sends what was rendered until there is an outcome.

An outcome is a value. An exception from `send` is a bug of the destination, and is settled as a passing failure of the
delivery alone.
"""

from datetime import datetime, timedelta
from typing import Any, Literal, Protocol, TypeAlias
from uuid import UUID

from msgspec import Struct

Content: TypeAlias = dict[str, Any]
"""What is sent, in the shape of its destination; it is stored as JSON, and a second attempt sends the same."""


class Guest(Struct, frozen=True, kw_only=True):
    """One attendee as a message addresses them. `time_zone` is an IANA name, None when it was never said."""

    email: str
    name: str | None = None
    time_zone: str | None = None


class Meeting(Struct, frozen=True, kw_only=True):
    """A booking as it stands at the moment of telling; all times are aware, in UTC.

    `uid` is Cal.com's, and its latest; whoever knows it can cancel the meeting. `guest` is whom the notice is for;
    `attended` is whether they came, and `seat_uid` theirs where a meeting has seats.
    """

    booking_id: UUID
    version: int
    status: str
    title: str
    start_time: datetime
    end_time: datetime | None
    guest: Guest
    uid: str | None = None
    seat_uid: str | None = None
    event_type: str | None = None
    event_type_title: str | None = None
    organizer_email: str | None = None
    organizer_name: str | None = None
    organizer_time_zone: str | None = None
    location: str | None = None
    meeting_url: str | None = None
    booker_url: str | None = None
    ical_uid: str | None = None
    ical_sequence: int | None = None
    cancellation_reason: str | None = None
    attended: bool | None = None


class Notice(Struct, frozen=True, kw_only=True):
    """One delivery that is due: `kind` as `deliveries.routing` names it, `details` what it says beside the meeting.

    `workspace` is a slug. `delivery_id` is the same at every attempt: providers take it as idempotency key.
    """

    delivery_id: UUID
    workspace: str
    kind: str
    meeting: Meeting
    details: dict[str, Any]


class Delivered(Struct, frozen=True, kw_only=True):
    """It was taken. `reference` is its id there, where the destination gives one."""

    provider: str
    reference: str | None = None


class TryAgain(Struct, frozen=True, kw_only=True):
    """It failed, and may well succeed later: not before `not_before`, where the destination said so.

    `fault`: "delivery", this one failed, and others may pass; "destination", nobody would have passed (it can't be
    reached, it is broken, it refuses our key); "limit", it takes no more for now, which counts against nobody.
    """

    because: str
    not_before: datetime | None = None
    fault: Literal["delivery", "destination", "limit"] = "delivery"


class GaveUp(Struct, frozen=True, kw_only=True):
    """It will never succeed as it is: `because` is for whoever has to put it right."""

    because: str


Outcome: TypeAlias = Delivered | TryAgain | GaveUp


class Pace(Struct, frozen=True, kw_only=True):
    """How a destination wants to be told, across all processes of one workspace.

    `retry_after`: the pauses before the second attempt, the third …; with n pauses there are n + 1 attempts.
    `timeout` ends an attempt that hangs.
    """

    rate_per_second: float
    at_once: int
    timeout: timedelta
    retry_after: tuple[timedelta, ...]


class Destination(Protocol):
    """One system of one workspace, with its credentials."""

    @property
    def pace(self) -> Pace:
        """How it wants to be told."""

    def render(self, notice: Notice) -> Content:
        """The notice in its words: pure. Raises CannotRender."""

    async def send(self, delivery_id: UUID, content: Content) -> Outcome:
        """One attempt. What was sent under the same id before must not have an effect again, where it can help it."""


class CannotRender(Exception):
    """A template or a setting is wrong: the text says which, and what to do."""
