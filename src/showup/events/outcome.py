"""The outcome of an event: what its processing changed, or why it changed nothing."""

from typing import Literal, TypeAlias
from uuid import UUID

from msgspec import Struct

OutcomeState: TypeAlias = Literal["applied", "waiting", "refused"]


class EventOutcome(Struct, frozen=True, kw_only=True):
    """The outcome of one event; `because` says why it changed nothing, if so.

    `applied`: it is part of its stream's history, and counts in every replay, even if it changed nothing so far.
    `waiting`: its subject is not known yet. `refused`: no later event can make it valid.
    """

    event_id: UUID
    booking_id: UUID | None = None
    state: OutcomeState = "applied"
    because: str | None = None
