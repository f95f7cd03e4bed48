"""`/api/approvals`: changes that assistants asked for, which wait for a person (AS2)."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from showup.access.permission import Permission
from showup.assistant import approvals, approvals_store
from showup.assistant.approval import Approval, ApprovalRefused, ApprovalState
from showup.assistant.tool_context import AssistantServices
from showup.web.api.schemas import BOOKING_ID, EVENT_ID, Example, PageResponse, ok_response, page_example
from showup.web.http.api_route import ApiRoute
from showup.web.http.app_state import ReadTransaction, State
from showup.web.http.auth import Admin, Reader
from showup.web.http.command_route import CommandRoute
from showup.web.http.paging import page_response
from showup.web.http.problems import Refusal, problem_examples
from showup.web.http.query_params import ListQuery, WorkspaceQuery, any_of
from showup.web.http.request_fields import RequestBody

router = APIRouter(prefix="/api/approvals", tags=["assistant"], route_class=ApiRoute)
commands = APIRouter(prefix="/api/approvals", tags=["assistant"], route_class=CommandRoute)

_DIGEST = "3f1c9a0e5b7d2846a1c0e9f8b7d6a5c4"
APPROVAL: Example = {
    "id": "2a7c1c7e-6a55-4f0b-9b57-3a2f6c1d8e90",
    "workspace": "default",
    "tool": "record_outcome",
    "arguments": {"booking_id": BOOKING_ID, "outcome": "no_show"},
    "difference": {
        "changes": [
            {
                "what": "outcome.reported",
                "because": "the attendee did not come",
                "change": {"attended": [None, False], "outcome": [None, "no_show"]},
                "booking_id": BOOKING_ID,
                "deal_id": None,
                "company_id": None,
                "person_id": None,
            }
        ],
        "deliveries": [],
        "omitted": 0,
        "refused": None,
        "digest": _DIGEST,
    },
    "requested_by": "key:claude",
    "state": "pending",
    "created_at": "2026-03-12T15:40:00Z",
    "expires_at": "2026-03-13T15:40:00Z",
    "decided_by": None,
    "decided_at": None,
    "because": None,
    "event_ids": [],
    "undone_by": None,
    "undone_at": None,
}
_DONE: Example = APPROVAL | {
    "state": "done",
    "decided_by": "teammate:dana@ourbrand.example",
    "decided_at": "2026-03-12T15:41:00Z",
    "event_ids": [EVENT_ID],
}


class ApprovalQuery(ListQuery):
    """Filters and paging for approvals."""

    state: list[ApprovalState] = any_of()
    sort: Literal["created_at", "-created_at"] = "-created_at"


class ApprovalResponse(BaseModel):
    """A change that an assistant asked for, and what became of it.

    `outdated`: the pipeline changed, and the change would do nothing now. `expired`: nobody granted it within a day.
    """

    id: UUID
    workspace: str
    tool: str
    arguments: dict[str, Any]
    difference: dict[str, Any] = Field(
        description="Exactly what it would change: `changes` are entries of the audit log, `deliveries` are those that"
        " would be planned, or end up in another state. `digest` identifies the difference."
    )
    requested_by: str = Field(description="Whose assistant asked: `key:NAME` or `teammate:EMAIL`.")
    state: ApprovalState
    created_at: datetime
    expires_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    because: str | None
    event_ids: list[UUID] = Field(description="The events that did it.")
    undone_by: str | None
    undone_at: datetime | None


class GrantRequest(RequestBody):
    """The difference that the person saw."""

    example: ClassVar = {"digest": _DIGEST}

    digest: str = Field(max_length=64, description="`difference.digest` of the approval as the person saw it.")
    for_good: bool = Field(False, description="Allow this tool to this assistant from now on, without asking.")


@router.get(
    "",
    name="list_approvals",
    response_model=PageResponse[ApprovalResponse],
    responses=ok_response(page_example(APPROVAL)) | problem_examples("broken-cursor"),
)
async def get_approvals(permission: Reader, tx: ReadTransaction, query: Annotated[ApprovalQuery, Query()]) -> Any:
    """List the changes that assistants asked for, latest first."""
    page_request = query.page_request(approvals_store.SORTS)
    found = await approvals_store.list_approvals(tx, permission, query.state, page_request)
    return page_response(found, page_request)


@commands.post(
    "/{approval_id}/grant",
    response_model=ApprovalResponse,
    responses=ok_response(_DONE) | problem_examples("not-found"),
)
async def grant_approval(
    approval_id: UUID, body: GrantRequest, permission: Admin, state: State, _query: Annotated[WorkspaceQuery, Query()]
) -> Any:
    """Do the change, once: granting it again changes nothing.

    A key can't grant what it asked for itself. If the change would do something else now, it is refused, and the
    approval has the new difference.
    """
    return await decide(
        state.assistant,
        permission,
        approval_id,
        lambda services, who, found: approvals.grant(services, who, found, digest=body.digest, for_good=body.for_good),
    )


@commands.post(
    "/{approval_id}/deny",
    response_model=ApprovalResponse,
    responses=ok_response(_DONE | {"state": "denied", "event_ids": []}) | problem_examples("not-found"),
)
async def deny_approval(
    approval_id: UUID, permission: Admin, state: State, _query: Annotated[WorkspaceQuery, Query()]
) -> Any:
    """Deny the change: it is never done."""
    return await decide(state.assistant, permission, approval_id, approvals.deny)


@commands.post(
    "/{approval_id}/undo",
    response_model=ApprovalResponse,
    responses=ok_response(_DONE | {"undone_by": "teammate:dana@ourbrand.example", "undone_at": "2026-03-12T15:44:00Z"})
    | problem_examples("not-found"),
)
async def undo_approval(
    approval_id: UUID, permission: Admin, state: State, _query: Annotated[WorkspaceQuery, Query()]
) -> Any:
    """Undo a change that was done, unless somebody went on from it. The log shows both."""
    return await decide(state.assistant, permission, approval_id, approvals.undo)


Decision = Callable[[AssistantServices, Permission, UUID], Awaitable[Approval]]


async def decide(
    services: AssistantServices, permission: Permission, approval_id: UUID, decision: Decision
) -> Approval:
    """Decide on an approval. Refuses an unknown one with 404, and one that can't be decided so with 409."""
    try:
        return await decision(services, permission, approval_id)
    except LookupError:
        raise Refusal("not-found", "The key can see no approval with this id.") from None
    except ApprovalRefused as refused:
        text = str(refused).rstrip(".")
        raise Refusal("conflict", f"{text}.") from None
