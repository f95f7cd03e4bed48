"""A deal as it stands, and what a booking can mean for the deals of its company."""

from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID

from msgspec import Struct

Status: TypeAlias = Literal["active", "won", "lost", "cancelled"]

FIRST_STAGE = "booked"
MET_STAGE = "met"


class Deal(Struct, frozen=True, kw_only=True):
    """A sales opportunity of one company; `position` counts the company's deals from 0, in the order of opening."""

    id: UUID
    status: Status
    stage: str
    owner_email: str | None
    opened_by: UUID
    cancelled_by: UUID | None
    position: int
    opened_at: datetime
    stage_entered_at: datetime
    closed_at: datetime | None
    updated_at: datetime


TurnKind: TypeAlias = Literal["booked", "cancelled", "suspended", "moved", "showed", "unshowed", "reassigned"]


class Turn(Struct, frozen=True, kw_only=True):
    """What one booking's news means for its company's deals.

    `booked`: a meeting stands, for the first time or again · `cancelled`: it was called off · `suspended`: none
    stands for now, and nobody called it off · `moved`: it stands at another time · `showed`: the booker came ·
    `unshowed`: they did not, after all · `reassigned`: `organizer_email` hosts it now.
    """

    booking_id: UUID
    event_id: UUID
    kind: TurnKind
    at: datetime
    order_key: str
    start_time: datetime | None = None
    organizer_email: str | None = None
