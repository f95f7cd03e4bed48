"""A planned delivery: which notification to send, to whom, from when and until when. A pure value."""

from datetime import datetime
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

from msgspec import Struct

PlannedState: TypeAlias = Literal["scheduled", "withdrawn", "skipped"]

CONFIRMATION, REMINDER, NO_SHOW = "confirmation", "reminder", "no_show"
RESCHEDULED, CANCELLED, RESCHEDULE_REQUEST = "rescheduled", "cancelled", "reschedule_request"
NEW_PLACE, NEW_HOST, CALENDAR_CLEANUP = "new_place", "new_host", "calendar_cleanup"
# The one confirmation of all dates of a series.
SERIES = "series"
"""The kinds of mail to attendees; the kinds for subscribers are in `events.kinds`."""

OUTCOME: Final = "outcome"
"""The question to the host after a meeting: how did it go? Its recipient is the host."""

WITH_SERIES: Final = "with_series"
"""The detail of a cancellation that may also be about other dates of its series (F14)."""

ASKING_SECONDS: Final = (6 * 3600, 48 * 3600 - 1)
"""The reminder that asks for a yes: its seconds before the meeting, from and to. Earlier ones prepare the meeting, and
later ones have the link to join (TE14)."""


class PlannedDelivery(Struct, frozen=True, kw_only=True):
    """A notification that a change calls for, or called for until a later event withdrew it.

    `key` is its idempotency key: two plans with the same key are one delivery, sent once. `recipient` is the attendee's
    email, empty if they have no address. It is not sent before `due_at` or after `expires_at`.
    `booking_version` is the version of the booking that it is about. `is_announcement`: it is for subscribers, such as
    a CRM or the team, and not for the attendee. `is_internal`: no external attendee exists, for example if a team
    member books with themselves. `is_mailed`: mails of this kind are not switched off.
    """

    kind: str
    key: str
    recipient: str
    event_id: UUID
    booking_version: int
    decided_at: datetime
    due_at: datetime
    expires_at: datetime
    details: dict[str, Any] = {}
    is_announcement: bool = False
    is_internal: bool = False
    is_mailed: bool = True
    state: PlannedState = "scheduled"
    because: str | None = None
