"""Trying deliveries again, and taking them back."""

from typing import Annotated, Any, ClassVar
from uuid import UUID

import structlog
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field, field_validator

from showup.database.engine import raw
from showup.deliveries import by_hand
from showup.reads.deliveries import find_delivery, workspace_of_delivery
from showup.reads.rows import Found
from showup.sources.hand.command import ChooseRecord
from showup.web.acting import Hand, WritingHand
from showup.web.api.deliveries import DETAIL, DeliveryDetail
from showup.web.api.shapes import shows
from showup.web.bodies import Body
from showup.web.command_route import CommandRoute
from showup.web.problems import Refusal, documented, found_or_refused
from showup.web.questions import Moment, Question, Word

router = APIRouter(prefix="/api/deliveries", tags=["deliveries"], route_class=CommandRoute)
_log = structlog.get_logger()

_AGAIN = DETAIL | {
    "state": "scheduled",
    "because": "it is due, and waits for its turn",
    "delivered_at": None,
    "failures": 0,
    "next_try_at": "2026-03-10T10:00:00Z",
    "provider": None,
    "provider_id": None,
    "feedback": None,
    "feedback_at": None,
    "tries": DETAIL["tries"][:1],
    "attempts": 1,
}
_WITHDRAWN = _AGAIN | {"state": "withdrawn", "because": "withdrawn by key:crm", "next_try_at": None}


_CHOSEN = _AGAIN | {
    "destination": "clickup",
    "kind": "booking.created",
    "question": {
        "until": "2026-03-10T13:15:00Z",
        "answered_by": "key:crm",
        "chosen": "86c2k4n1p",
        "candidates": [
            {
                "record": "86c2k4n1p",
                "name": "Sarah Chen",
                "url": "https://app.clickup.com/t/86c2k4n1p",
                "because": "the same name",
            }
        ],
    },
}


class RetrySaid(Body):
    """Which failed deliveries are tried again; nothing said, all of them."""

    example: ClassVar = {"destination": "email", "since": "2026-03-10T08:00:00Z"}

    destination: Word | None = Field(None, description="Such as `email`.")
    kind: Word | None = Field(None, description="Such as `confirm`.")
    since: Moment | None = Field(None, description="Those that failed then or later.")


class Retried(BaseModel):
    """How many are tried again, and how many are not since they are not worth telling any more."""

    retried: int
    expired: int


@router.post("/retry", response_model=Retried, responses=shows({"retried": 12, "expired": 3}))
async def retry_failed(said: RetrySaid, hand: WritingHand, _asked: Annotated[Question, Query()]) -> Any:
    """Try all failed deliveries again that are still worth telling, or those that the body names."""
    wanted = by_hand.Failed(workspace_id=hand.permit.workspace_id, **said.model_dump())
    done = await by_hand.retry_failed(await raw(hand.tx), wanted, hand.at)
    _log.info("failed deliveries retried", retried=done.retried, expired=done.expired, actor=hand.permit.actor)
    return {"retried": done.retried, "expired": done.expired}


@router.post("/{delivery_id}/retry", response_model=DeliveryDetail, responses=shows(_AGAIN) | documented("not-found"))
async def retry(delivery_id: UUID, hand: WritingHand, _asked: Annotated[Question, Query()]) -> Any:
    """Try a delivery again that failed, was skipped when it was to be sent, or was withdrawn by hand.

    What was rendered for it is sent as it is, under the same id. Whether it still holds is looked at once more before.
    """
    await _found(hand, delivery_id)
    _refuse(await by_hand.retry(await raw(hand.tx), delivery_id, hand.at))
    _log.info("delivery retried", delivery_id=str(delivery_id), actor=hand.permit.actor)
    return await _found(hand, delivery_id)


@router.post(
    "/{delivery_id}/redeliver", response_model=DeliveryDetail, responses=shows(_AGAIN) | documented("not-found")
)
async def redeliver(delivery_id: UUID, hand: WritingHand, _asked: Annotated[Question, Query()]) -> Any:
    """Send an outgoing webhook once more that was delivered: the same body, under the same `webhook-id`."""
    await _found(hand, delivery_id)
    _refuse(await by_hand.send_again(await raw(hand.tx), delivery_id, hand.at))
    _log.info("delivery sent again", delivery_id=str(delivery_id), actor=hand.permit.actor)
    return await _found(hand, delivery_id)


@router.post(
    "/{delivery_id}/withdraw", response_model=DeliveryDetail, responses=shows(_WITHDRAWN) | documented("not-found")
)
async def withdraw(delivery_id: UUID, hand: WritingHand, _asked: Annotated[Question, Query()]) -> Any:
    """Take back a scheduled delivery: nothing but a retry by hand brings it back."""
    await _found(hand, delivery_id)
    _refuse(await by_hand.withdraw(await raw(hand.tx), delivery_id, hand.permit.actor, hand.at))
    _log.info("delivery withdrawn", delivery_id=str(delivery_id), actor=hand.permit.actor)
    return await _found(hand, delivery_id)


class RecordSaid(Body):
    """Which record is meant: one of the candidates, or null for none of them."""

    example: ClassVar = {"record": "86c2k4n1p"}

    record: Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00]*$")] | None

    @field_validator("*", mode="before")
    @classmethod
    def _never_null(cls, sent: Any) -> Any:
        # Here null is an answer.
        return sent


@router.post("/{delivery_id}/choose", response_model=DeliveryDetail, responses=shows(_CHOSEN) | documented("not-found"))
async def choose(delivery_id: UUID, said: RecordSaid, hand: WritingHand, _asked: Annotated[Question, Query()]) -> Any:
    """Answer the question of a delivery that waits for somebody to say which record there is meant.

    Null means none of the candidates. Whoever answers first has decided, here or in Slack.
    """
    await _found(hand, delivery_id)
    workspace_id = await workspace_of_delivery(hand.tx, delivery_id)
    assert workspace_id is not None, "it was found before"
    acted = await hand.tries(workspace_id, ChooseRecord(**hand.signed, delivery_id=delivery_id, record=said.record))
    _refuse(acted.refused)
    return await _found(hand, delivery_id)


async def _found(hand: Hand, delivery_id: UUID) -> Found:
    return found_or_refused(await find_delivery(hand.tx, hand.permit, delivery_id, hand.at), "delivery")


def _refuse(because: str | None) -> None:
    if because is not None:
        raise Refusal("conflict", f"{because[0].upper()}{because[1:]}.")
