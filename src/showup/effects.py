"""All effects of an event: which notification to send, to whom, and when.

An effect's `key` names its meaning, not how often it was decided: two decisions with the same key are one effect.
"""

from datetime import datetime, timedelta
from typing import TypeAlias

from msgspec import Struct

from showup.events.kinds import AnnouncementKind


class BookingEffect(Struct, frozen=True, kw_only=True):
    """The base of all effects: meaning, recipient's email, and time window.

    After `expires_at` the notification is no longer sent, whatever delayed it.
    """

    key: str
    recipient: str
    due_at: datetime
    expires_at: datetime


class Confirm(BookingEffect, frozen=True, kw_only=True):
    """Notify the attendee that the meeting is confirmed."""


class NotifyRescheduled(BookingEffect, frozen=True, kw_only=True):
    """Notify the attendee of the new time and the one it replaces."""

    old_start_time: datetime | None = None


class NotifyCancelled(BookingEffect, frozen=True, kw_only=True):
    """Notify the attendee that the meeting is cancelled."""


class NotifyNewPlace(BookingEffect, frozen=True, kw_only=True):
    """Notify the attendee of the new meeting place."""


class Remind(BookingEffect, frozen=True, kw_only=True):
    """Remind the attendee some time before the meeting (`before`)."""

    before: timedelta


class FollowUp(BookingEffect, frozen=True, kw_only=True):
    """Offer another time to an attendee who missed the meeting.

    `at_most_every`: a person gets at most one follow-up in this span, however many meetings they missed. `rebook_url`:
    where to find another time; None: where the meeting itself was booked.
    """

    at_most_every: timedelta
    rebook_url: str | None = None


class SkipReminders(BookingEffect, frozen=True, kw_only=True):
    """Records that no reminder is sent, with the reason in `because`, so that a person can find it."""

    because: str


class NotifySubscribers(BookingEffect, frozen=True, kw_only=True):
    """Notify subscribers other than attendees (a CRM, the team, another program) of a booking change.

    `recipient` is the attendee it is about, empty if they have no address. `is_internal`: no external attendee exists,
    for example if a team member books with themselves.
    """

    kind: AnnouncementKind
    is_internal: bool = False
    old_start_time: datetime | None = None


Effect: TypeAlias = Confirm | NotifyRescheduled | NotifyCancelled | NotifyNewPlace | Remind | SkipReminders | FollowUp
