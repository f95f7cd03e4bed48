"""`/api/suppressions`: addresses that receive no mail, and why."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import structlog
from fastapi import APIRouter, Query
from pydantic import BaseModel

from showup.database.engine import driver_connection
from showup.outbox.suppressions import remove
from showup.reads.suppressions import SORTS, SuppressionFilter, find_suppression, list_suppressions
from showup.values.email_address import normalize_email
from showup.web.api.schemas import EVENT_ID, PERSON, Example, PageResponse, ok_response, page_example
from showup.web.http.api_route import ApiRoute
from showup.web.http.app_state import ReadTransaction
from showup.web.http.auth import Reader
from showup.web.http.command_route import CommandRoute
from showup.web.http.paging import page_response
from showup.web.http.problems import found_or_404, problem_examples
from showup.web.http.query_params import ListQuery, ShortText, WorkspaceQuery, any_of
from showup.web.http.unit_of_work import WriteUnitOfWork

router = APIRouter(prefix="/api/suppressions", tags=["suppressions"], route_class=ApiRoute)
commands = APIRouter(prefix="/api/suppressions", tags=["suppressions"], route_class=CommandRoute)

SuppressionScope = Literal["all", "follow_up"]
SuppressionReason = Literal["bounced", "complained", "unsubscribed"]

SUPPRESSION: Example = {
    "id": "6a1d0c3e-2b7f-4e58-9c41-8d0f3b5a7e92",
    "workspace": "default",
    "email": PERSON["email"],
    "scope": "all",
    "reason": "bounced",
    "because": "it bounced permanently: NoEmail, there is no such mailbox",
    "delivery_id": "9f8e7d6c-5b4a-5392-8170-6f5e4d3c2b1a",
    "event_id": EVENT_ID,
    "created_at": "2026-03-10T09:15:04Z",
}


class SuppressionQuery(ListQuery):
    """Filters and paging for suppressions."""

    email: list[ShortText] = any_of("The full address.")
    scope: list[SuppressionScope] = any_of()
    reason: list[SuppressionReason] = any_of()
    sort: Literal["created_at", "-created_at"] = "-created_at"

    def to_filter(self) -> SuppressionFilter:
        """Return these filters as a `reads` filter."""
        emails = [normalize_email(email) for email in self.email]
        return SuppressionFilter(email=emails, scope=self.scope, reason=self.reason)


class SuppressionResponse(BaseModel):
    """An address that receives no mail at all, or no follow-ups (`follow_up`).

    `delivery_id` is the mail that bounced or caused a complaint; `event_id` is the event that reported it.
    """

    id: UUID
    workspace: str
    email: str
    scope: SuppressionScope
    reason: SuppressionReason
    because: str
    delivery_id: UUID | None
    event_id: UUID | None
    created_at: datetime


@router.get(
    "",
    name="list_suppressions",
    response_model=PageResponse[SuppressionResponse],
    responses=ok_response(page_example(SUPPRESSION)) | problem_examples("broken-cursor"),
)
async def get_suppressions(permission: Reader, tx: ReadTransaction, query: Annotated[SuppressionQuery, Query()]) -> Any:
    """List suppressed addresses, latest first."""
    page_request = query.page_request(SORTS)
    return page_response(await list_suppressions(tx, permission, query.to_filter(), page_request), page_request)


_log = structlog.get_logger()


@commands.delete(
    "/{suppression_id}",
    response_model=SuppressionResponse,
    responses=ok_response(SUPPRESSION) | problem_examples("not-found"),
)
async def delete_suppression(
    suppression_id: UUID, unit_of_work: WriteUnitOfWork, _query: Annotated[WorkspaceQuery, Query()]
) -> Any:
    """Remove a suppression and return it. The address receives mail again.

    Deliveries that were skipped because of it stay skipped. Resend has its own suppression list, which this does not
    change.
    """
    suppression = found_or_404(
        await find_suppression(unit_of_work.tx, unit_of_work.permission, suppression_id), "suppression"
    )
    await remove(await driver_connection(unit_of_work.tx), suppression_id)
    _log.info("suppression removed", suppression_id=str(suppression_id), actor=unit_of_work.permission.actor)
    return suppression
