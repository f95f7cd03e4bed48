"""The rows of a fake Cal.com's database, and its clock. All times are aware, in UTC, to the millisecond."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

FIRST_DAY = datetime(2026, 11, 2, 7, tzinfo=UTC)


@dataclass(slots=True)
class Clock:
    """A clock. It stands still until a test moves it, and never goes back."""

    now: datetime = FIRST_DAY

    def __call__(self) -> datetime:
        return self.now

    def move_by(self, by: timedelta) -> None:
        assert by >= timedelta(), "time goes forward"
        self.now += by

    def move_to(self, at: datetime) -> None:
        self.now = max(self.now, at)

    async def pause(self, seconds: float) -> None:
        """Replaces `asyncio.sleep`: the clock moves, and no real time passes."""
        self.move_by(timedelta(seconds=seconds))


class ApiError(Exception):
    """An error response of Cal.com's API, with its HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class User:
    """A user with a calendar at Cal.com, who hosts meetings and owns event types."""

    id: int
    name: str
    email: str
    username: str
    time_zone: str = "Europe/Berlin"
    locale: str = "en"


@dataclass(frozen=True, slots=True)
class EventType:
    """`lasts_for` in minutes; `seats` is None where a booking has one booker; `repeats` means that it may recur."""

    id: int
    slug: str
    title: str
    owner: User
    lasts_for: int = 30
    confirmation: bool = False
    repeats: bool = False
    seats: int | None = None
    scheduling: str | None = None
    team_id: int | None = None
    location: str = "integrations:daily"


@dataclass(slots=True)
class Guest:
    """An attendee's row, of a booker or of a guest of theirs (`name` is empty then)."""

    name: str
    email: str
    time_zone: str = "Europe/Berlin"
    locale: str = "en"
    phone: str | None = None
    absent: bool = False
    seat_uid: str | None = None
    answers: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Booking:
    """A booking's row. `updated_at` is None until the first change; `status` as in webhooks (upper case).

    `rescheduled` marks an old booking that another replaced, or shall replace.
    """

    id: int
    uid: str
    ical_uid: str
    event_type: EventType
    host: User
    attendees: list[Guest]
    start_at: datetime
    end_at: datetime
    created_at: datetime
    status: str
    sequence: int = 0
    updated_at: datetime | None = None
    notes: str = ""
    answers: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    meeting_url: str = ""
    from_uid: str | None = None
    rescheduled: bool = False
    reschedule_reason: str | None = None
    rescheduled_by: str | None = None
    cancellation_reason: str | None = None
    cancelled_by: str | None = None
    rejection_reason: str | None = None
    recurring_uid: str | None = None
    occurrences: int | None = None
    absent_host: bool = False

    @property
    def title(self) -> str:
        booker = self.attendees[0].name if self.attendees else "nobody"
        return f"{self.event_type.title} between {self.host.name} and {booker}"

    @property
    def booker(self) -> Guest:
        return self.attendees[0]


@dataclass(frozen=True, slots=True)
class SentWebhook:
    """One webhook that Cal.com sends: its exact bytes, and the time when it is queued."""

    trigger: str
    uid: str | None
    at: datetime
    body: bytes


def to_the_millisecond(at: datetime) -> datetime:
    return at.replace(microsecond=at.microsecond // 1000 * 1000)
