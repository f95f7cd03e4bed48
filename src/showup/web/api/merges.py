"""`/api/merges`: merged people and companies."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.commands.unit_of_work import UnitOfWork
from showup.events.workspace import Merged, MergeKind, MergeUndone
from showup.reads.command_targets import CommandTarget, target_of_company, target_of_merged, target_of_person
from showup.reads.merges import SORTS, MergeFilter, find_merge, list_merges
from showup.web.api.schemas import EVENT_ID, PERSON, Example, PageResponse, created_response, ok_response, page_example
from showup.web.http.api_route import ApiRoute
from showup.web.http.app_state import ReadTransaction
from showup.web.http.auth import Reader
from showup.web.http.command_route import CommandRoute
from showup.web.http.paging import page_response
from showup.web.http.problems import found_or_404, problem_examples
from showup.web.http.query_params import ListQuery, WorkspaceQuery, any_of
from showup.web.http.request_fields import RequestBody
from showup.web.http.unit_of_work import WriteUnitOfWork, target_or_422

router = APIRouter(prefix="/api/merges", tags=["merges"], route_class=ApiRoute)
commands = APIRouter(prefix="/api", tags=["merges"], route_class=CommandRoute)

MERGE: Example = {
    "id": EVENT_ID,
    "workspace": "default",
    "kind": "people",
    "gone": "s.chen@acme.com",
    "gone_id": "2f6b1c84-5a0d-5e7b-8c93-7d41e0a9b6f2",
    "stays": PERSON["email"],
    "stays_id": PERSON["id"],
    "actor": "key:crm",
    "at": "2026-03-12T16:00:00Z",
}


class MergeQuery(ListQuery):
    """Filters and paging for merges."""

    kind: list[MergeKind] = any_of()
    sort: Literal["at", "-at"] = "-at"

    def to_filter(self) -> MergeFilter:
        """Return these filters as a `reads` filter."""
        return MergeFilter(kind=self.kind)


class MergeResponse(BaseModel):
    """A merge of two records; `gone` and `stays` are email addresses, or company keys such as `domain:acme.com`."""

    id: UUID
    workspace: str
    kind: MergeKind
    gone: str
    gone_id: UUID = Field(description="Id of the merged record; it redirects to the one that remains.")
    stays: str
    stays_id: UUID
    actor: str
    at: datetime


@router.get(
    "",
    name="list_merges",
    response_model=PageResponse[MergeResponse],
    responses=ok_response(page_example(MERGE)) | problem_examples("broken-cursor"),
)
async def get_merges(permission: Reader, tx: ReadTransaction, query: Annotated[MergeQuery, Query()]) -> Any:
    """List the current merges, latest first."""
    page_request = query.page_request(SORTS)
    return page_response(await list_merges(tx, permission, query.to_filter(), page_request), page_request)


_FindTarget = Callable[[AsyncConnection, Permission, UUID], Awaitable[CommandTarget | None]]


class MergeRequest(RequestBody):
    """The two records to merge.

    Everything that belongs to `gone_id` moves to `stays_id`, and the id `gone_id` redirects to it.
    """

    example: ClassVar = {"gone_id": MERGE["gone_id"], "stays_id": MERGE["stays_id"]}

    gone_id: UUID
    stays_id: UUID


@commands.post(
    "/people/merge",
    status_code=201,
    response_model=MergeResponse,
    responses=created_response(MERGE) | problem_examples("refused-by-rules"),
)
async def merge_people(
    body: MergeRequest, unit_of_work: WriteUnitOfWork, _query: Annotated[WorkspaceQuery, Query()]
) -> Any:
    """Merge two people: their bookings, their company and their history."""
    return await _merge(unit_of_work, "people", body, target_of_person, "person")


@commands.post(
    "/companies/merge",
    status_code=201,
    response_model=MergeResponse,
    responses=created_response(MERGE) | problem_examples("refused-by-rules"),
)
async def merge_companies(
    body: MergeRequest, unit_of_work: WriteUnitOfWork, _query: Annotated[WorkspaceQuery, Query()]
) -> Any:
    """Merge two companies: their people, bookings and deals, of which at most one stays active."""
    return await _merge(unit_of_work, "companies", body, target_of_company, "company")


@commands.delete(
    "/merges/{merge_id}",
    response_model=MergeResponse,
    responses=ok_response(MERGE) | problem_examples("not-found", "refused-by-rules"),
)
async def undo_merge(merge_id: UUID, unit_of_work: WriteUnitOfWork, _query: Annotated[WorkspaceQuery, Query()]) -> Any:
    """Undo a merge and return it. Each of the two records gets its own data back."""
    merge = found_or_404(await find_merge(unit_of_work.tx, unit_of_work.permission, merge_id), "merge")
    await unit_of_work.execute(merge["workspace_id"], MergeUndone(merge=merge_id))
    return merge


async def _merge(
    unit_of_work: UnitOfWork, kind: MergeKind, body: MergeRequest, find_target: _FindTarget, noun: str
) -> Any:
    # A record that is already merged keeps its former name here: the rules then refuse the command and the log records
    # why.
    merged_target = await target_of_merged(
        unit_of_work.tx, unit_of_work.permission, kind, body.gone_id
    ) or await find_target(unit_of_work.tx, unit_of_work.permission, body.gone_id)
    merged = target_or_422(merged_target, "gone_id", noun)
    surviving = target_or_422(
        await find_target(unit_of_work.tx, unit_of_work.permission.limited_to(merged.workspace_id), body.stays_id),
        "stays_id",
        noun,
    )
    event = Merged(kind=kind, gone=merged.name, stays=surviving.name)
    (event_id,) = await unit_of_work.execute(merged.workspace_id, event)
    return found_or_404(await find_merge(unit_of_work.tx, unit_of_work.permission, event_id), "merge")
