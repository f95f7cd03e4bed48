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
    """One attendee as a message addresses them; `email` is empty for who is known by phone only.

    `time_zone` is an IANA name, None when it was never said; `phone` is as they typed it.
    """

    email: str
    name: str | None = None
    time_zone: str | None = None
    phone: str | None = None


class Meeting(Struct, frozen=True, kw_only=True):
    """A booking as it stands at the moment of telling; all times are aware, in UTC.

    `uid` is Cal.com's, and its latest; whoever knows it can cancel the meeting. `guest` is whom the notice is for;
    `attended` is whether they came, and `seat_uid` theirs where a meeting has seats. `host_absent`: nobody of ours did.
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
    cancelled_by: str | None = None
    reschedule_reason: str | None = None
    attended: bool | None = None
    host_absent: bool = False
    evidence: str | None = None
    notes: str | None = None
    company_name: str | None = None
    company_domain: str | None = None
    deal_id: UUID | None = None
    answers: dict[str, Any] = {}

    def untelling(self, place: str | None) -> str | None:
        """The place, or None where it tells a uid, as the address of Cal.com's own video rooms does."""
        return None if any(uid and uid in (place or "") for uid in (self.uid, self.seat_uid)) else place


class Notice(Struct, frozen=True, kw_only=True):
    """One delivery that is due: `kind` as `deliveries.routing` names it, `details` what it says beside the meeting.

    `workspace` is a slug, `time_zone` its IANA name. `delivery_id` is the same at every attempt: providers take it as
    idempotency key. `meeting` is None where it is about none: a deal, a digest, a fault. `decided_at` is when the news
    of it came.
    """

    delivery_id: UUID
    workspace: str
    kind: str
    details: dict[str, Any]
    meeting: Meeting | None = None
    time_zone: str = "UTC"
    decided_at: datetime | None = None

    def of_meeting(self) -> Meeting:
        """The meeting, for a destination that tells of nothing else. Raises CannotRender."""
        if self.meeting is None:
            raise CannotRender(f"{self.kind} is about no meeting, and this destination tells of nothing else")
        return self.meeting


class Attempt(Struct, frozen=True, kw_only=True):
    """One attempt at a delivery. `content` is what was rendered for it, the same at each.

    `number` counts from 1: with a higher one, something of it may stand there already, and is looked for first.
    `record` is the id of the record there to which an earlier delivery about the same booking and person went.
    `question` is what an earlier attempt asked, with the answer if somebody gave one; `can_ask`: whether there is
    anybody to ask. `overtaken`: later news of the same booking and person was delivered already, so that what this one
    says of how the booking stands is over: it happened, and no more.
    """

    delivery_id: UUID
    content: Content
    number: int = 1
    record: str | None = None
    question: "Question | None" = None
    can_ask: bool = False
    overtaken: bool = False


class Candidate(Struct, frozen=True, kw_only=True):
    """A record that may be the one: its id there, what it is called, and where a person can look at it."""

    record: str
    name: str
    url: str | None = None
    because: str = ""


class Question(Struct, frozen=True, kw_only=True):
    """Which candidate is meant. `answered_by` says who decided, and `chosen` for which; None: for none of them."""

    candidates: tuple[Candidate, ...]
    until: datetime
    answered_by: str | None = None
    chosen: str | None = None


class Delivered(Struct, frozen=True, kw_only=True):
    """It was taken. `reference` is its id there, where the destination gives one.

    `record` is the id of the record there that it went to, for whatever follows about the same booking and person;
    `found` is what was learned there that a person wants to see beside it (plain JSON values).
    """

    provider: str
    reference: str | None = None
    record: str | None = None
    found: dict[str, Any] = {}


class TryAgain(Struct, frozen=True, kw_only=True):
    """It failed, and may well succeed later: not before `not_before`, where the destination said so.

    `fault`: "delivery", this one failed, and others may pass; "destination", nobody would have passed (it can't be
    reached, it is broken, it refuses our key); "limit", it takes no more for now, which counts against nobody;
    "gone", it wants to be told no more until somebody says otherwise.
    """

    because: str
    not_before: datetime | None = None
    fault: Literal["delivery", "destination", "limit", "gone"] = "delivery"


class Asks(Struct, frozen=True, kw_only=True):
    """A person has to say which record is meant: it waits for the answer, or for the end of its time."""

    because: str
    question: Question


class GaveUp(Struct, frozen=True, kw_only=True):
    """It will never succeed as it is: `because` is for whoever has to put it right."""

    because: str


Outcome: TypeAlias = Delivered | TryAgain | Asks | GaveUp


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

    async def send(self, attempt: Attempt) -> Outcome:
        """One attempt. What was sent under the same id before must not have an effect again, where it can help it."""


class CannotRender(Exception):
    """A template or a setting is wrong: the text says which, and what to do."""


class NothingToTell(CannotRender):
    """There is nothing in it for this destination, and nothing to put right: the text says why."""
