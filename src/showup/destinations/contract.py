"""The contract of every destination: it renders a notification once, and sends the result until there is an outcome.

An outcome is a value. An exception from `send` is a bug of the destination; it is recorded as a temporary failure of
this delivery alone.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final, Literal, Protocol, TypeAlias
from uuid import UUID

from msgspec import Struct
from msgspec.structs import asdict, replace

from showup.bookings.booking import LocationKind
from showup.bookings.uids import redact
from showup.values.email_address import display_email

CalendarMethod: TypeAlias = Literal["REQUEST", "CANCEL"]
Content: TypeAlias = dict[str, Any]
"""The rendered content, in the destination's own format; it is stored as JSON, and each attempt sends the same."""


class Guest(Struct, frozen=True, kw_only=True):
    """One attendee, as a message addresses them; `email` is empty for an attendee known by phone only.

    `time_zone` is an IANA name, or None when unknown; `phone` is as the attendee typed it. `locale` is the language
    that they booked with, such as `pt-BR`. `has_left`: they no longer take part in the meeting. `confirmed_at`: when
    they said that they will come. `is_invited`: somebody else booked, whose name is `invited_by` where it is known.
    """

    email: str
    name: str | None = None
    time_zone: str | None = None
    phone: str | None = None
    first_name: str | None = None
    locale: str | None = None
    has_left: bool = False
    confirmed_at: datetime | None = None
    is_invited: bool = False
    invited_by: str | None = None


# What people wrote and where they meet: each may hold a link with a uid.
_TEXTS = (
    *("title", "location", "meeting_url", "cancellation_reason", "reschedule_reason", "notes", "answers"),
    *("ical_uid", "company_name"),
)


_ATTENDEE_TEXTS = ("organizer_name", "location", "cancellation_reason", "reschedule_reason", "notes")


class SeriesDate(Struct, frozen=True, kw_only=True):
    """One date of a series: a booking of its own, with its own place; `seat_uid` is the guest's seat."""

    booking_id: UUID
    status: str
    start_time: datetime
    end_time: datetime | None = None
    uid: str | None = None
    seat_uid: str | None = None
    location: str | None = None
    location_kind: LocationKind | None = None
    meeting_url: str | None = None
    ical_uid: str | None = None
    ical_sequence: int | None = None


class Meeting(Struct, frozen=True, kw_only=True):
    """A booking's state when the notification is rendered; all times are aware, in UTC.

    `uid` is Cal.com's latest; anyone who knows it can cancel the meeting. `guest` is the attendee that the notification
    is about; `attended` is whether they came, and `seat_uid` their seat where a meeting has seats. `other_uids` are
    former ones, and other attendees' seats. `series` are all dates of its series, by time. `host_absent`: no host came.

    `location_kind` says where the meeting is, and for a phone call, who calls whom. `calcom_url` is the address of the
    Cal.com instance that the booking came from. Messages that attendees see use `contact_email` and `redact_organizer`,
    never `organizer_email` itself.
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
    organizer_username: str | None = None
    team_id: int | None = None
    location: str | None = None
    location_kind: LocationKind | None = None
    meeting_url: str | None = None
    booker_url: str | None = None
    calcom_url: str | None = None
    organizer_email_hidden: bool = False
    reply_to: str | None = None
    rescheduling_disabled: bool = False
    cancelling_disabled: bool = False
    platform_reschedule_url: str | None = None
    platform_cancel_url: str | None = None
    platform_booking_url: str | None = None
    calendar_invites: bool = False
    series_uid: str | None = None
    series: tuple[SeriesDate, ...] = ()
    reschedule_requested: bool = False
    ical_uid: str | None = None
    ical_sequence: int | None = None
    cancellation_reason: str | None = None
    cancelled_by: str | None = None
    reschedule_reason: str | None = None
    rescheduled_by: str | None = None
    attended: bool | None = None
    host_absent: bool = False
    evidence: str | None = None
    notes: str | None = None
    company_name: str | None = None
    company_domain: str | None = None
    deal_id: UUID | None = None
    answers: dict[str, Any] = {}
    other_uids: tuple[str, ...] = ()

    @property
    def shown_organizer_email(self) -> str | None:
        """Returns the organizer's address for a reader outside the team; None where the event type hides it."""
        return None if self.organizer_email_hidden else self.organizer_email

    @property
    def contact_email(self) -> str | None:
        """Returns where an attendee's replies go: the event type's own address, else the organizer's if it is shown."""
        return self.reply_to or self.shown_organizer_email

    @property
    def organizer_label(self) -> str | None:
        """Returns the organizer's name, else their address if it is shown."""
        return self.redact_organizer(self.organizer_name) or display_email(self.shown_organizer_email or "") or None

    def redact_organizer(self, text: str | None) -> str | None:
        """Returns the text without the organizer's address where the event type hides it; None if nothing is left."""
        if not text or not self.organizer_email_hidden or not self.organizer_email:
            return text
        return re.sub(re.escape(self.organizer_email), "", text, flags=re.IGNORECASE).strip() or None

    def hide_organizer(self) -> "Meeting":
        """Returns the meeting for its attendees: no text has the organizer's address if the event type hides it."""
        if not self.organizer_email_hidden:
            return self
        texts = {name: self.redact_organizer(getattr(self, name)) for name in _ATTENDEE_TEXTS}
        series = tuple(replace(one, location=self.redact_organizer(one.location)) for one in self.series)
        return replace(self, title=self.redact_organizer(self.title) or "", series=series, **texts)

    @property
    def cancelled_dates(self) -> tuple["Meeting", ...]:
        """Returns the meeting at each cancelled date of its series; none unless there are several."""
        listed = [one for one in self.series if one.status == "CANCELLED"]
        return tuple(replace(self, **asdict(one)) for one in listed) if len(listed) > 1 else ()

    @property
    def all_uids(self) -> tuple[str | None, ...]:
        """Returns every uid that can cancel or move the meeting: a former one leads to the current one at Cal.com."""
        return (self.uid, self.seat_uid, *self.other_uids)

    def redact_uids(self) -> "Meeting":
        """Returns the meeting without uids and links that contain them, for everyone but the attendee.

        Every destination that writes to others applies it: CRMs, Slack, webhooks.
        """
        texts = {name: getattr(self, name) for name in _TEXTS}
        return replace(self, uid=None, seat_uid=None, other_uids=(), **redact(texts, self.all_uids))


