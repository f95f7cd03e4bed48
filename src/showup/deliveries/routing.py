"""Which destination an effect goes to, and what it is called there."""

from datetime import datetime
from typing import Any, assert_never
from uuid import UUID

from showup.deliveries.delivery import Delivery, State
from showup.effects import Confirm, Effect, Remind, SkipReminders, TellCancelled, TellNewPlace, TellRescheduled


def route(
    effect: Effect,
    *,
    booking_id: UUID,
    event_id: UUID,
    booking_version: int,
    decided_at: datetime,
    state: State,
    because: str | None,
    simulated: bool,
) -> Delivery:
    """The delivery of an effect. What a simulation or a sample calls for goes to the outbox only (PI13)."""
    return Delivery(
        booking_id=booking_id,
        event_id=event_id,
        key=effect.key,
        destination="outbox" if simulated else "email",
        kind=_kind(effect),
        recipient=effect.recipient,
        booking_version=booking_version,
        decided_at=decided_at,
        due_at=effect.due_at,
        state=state,
        because=because,
        details=_details(effect),
        simulated=simulated,
    )


def _kind(effect: Effect) -> str:
    match effect:
        case Confirm():
            return "confirm"
        case TellRescheduled():
            return "tell_rescheduled"
        case TellCancelled():
            return "tell_cancelled"
        case TellNewPlace():
            return "tell_new_place"
        case Remind() | SkipReminders():
            return "remind"
        case _ as never:
            assert_never(never)


def _details(effect: Effect) -> dict[str, Any]:
    match effect:
        case TellRescheduled(old_start_time=old) if old is not None:
            return {"old_start_time": f"{old:%Y-%m-%dT%H:%M:%SZ}"}
        case Remind(before=before):
            return {"before_seconds": round(before.total_seconds())}
        case _:
            return {}
