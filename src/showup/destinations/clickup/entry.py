"""What one piece of news is in ClickUp: the content of its deliveries, stored as JSON."""

from typing import Final

from msgspec import Struct

CREATED: Final = "booking.created"
RESCHEDULED: Final = "booking.rescheduled"
CANCELLED: Final = "booking.cancelled"
NO_SHOW: Final = "booking.no_show"
SHOWED: Final = "booking.showed"
LISTENS_TO: Final = frozenset({CREATED, RESCHEDULED, CANCELLED, NO_SHOW, SHOWED})


class Entry(Struct, frozen=True, kw_only=True):
    """`name` is what a new lead is called; `email` is empty for who is known by phone only.

    `block` (Markdown) belongs into the description, `comment` (plain text) below the task. `booking` and `delivery` are
    the marks by which they are known again. `moves_block`: whether this news changes the block of a task that has one.
    """

    kind: str
    name: str
    email: str
    booking: str
    delivery: str
    block: str
    comment: str
    moves_block: bool
