"""`/api/deliveries`: messages to other systems and people, with their status."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

import structlog
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field, field_validator

from showup.commands.unit_of_work import UnitOfWork
from showup.database.engine import driver_connection
from showup.dispatch import manual_actions
from showup.events.delivery import RecordChosen
from showup.reads.deliveries import (
    SORTS,
    DeliveryFilter,
    find_content,
    find_delivery,
    list_deliveries,
    workspace_of_delivery,
)
from showup.reads.rows import Item
from showup.reads.simulated import SimulatedFilter
from showup.values.email_address import normalize_email
from showup.web.api.examples import (
    DELIVERY_CHOSEN,
    DELIVERY_CONTENT,
    DELIVERY_DETAIL,
    DELIVERY_RETRIED,
    DELIVERY_STATUS,
    DELIVERY_WITHDRAWN,
)
from showup.web.api.schemas import PageResponse, ok_response, page_example
from showup.web.http.api_route import ApiRoute
from showup.web.http.app_state import ReadTransaction, State
from showup.web.http.auth import Reader, Writer
from showup.web.http.command_route import CommandRoute
from showup.web.http.paging import page_response
from showup.web.http.problems import Refusal, found_or_404, problem_examples
from showup.web.http.query_params import SIMULATED, ListQuery, ShortText, Timestamp, WorkspaceQuery, any_of
from showup.web.http.request_fields import RequestBody
from showup.web.http.unit_of_work import WriteUnitOfWork

_log = structlog.get_logger()

router = APIRouter(prefix="/api/deliveries", tags=["deliveries"], route_class=ApiRoute)
commands = APIRouter(prefix="/api/deliveries", tags=["deliveries"], route_class=CommandRoute)

DeliveryState = Literal["scheduled", "sending", "delivered", "previewed", "failed", "withdrawn", "skipped"]
AttemptOutcome = Literal["delivered", "previewed", "try_again", "asked", "gave_up", "stopped", "lost"]


class DeliveryQuery(ListQuery):
    """Filters and paging for deliveries."""

    state: list[DeliveryState] = any_of()
    destination: list[ShortText] = any_of("For example `email`.")
    kind: list[ShortText] = any_of("For example `confirmation` or `reminder`.")
    recipient: list[ShortText] = any_of("The full address.")
    booking_id: list[UUID] = any_of()
    deal_id: list[UUID] = any_of()
    due_from: Timestamp | None = Field(None, description="Due at or after this time.")
    due_to: Timestamp | None = Field(None, description="Due before this time.")
    simulated: SimulatedFilter = Field("all", description=SIMULATED)
    sort: Literal["created_at", "-created_at", "due_at", "-due_at"] = "-created_at"

    def to_filter(self) -> DeliveryFilter:
        """Return these filters as a `reads` filter."""
        criteria = self.model_dump(include=set(DeliveryFilter.__struct_fields__))
        return DeliveryFilter(**criteria | {"recipient": [normalize_email(address) for address in self.recipient]})


class DeliveryResponse(BaseModel):
    """One message to one destination, usually about one booking."""

    id: UUID
    booking_id: UUID | None = Field(description="The booking; null if the delivery is about no booking.")
    deal_id: UUID | None = Field(description="The deal; set if the delivery is about a deal rather than a booking.")
    event_id: UUID | None = Field(description="The event that planned the delivery; null if another delivery did.")
    destination: str
    kind: str
    recipient: str | None
    state: DeliveryState
    because: str | None
    due_at: datetime
    delivered_at: datetime | None = Field(description="Null unless the destination accepted the message.")
    attempts: int = Field(description="Number of attempts started.")
    provider: str | None = Field(description="The provider, such as `resend`, `clickup`, `slack` or `mail_preview`.")
    provider_id: str | None = Field(description="The provider's id of the delivery.")
    record: str | None = Field(
        description="The provider's record that the delivery created or updated: a task, a page or a message."
    )
    found: dict[str, Any] = Field(description="Data from the provider, such as the task's link or a sequence's id.")
    feedback: str | None = Field(description="The provider's later feedback, such as delivered, bounced or complained.")
    simulated: bool
    workspace: str
    created_at: datetime
    updated_at: datetime


class RecordQuestionSummary(BaseModel):
    """The choice of a record: until when it can be made, and who made it.

    `chosen` is null if none of the candidates was chosen.
    """

    until: datetime
    answered_by: str | None
    chosen: str | None


class RecordCandidate(BaseModel):
    """A record of the provider that may be the right one."""

    record: str
    name: str
    url: str | None = None
    because: str = ""


class RecordQuestionResponse(RecordQuestionSummary):
    """The choice of a record, with its candidates."""

    candidates: list[RecordCandidate]


class DeliveryStatusResponse(DeliveryResponse):
    """A delivery with its status; `because` gives the reason for the current state."""

    because: str
    failures: int = Field(description="Failed attempts that count towards the retry limit.")
    next_try_at: datetime | None = Field(description="For scheduled deliveries: the earliest time of the next attempt.")
    expires_at: datetime | None = Field(description="The delivery is not sent after this time.")
    feedback_because: str | None
    feedback_at: datetime | None
    question: RecordQuestionSummary | None = Field(description="A pending or past choice that the delivery depends on.")


class AttemptResponse(BaseModel):
    """One attempt; `outcome` is null while it is in progress, and `lost` if the process stopped before it finished."""

    number: int
    started_at: datetime
    ended_at: datetime | None
    outcome: AttemptOutcome | None
    because: str | None


class DeliveryDetailResponse(DeliveryStatusResponse):
    """A delivery with its attempts; `rendered_at` is null until its content is rendered."""

    question: RecordQuestionResponse | None = Field(
        description="A pending or past choice that the delivery depends on."
    )
    rendered_at: datetime | None
    attempt_history: list[AttemptResponse] = Field(description="Attempts, oldest first.")


class DeliveryContentResponse(BaseModel):
    """The exact content, the same at every attempt. Mails have these fields."""

    delivery_id: UUID
    rendered_at: datetime
    content: dict[str, Any]


@router.get(
    "",
    name="list_deliveries",
    response_model=PageResponse[DeliveryStatusResponse],
    responses=ok_response(page_example(DELIVERY_STATUS)) | problem_examples("broken-cursor"),
)
async def get_deliveries(
    permission: Reader, tx: ReadTransaction, state: State, query: Annotated[DeliveryQuery, Query()]
) -> Any:
    """List deliveries, latest first, each with the reason for its state."""
    page_request = query.page_request(SORTS)
    return page_response(
        await list_deliveries(tx, permission, query.to_filter(), page_request, state.clock()), page_request
    )


@router.get(
    "/{delivery_id}",
    response_model=DeliveryDetailResponse,
    responses=ok_response(DELIVERY_DETAIL) | problem_examples("not-found"),
)
async def get_delivery(
    delivery_id: UUID, permission: Reader, tx: ReadTransaction, state: State, _query: Annotated[WorkspaceQuery, Query()]
) -> Any:
    """Get a delivery with its attempts."""
    return found_or_404(await find_delivery(tx, permission, delivery_id, state.clock()), "delivery")


# The scope read is not enough: with the links in a mail, a reader could cancel or move the meeting or unsubscribe the
# attendee.
@router.get(
    "/{delivery_id}/content",
    response_model=DeliveryContentResponse,
    responses=ok_response(DELIVERY_CONTENT) | problem_examples("not-found"),
)
async def get_delivery_content(
    delivery_id: UUID, permission: Writer, tx: ReadTransaction, _query: Annotated[WorkspaceQuery, Query()]
) -> Any:
    """Get the content of a delivery. Requires the scope write, because the links in a mail can cancel the meeting."""
    return found_or_404(await find_content(tx, permission, delivery_id), "rendered delivery")


class RetryRequest(RequestBody):
    """Which failed deliveries to retry; all of them if empty."""

    example: ClassVar = {"destination": "email", "since": "2026-03-10T08:00:00Z"}

    destination: ShortText | None = Field(None, description="For example `email`.")
    kind: ShortText | None = Field(None, description="For example `confirmation`.")
    since: Timestamp | None = Field(None, description="Deliveries that failed at or after this time.")


class RetryResponse(BaseModel):
    """Number of deliveries to retry, and number of deliveries skipped because they have expired."""

    retried: int
    expired: int


@commands.post("/retry", response_model=RetryResponse, responses=ok_response({"retried": 12, "expired": 3}))
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


@commands.post(
    "/{delivery_id}/retry",
    response_model=DeliveryDetailResponse,
    responses=ok_response(DELIVERY_RETRIED) | problem_examples("not-found"),
)
async def retry_delivery(
    delivery_id: UUID, unit_of_work: WriteUnitOfWork, _query: Annotated[WorkspaceQuery, Query()]
) -> Any:
    """Retry a delivery that failed, was previewed, was skipped at sending time, or was withdrawn manually.

    A delivery that waits for its next attempt is tried now, also if its destination is paused after failures. That
    counts as its next attempt.

    Content that was already rendered is sent unchanged, under the same id; a previewed mail is rendered again. Showup
    checks again whether it is still valid before it sends it.
    """
    await _read_delivery(unit_of_work, delivery_id)
    _raise_conflict(await manual_actions.retry(await driver_connection(unit_of_work.tx), delivery_id, unit_of_work.at))
    _log.info("delivery retried", delivery_id=str(delivery_id), actor=unit_of_work.permission.actor)
    return await _read_delivery(unit_of_work, delivery_id)


@commands.post(
    "/{delivery_id}/redeliver",
    response_model=DeliveryDetailResponse,
    responses=ok_response(DELIVERY_RETRIED) | problem_examples("not-found"),
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


@commands.post(
    "/{delivery_id}/withdraw",
    response_model=DeliveryDetailResponse,
    responses=ok_response(DELIVERY_WITHDRAWN) | problem_examples("not-found"),
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

    record: Annotated[str, Field(min_length=1, max_length=500)] | None

    @field_validator("*", mode="before")
    @classmethod
    def _reject_null(cls, sent: Any) -> Any:
        # Here null is a valid answer.
        return sent


@commands.post(
    "/{delivery_id}/choose",
    response_model=DeliveryDetailResponse,
    responses=ok_response(DELIVERY_CHOSEN) | problem_examples("not-found"),
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
