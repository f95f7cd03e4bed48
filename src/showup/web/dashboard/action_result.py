"""What an action did, as the page says it after the action."""

from collections.abc import Mapping
from uuid import UUID

from msgspec import Struct


class Undo(Struct, frozen=True, kw_only=True):
    """A button that takes an action back or corrects it: it posts `fields` to `path`, relative to the home page."""

    label: str = "Undo"
    path: str
    fields: Mapping[str, str]


class ActionResult(Struct, frozen=True, kw_only=True):
    """What an action did; a fault stands where it happened, anything else in a toast."""

    text: str
    is_fault: bool = False
    booking_id: UUID | None = None
    undo: Undo | None = None