class CalendarEntry(Struct, frozen=True, kw_only=True):
    """The last calendar file that one recipient was sent for one iCalendar uid.

    `sequence` and `organizer` are those of the file, `start_time` is when the meeting was to begin.
    """

    booking_id: UUID
    uid: str
    recipient: str
    method: CalendarMethod
    sequence: int
    organizer: str
    start_time: datetime

    @property
    def digest(self) -> str:
        """Returns a short name of the uid, which is secret: it contains the booking's uid."""
        return uid_digest(self.uid)


def uid_digest(uid: str) -> str:
    """Returns a short name of a uid, from which the uid can't be found."""
    return sha256(uid.encode()).hexdigest()[:16]


class PlannedReminder(Struct, frozen=True, kw_only=True):
    """A reminder of the meeting that is planned for the guest: `id` is that of its delivery.

    It is due `before_seconds` before the meeting, and too late from `expires_at` on.
    """

    id: UUID
    before_seconds: int
    due_at: datetime
    expires_at: datetime


class Notification(Struct, frozen=True, kw_only=True):
    """One delivery that is due: `kind` as `deliveries.routing` names it, `details` its data besides the meeting.

    `workspace` is a slug, `time_zone` its IANA name. `delivery_id` is the same at every attempt: providers take it as
    idempotency key. `meeting` is None where the notification is about no meeting: a deal, a digest, a fault.
    `decided_at` is when its event was received. `sent_entries` are the calendar entries that were sent for this booking
    or under its uid. `reminders` are those of the meeting as it is now, by time, for a destination that plans them
    itself; they stand there whether or not they are mailed.
    """

    delivery_id: UUID
    workspace: str
    kind: str
    details: dict[str, Any]
    meeting: Meeting | None = None
    time_zone: str = "UTC"
    decided_at: datetime | None = None
    sent_entries: tuple[CalendarEntry, ...] = ()
    reminders: tuple[PlannedReminder, ...] = ()

    def redact_uids(self) -> "Notification":
        """Returns the notification without uids and links that contain them: see `Meeting.redact_uids`."""
        if self.meeting is None:
            return self
        return replace(self, meeting=self.meeting.redact_uids(), details=redact(self.details, self.meeting.all_uids))

    def require_meeting(self) -> Meeting:
        """Returns the meeting, for a destination that handles only meetings. Raises CannotRender."""
        if self.meeting is None:
            raise CannotRender(f"{self.kind} has no meeting, and this destination receives only meetings")
        return self.meeting


