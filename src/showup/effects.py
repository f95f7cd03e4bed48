"""Everything that can be done about an event, in plain verbs: what should be told, to whom, and when.

An effect's `key` says what it means, not how often it was decided: two decisions with the same key are one effect.
"""

from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from msgspec import Struct


class BookingEffect(Struct, frozen=True, kw_only=True):
    """What all effects have in common: their meaning, their recipient's email, and when they are worth telling.

    From `expires_at` on nobody wants to hear of it any more, however it came to be late.
    """

    key: str
    recipient: str
    due_at: datetime
    expires_at: datetime


class Confirm(BookingEffect, frozen=True, kw_only=True):
    """Tell the attendee that the meeting stands."""


class TellRescheduled(BookingEffect, frozen=True, kw_only=True):
    """Tell the attendee the new time, and the one it replaces."""

    old_start_time: datetime | None = None


class TellCancelled(BookingEffect, frozen=True, kw_only=True):
    """Tell the attendee that the meeting is off."""


class TellNewPlace(BookingEffect, frozen=True, kw_only=True):
    """Tell the attendee where the meeting takes place now."""


class Remind(BookingEffect, frozen=True, kw_only=True):
    """Remind the attendee some time before the meeting (`before`)."""

    before: timedelta


class FollowUp(BookingEffect, frozen=True, kw_only=True):
    """Offer another time to an attendee who missed the meeting.

    `at_most_every`: nobody is written to like this twice within that span, whatever they missed. `rebook_url`: where
    another time is found; None: wherever the meeting itself was booked.
    """

    at_most_every: timedelta
    rebook_url: str | None = None


class SkipReminders(BookingEffect, frozen=True, kw_only=True):
    """No reminder is sent, and `because` says why: a row that a person can find."""

    because: str


Announcement: TypeAlias = Literal[
    "booking.created",
    "booking.requested",
    "booking.rejected",
    "booking.rescheduled",
    "booking.cancelled",
    "booking.reassigned",
    "booking.location_changed",
    "booking.showed",
    "booking.no_show",
    "booking.host_absent",
]

DealAnnouncement: TypeAlias = Literal[
    "deal.created",
    "deal.stage_changed",
    "deal.won",
    "deal.lost",
    "deal.cancelled",
    "deal.reopened",
    "deal.reassigned",
    "deal.changed",
]
"""What became of a deal; `deal.changed`: its amount or currency."""


class Announce(BookingEffect, frozen=True, kw_only=True):
    """Tell whoever listens beside the attendees (a CRM, the team, another program) what became of a booking.

    `recipient` is whom it is about, empty where they have no address. `nobody`: nobody from outside attends, as when
    somebody of the team books with themselves.
    """

    kind: Announcement
    nobody: bool = False
    old_start_time: datetime | None = None


Effect: TypeAlias = Confirm | TellRescheduled | TellCancelled | TellNewPlace | Remind | SkipReminders | FollowUp
