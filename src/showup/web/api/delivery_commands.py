"""Commands on deliveries: retry, redeliver, withdraw, and choose a record."""

from typing import Annotated, Any, ClassVar
from uuid import UUID

import structlog
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field, field_validator

from showup.commands.unit_of_work import UnitOfWork
from showup.database.engine import driver_connection
from showup.dispatch import manual_actions
from showup.events.delivery import RecordChosen
from showup.reads.deliveries import find_delivery, workspace_of_delivery
from showup.reads.rows import Item
from showup.web.api.deliveries import DELIVERY_DETAIL, DeliveryDetailResponse
from showup.web.api.schemas import ok_response
from showup.web.command_route import CommandRoute
from showup.web.problems import Refusal, found_or_404, problem_examples
from showup.web.query_params import ShortText, Timestamp, WorkspaceQuery
from showup.web.request_fields import RequestBody
from showup.web.unit_of_work import WriteUnitOfWork

router = APIRouter(prefix="/api/deliveries", tags=["deliveries"], route_class=CommandRoute)
_log = structlog.get_logger()

_RETRIED = DELIVERY_DETAIL | {
    "state": "scheduled",
    "because": "due now, waiting to be sent",
    "delivered_at": None,
    "failures": 0,
    "next_try_at": "2026-03-10T10:00:00Z",
    "provider": None,
    "provider_id": None,
    "feedback": None,
    "feedback_at": None,
    "attempt_history": DELIVERY_DETAIL["attempt_history"][:1],
    "attempts": 1,
}
_WITHDRAWN = _RETRIED | {"state": "withdrawn", "because": "withdrawn by key:crm", "next_try_at": None}


_CHOSEN = _RETRIED | {
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


class RetryRequest(RequestBody):
    """Which failed deliveries to retry; all of them if empty."""

    example: ClassVar = {"destination": "email", "since": "2026-03-10T08:00:00Z"}

    destination: ShortText | None = Field(None, description="For example `email`.")
    kind: ShortText | None = Field(None, description="For example `confirm`.")
    since: Timestamp | None = Field(None, description="Deliveries that failed at or after this time.")


class RetryResponse(BaseModel):
    """Number of deliveries to retry, and number of deliveries skipped because they have expired."""

    retried: int
    expired: int


@router.post("/retry", response_model=RetryResponse, responses=ok_response({"retried": 12, "expired": 3}))
async def retry_failed_deliveries(
    body: RetryRequest, unit_of_work: WriteUnitOfWork, _query: Annotated[WorkspaceQuery, Query()]
) -> Any:
    """Retry all failed deliveries that have not expired, or those that match the body."""
    selection = manual_actions.FailedFilter(workspace_id=unit_of_work.permission.workspace_id, **body.model_dump())
    result = await manual_actions.retry_failed(await driver_connection(unit_of_work.tx), selection, unit_of_work.at)
    _log.info(
        "failed deliveries retried", retried=result.retried, expired=result.expired, actor=unit_of_work.permission.actor
    )
    return {"retried": result.retried, "expired": result.expired}


@router.post(
    "/{delivery_id}/retry",
    response_model=DeliveryDetailResponse,
    responses=ok_response(_RETRIED) | problem_examples("not-found"),
)
async def retry_delivery(
    delivery_id: UUID, unit_of_work: WriteUnitOfWork, _query: Annotated[WorkspaceQuery, Query()]
) -> Any:
    """Retry a delivery that failed, was skipped at sending time, or was withdrawn manually.

    Content that was already rendered is sent unchanged, under the same id. Showup checks again whether it is still
    valid before it sends it.
    """
    await _read_delivery(unit_of_work, delivery_id)
    _raise_conflict(await manual_actions.retry(await driver_connection(unit_of_work.tx), delivery_id, unit_of_work.at))
    _log.info("delivery retried", delivery_id=str(delivery_id), actor=unit_of_work.permission.actor)
    return await _read_delivery(unit_of_work, delivery_id)


@router.post(
    "/{delivery_id}/redeliver",
    response_model=DeliveryDetailResponse,
    responses=ok_response(_RETRIED) | problem_examples("not-found"),
)
async def redeliver_webhook(
    delivery_id: UUID, unit_of_work: WriteUnitOfWork, _query: Annotated[WorkspaceQuery, Query()]
) -> Any:
    """Send a delivered outgoing webhook again: the same body, with the same `webhook-id`."""
    await _read_delivery(unit_of_work, delivery_id)
    _raise_conflict(
        await manual_actions.send_again(await driver_connection(unit_of_work.tx), delivery_id, unit_of_work.at)
    )
    _log.info("delivery redelivered", delivery_id=str(delivery_id), actor=unit_of_work.permission.actor)
    return await _read_delivery(unit_of_work, delivery_id)


@router.post(
    "/{delivery_id}/withdraw",
    response_model=DeliveryDetailResponse,
    responses=ok_response(_WITHDRAWN) | problem_examples("not-found"),
)
async def withdraw_delivery(
    delivery_id: UUID, unit_of_work: WriteUnitOfWork, _query: Annotated[WorkspaceQuery, Query()]
) -> Any:
    """Withdraw a scheduled delivery. Only a manual retry restores it."""
    await _read_delivery(unit_of_work, delivery_id)
    _raise_conflict(
        await manual_actions.withdraw(
            await driver_connection(unit_of_work.tx), delivery_id, unit_of_work.permission.actor, unit_of_work.at
        )
    )
    _log.info("delivery withdrawn", delivery_id=str(delivery_id), actor=unit_of_work.permission.actor)
    return await _read_delivery(unit_of_work, delivery_id)


class ChooseRecordRequest(RequestBody):
    """The record to use: one of the candidates, or null for none of them."""

    example: ClassVar = {"record": "86c2k4n1p"}

    record: Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00]*$")] | None

    @field_validator("*", mode="before")
    @classmethod
    def _reject_null(cls, sent: Any) -> Any:
        # Here null is a valid answer.
        return sent


@router.post(
    "/{delivery_id}/choose",
    response_model=DeliveryDetailResponse,
    responses=ok_response(_CHOSEN) | problem_examples("not-found"),
)
async def choose_record(
    delivery_id: UUID,
    body: ChooseRecordRequest,
    unit_of_work: WriteUnitOfWork,
    _query: Annotated[WorkspaceQuery, Query()],
) -> Any:
    """Choose the record for a delivery that waits for this choice.

    Null means none of the candidates. The first answer decides, whether it comes through the API or from Slack.
    """
    await _read_delivery(unit_of_work, delivery_id)
    workspace_id = await workspace_of_delivery(unit_of_work.tx, delivery_id)
    assert workspace_id is not None, "the delivery exists"
    result = await unit_of_work.try_execute(workspace_id, RecordChosen(delivery_id=delivery_id, record=body.record))
    _raise_conflict(result.refused)
    return await _read_delivery(unit_of_work, delivery_id)


async def _read_delivery(unit_of_work: UnitOfWork, delivery_id: UUID) -> Item:
    return found_or_404(
        await find_delivery(unit_of_work.tx, unit_of_work.permission, delivery_id, unit_of_work.at), "delivery"
    )


def _raise_conflict(reason: str | None) -> None:
    if reason is not None:
        raise Refusal("conflict", f"{reason[0].upper()}{reason[1:]}.")