class Attempt(Struct, frozen=True, kw_only=True):
    """One attempt at a delivery. `content` is what was rendered for it, the same at each attempt.

    `number` counts from 1: above 1, the destination may have part of it already, so the attempt looks for that first.
    `record` is the destination's id of the record that an earlier delivery about the same booking and person updated.
    `question` is what an earlier attempt asked, with the answer if there is one; `can_ask`: whether a person can be
    asked. `superseded`: a later event of the same booking and person was delivered already, so this one is history and
    must not change the booking's current state.

    `meeting_ahead` is another accepted meeting of the same person or record: the next one that is not over, or else one
    that began later than this delivery's meeting. `last_set` holds, by record, the values that deliveries set there
    last (`Delivered.found`): what differs from them was changed by a person or another program.
    """

    delivery_id: UUID
    content: Content
    number: int = 1
    record: str | None = None
    question: "Question | None" = None
    can_ask: bool = False
    superseded: bool = False
    meeting_ahead: Meeting | None = None
    last_set: Mapping[str, Mapping[str, str]] = {}

    def last_value(self, record: str, name: str) -> str | None:
        """Returns the value of this name that an earlier delivery set in the record, or None."""
        return self.last_set.get(record, {}).get(name)


class Candidate(Struct, frozen=True, kw_only=True):
    """A record that may match: its id at the destination, its name, and a link for a person."""

    record: str
    name: str
    url: str | None = None
    because: str = ""


class Question(Struct, frozen=True, kw_only=True):
    """Which candidate matches. `answered_by` is who decided, `chosen` the record's id; None: none of them."""

    candidates: tuple[Candidate, ...]
    until: datetime
    answered_by: str | None = None
    chosen: str | None = None


MAIL_PREVIEW: Final = "mail_preview"
"""The provider of mails that are only stored to be looked at: they have reached nobody (TE3)."""


class Delivered(Struct, frozen=True, kw_only=True):
    """The delivery succeeded. `reference` is its id at the destination, if the destination gives one.

    `record` is the id of the updated record, for later deliveries about the same booking and person; `found` is data
    from the destination that a person wants to see next to it (plain JSON values). Its `set` holds the values that the
    record has through this delivery, for the decisions of later ones: `status`, and `call_date` as `YYYY-MM-DD`.
    """

    provider: str
    reference: str | None = None
    record: str | None = None
    found: dict[str, Any] = {}


class TryAgain(Struct, frozen=True, kw_only=True):
    """The attempt failed and may succeed later: not before `not_before`, if the destination gave a time.

    `fault`: "delivery": this delivery failed, and others may succeed; "destination": every delivery would fail (it is
    unreachable, broken, or refuses the key); "limit": a rate limit, which counts as no failure; "gone": it wants no
    more deliveries until a person resumes it. `record` and `found` are those of `Delivered`, where a part was written.
    """

    because: str
    not_before: datetime | None = None
    fault: Literal["delivery", "destination", "limit", "gone"] = "delivery"
    record: str | None = None
    found: dict[str, Any] = {}


class NeedsAnswer(Struct, frozen=True, kw_only=True):
    """A person must choose the record: the delivery waits for the answer, or until it expires."""

    because: str
    question: Question


class BlockedNumber(Struct, frozen=True, kw_only=True):
    """A phone number, in E.164 form, that no text message can reach: later ones are not tried (M10).

    `reason`: its owner opted out, or it can't receive any. `because` is a sentence without the number.
    """

    number: str
    reason: Literal["unsubscribed", "unreachable"]
    because: str


class GaveUp(Struct, frozen=True, kw_only=True):
    """The delivery can never succeed as it is: `because` is for the person who has to fix it.

    `record` and `found` are those of `Delivered`, where a part was written. `blocked` is set where the recipient's
    number is the reason.
    """

    because: str
    blocked: BlockedNumber | None = None
    record: str | None = None
    found: dict[str, Any] = {}


Outcome: TypeAlias = Delivered | TryAgain | NeedsAnswer | GaveUp


class Pace(Struct, frozen=True, kw_only=True):
    """A destination's rate limit and retry schedule, across all processes of one workspace.

    `retry_after` is when a failed delivery is retried (its retry schedule, or backoff): the delays before the second
    attempt, the third …; n delays allow n + 1 attempts. `timeout` ends an attempt that hangs.
    """

    rate_per_second: float
    at_once: int
    timeout: timedelta
    retry_after: tuple[timedelta, ...]


class Destination(Protocol):
    """One external system of one workspace, with its credentials."""

    @property
    def pace(self) -> Pace:
        """Returns the delivery limits."""

    def render(self, notification: Notification) -> Content:
        """Renders the notification. Pure. Raises CannotRender."""

    async def send(self, attempt: Attempt) -> Outcome:
        """Makes one attempt. Where possible, sending the same id again has no second effect."""


class CannotRender(Exception):
    """A template or a setting is wrong: the text says which, and what to do."""


class NothingToSend(CannotRender):
    """The notification has nothing for this destination, and nothing needs fixing: the text says why."""
