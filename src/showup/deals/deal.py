"""A deal's current state, the changes people may make, and the deal events that a booking causes."""

from datetime import datetime
from decimal import Decimal
from typing import Literal, TypeAlias
from uuid import UUID, uuid5

from msgspec import Struct
from msgspec.structs import replace

Status: TypeAlias = Literal["active", "won", "lost", "cancelled"]

FIRST_STAGE = "booked"
MET_STAGE = "met"


class Deal(Struct, frozen=True, kw_only=True):
    """A sales opportunity of one company; `position` counts the company's deals from 0, in the order of opening.

    `opened_by` is the booking that opened it, or the event by which a person opened it manually.
    """

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
    amount: Decimal | None = None
    currency: str | None = None
    lost_reason: str | None = None


class DealChange(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A change that a person requests; None leaves a field unchanged. `amount` is in units of `currency` (ISO 4217)."""

    stage: str | None = None
    status: Status | None = None
    amount: Decimal | None = None
    currency: str | None = None
    owner_email: str | None = None
    lost_reason: str | None = None


DealEventKind: TypeAlias = Literal[
    "booked", "cancelled", "suspended", "moved", "showed", "unshowed", "reassigned", "opened", "changed", "attached"
]


class DealEvent(Struct, frozen=True, kw_only=True):
    """One change in the history of a company's deals, caused by an event of a booking or by a person.

    `stream_id` is the booking, or the deal that a person opened. `actor` is the person; None if a source reported the
    event. `series_uid`: the series of which the meeting is one date. The kinds that a booking causes:

    - `booked`: a meeting is scheduled, for the first time or again
    - `cancelled`: the meeting was cancelled
    - `suspended`: no meeting is scheduled at present, and none was cancelled
    - `moved`: the meeting has another time
    - `showed`: the booker came
    - `unshowed`: the booker did not come, contrary to an earlier `showed`
    - `reassigned`: the meeting has another host, `organizer_email`

    The kinds that a person causes:

    - `opened`: a deal without a booking was opened; `change` has its values
    - `changed`: `change` has new values of this stream's deal
    - `attached`: the booking belongs to another deal, the one that `deal_name` names
    """

    stream_id: UUID
    event_id: UUID
    kind: DealEventKind
    at: datetime
    order_key: str
    start_time: datetime | None = None
    organizer_email: str | None = None
    series_uid: str | None = None
    change: DealChange | None = None
    deal_name: str | None = None
    actor: str | None = None


def deal_id(opened_by: UUID) -> UUID:
    """Return the id of the deal that this booking, or this event, opened."""
    return uuid5(opened_by, "deal")


def invalid_change(deal: Deal, change: DealChange) -> str | None:
    """Return why the change is refused: it lacks something, whatever happened to the deal meanwhile; None if not."""
    status = change.status or deal.status
    if status == "lost" and not (change.lost_reason or deal.lost_reason):
        return "a lost deal needs a lost_reason"
    if change.lost_reason is not None and status != "lost":
        return "only a lost deal can have a lost_reason"
    if change.amount is not None and (change.currency or deal.currency) is None:
        return "an amount needs a currency"
    return None


def conflicting_change(
    deal: Deal, change: DealChange, stages: tuple[str, ...], *, another_is_active: bool
) -> str | None:
    """Return why the change is refused: the deal's state, its company's other deals or the stages; None if it fits."""
    status = change.status or deal.status
    if change.stage is not None and change.stage not in stages:
        return f"{change.stage!r} is not a stage of this pipeline; use one of: {', '.join(stages)}"
    if change.stage is not None and change.stage != deal.stage and "active" not in (deal.status, status):
        return f"the deal is {deal.status}: only an active deal can change its stage"
    if status != deal.status and "active" not in (deal.status, status):
        return f"the deal is {deal.status}: set it to active first, then to {status}"
    if status == "active" != deal.status and another_is_active:
        return "its company already has another active deal, and only one can be active at a time"
    return None


def apply_change(deal: Deal, change: DealChange, at: datetime) -> Deal:
    """Return the deal after an allowed change."""
    status = change.status or deal.status
    after = replace(
        deal,
        status=status,
        stage=change.stage or deal.stage,
        owner_email=change.owner_email or deal.owner_email,
        amount=deal.amount if change.amount is None else change.amount,
        currency=change.currency or deal.currency,
        lost_reason=(change.lost_reason or deal.lost_reason) if status == "lost" else None,
    )
    if after.stage != deal.stage:
        after = replace(after, stage_entered_at=at)
    if after.status != deal.status:
        after = replace(after, cancelled_by=None, closed_at=None if status == "active" else at)
    return after
