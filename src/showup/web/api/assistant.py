"""`/api/assistant`: the kill switch, the budgets, and what is allowed for good (AS2)."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Final

from fastapi import APIRouter, Path, Query
from msgspec.structs import replace
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.assistant import approvals_store, usage_store
from showup.assistant.usage_store import MAX_BUDGET
from showup.web.api.schemas import Example, ok_response
from showup.web.http.api_route import ApiRoute
from showup.web.http.app_state import ReadTransaction, State
from showup.web.http.auth import Reader
from showup.web.http.command_route import CommandRoute
from showup.web.http.problems import Refusal, problem_examples
from showup.web.http.query_params import ShortText, WorkspaceQuery
from showup.web.http.request_fields import RequestBody
from showup.web.http.unit_of_work import AdminUnitOfWork, resolve_workspace

router = APIRouter(prefix="/api/assistant", tags=["assistant"], route_class=ApiRoute)
commands = APIRouter(prefix="/api/assistant", tags=["assistant"], route_class=CommandRoute)

_SETTINGS: Final[Example] = {
    "workspace": "default",
    "is_on": True,
    "calls_per_day": 2000,
    "changes_per_day": 200,
    "tokens_per_day": 2_000_000,
    "changed_by": None,
    "changed_at": None,
    "usage": [{"actor": "key:claude", "calls": 12, "changes": 1, "tokens": 0}],
    "grants": [
        {
            "actor": "key:claude",
            "tool": "record_outcome",
            "granted_by": "teammate:dana@ourbrand.example",
            "granted_at": "2026-03-12T15:41:00Z",
        }
    ],
}
Budget = Annotated[int, Field(ge=0, le=MAX_BUDGET)]


class AssistantUsage(BaseModel):
    """What somebody's assistant used today (UTC)."""

    actor: str
    calls: int
    changes: int
    tokens: int


class ToolGrant(BaseModel):
    """A tool that somebody's assistant may use without asking."""

    actor: str
    tool: str
    granted_by: str
    granted_at: datetime


class AssistantResponse(BaseModel):
    """What the workspace's assistants may do, and what they used today."""

    workspace: str
    is_on: bool = Field(description="Whether assistants may call any tool: the kill switch.")
    calls_per_day: int = Field(description="Calls of tools that each key or teammate may make on a day (UTC).")
    changes_per_day: int = Field(description="Changes that each may ask for.")
    tokens_per_day: int = Field(description="Tokens that each may use in the chat.")
    changed_by: str | None
    changed_at: datetime | None
    usage: list[AssistantUsage]
    grants: list[ToolGrant]


class UpdateAssistantRequest(RequestBody):
    """The settings to change; omitted fields keep their values."""

    requires_any = True
    example: ClassVar = {"is_on": False}

    is_on: bool | None = None
    calls_per_day: Budget | None = None
    changes_per_day: Budget | None = None
    tokens_per_day: Budget | None = None


class GrantQuery(WorkspaceQuery):
    """Whose grant to withdraw."""

    actor: ShortText = Field(description="Whose assistant: `key:NAME` or `teammate:EMAIL`.")


@router.get("", response_model=AssistantResponse, responses=ok_response(_SETTINGS))
async def get_assistant(
    permission: Reader, tx: ReadTransaction, state: State, _query: Annotated[WorkspaceQuery, Query()]
) -> Any:
    """Get the kill switch and the budgets of a workspace's assistants, and what they used today."""
    return await _describe(tx, permission, state.clock())


@commands.patch("", response_model=AssistantResponse, responses=ok_response(_SETTINGS | {"is_on": False}))
async def update_assistant(
    body: UpdateAssistantRequest, unit_of_work: AdminUnitOfWork, _query: Annotated[WorkspaceQuery, Query()]
) -> Any:
    """Switch the assistants of a workspace off or on, or change their budgets. It holds from their next call on."""
    tx, permission = unit_of_work.tx, unit_of_work.permission
    workspace = await resolve_workspace(tx, permission)
    before = await usage_store.load_settings(tx, workspace.id)
    changes = body.model_dump(exclude_none=True)
    after = replace(before, **changes, changed_by=permission.actor, changed_at=unit_of_work.at)
    await usage_store.save_settings(tx, workspace.id, after)
    return await _describe(tx, permission, unit_of_work.at)


@commands.delete(
    "/grants/{tool}", response_model=AssistantResponse, responses=ok_response(_SETTINGS) | problem_examples("not-found")
)
async def withdraw_grant(
    tool: Annotated[str, Path(max_length=100)], unit_of_work: AdminUnitOfWork, query: Annotated[GrantQuery, Query()]
) -> Any:
    """Ask a person again before this assistant uses the tool."""
    tx, permission = unit_of_work.tx, unit_of_work.permission
    workspace = await resolve_workspace(tx, permission)
    if not await approvals_store.withdraw_grant(tx, workspace.id, query.actor, tool):
        raise Refusal("not-found", "This tool is not allowed to this assistant for good.")
    return await _describe(tx, permission, unit_of_work.at)


async def _describe(tx: AsyncConnection, permission: Permission, now: datetime) -> dict[str, Any]:
    workspace = await resolve_workspace(tx, permission)
    settings = await usage_store.load_settings(tx, workspace.id)
    return {
        "workspace": workspace.slug,
        **{name: getattr(settings, name) for name in settings.__struct_fields__},
        "usage": await usage_store.usage_of_day(tx, workspace.id, now),
        "grants": await approvals_store.list_grants(tx, permission.limited_to(workspace.id)),
    }
