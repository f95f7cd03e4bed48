"""The content of a ClickUp delivery: what one event writes, stored as JSON."""

from typing import Final

from msgspec import Struct

CREATED: Final = "booking.created"
RESCHEDULED: Final = "booking.rescheduled"
CANCELLED: Final = "booking.cancelled"
NO_SHOW: Final = "booking.no_show"
SHOWED: Final = "booking.showed"
SUBSCRIBED_EVENTS: Final = frozenset({CREATED, RESCHEDULED, CANCELLED, NO_SHOW, SHOWED})


class TaskEntry(Struct, frozen=True, kw_only=True):
    """The values that one event writes to ClickUp.

    `name` is the name of a new lead; `email` is empty for an attendee known by phone only. `block` (Markdown) goes into
    the description, `comment` (plain text) below the task. `booking` and `delivery` are the marks by which both are
    recognised. `moves_block`: whether this event changes the block of a task that has one.
    """

    kind: str
    name: str
    email: str
    booking: str
    delivery: str
    block: str
    comment: str
    moves_block: bool
