"""`/api/connections`: each workspace's connections, with the status of those that Showup reads."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal, TypeAlias
from uuid import UUID

import structlog
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from showup.access import connections_store
from showup.access.connection import CALCOM
from showup.access.connection import Connection as StoredConnection
from showup.commands.unit_of_work import UnitOfWork
from showup.connections.addresses import find_address_fault
from showup.connections.catalogue import API_CONNECTION_KINDS, KINDS
from showup.connections.environment import NAME as FROM_ENVIRONMENT
from showup.connections.quotas import QuotaReached
from showup.connections.setup import ConnectionSpec, amend, take_down
from showup.destinations.destination_kind import InvalidSetting
from showup.reads.connections import list_connections
from showup.web.api.lead_sources import STATE, EmailBisonSync
from showup.web.api.schemas import Example, PageResponse, created_response, ok_response
from showup.web.http.api_route import ApiRoute
from showup.web.http.app_state import AppState, ReadTransaction, State
from showup.web.http.auth import Admin
from showup.web.http.command_route import CommandRoute
from showup.web.http.problems import Refusal, invalid_field, problem_examples, quota_reached
from showup.web.http.query_params import ShortText, WorkspaceQuery
from showup.web.http.request_fields import RequestBody
from showup.web.http.unit_of_work import AdminUnitOfWork, lock_workspace

router = APIRouter(prefix="/api/connections", tags=["connections"], route_class=ApiRoute)
commands = APIRouter(prefix="/api/connections", tags=["connections"], route_class=CommandRoute)

CONNECTION: Example = {
    "id": "0b8d2c1a-7e4f-4f0e-9a55-3f6c1d2e4b70",
    "workspace": "default",
    "kind": "calcom",
    "name": "default",
    "settings": {},
    "has_credentials": True,
    "calcom": {
        "available": True,
        "last_synced_at": "2026-03-10T09:15:04Z",
        "message": None,
        "next_at": "2026-03-10T09:30:00Z",
        "last_run": {
            "kind": "poll",
            "state": "done",
            "because": None,
            "started_at": "2026-03-10T09:15:00Z",
            "ended_at": "2026-03-10T09:15:04Z",
            "checked": 42,
            "repaired": {"cancelled": 1, "created": 2},
            "drifting": 1,
            "drift": [{"uid": "fkP5h9QpE7cX2vN8sL3wRt", "kind": "accepted", "ours": "CANCELLED", "theirs": "accepted"}],
        },
    },
    "emailbison": None,
}
EMAILBISON: Example = CONNECTION | {
    "id": "5f0a1d3c-2b64-4c58-8b6e-9a7d0c41e2f3",
    "kind": "emailbison",
    "name": "environment",
    "settings": {"api_url": "https://dedi.emailbison.com", "stop_sequence": True},
    "calcom": None,
    "emailbison": STATE,
}


class Drift(BaseModel):
    """A difference that no repair corrects; `kind` names the repair that it would need."""

    uid: str
    kind: str
    ours: str
    theirs: str


class ReconciliationResponse(BaseModel):
    """One comparison of bookings with Cal.com's API."""

    kind: Literal["poll", "backfill"]
    state: Literal["done", "failed"]
    because: str | None
    started_at: datetime
    ended_at: datetime | None
    checked: int = Field(description="Number of checked bookings.")
    repaired: dict[str, int] = Field(description="Number of repaired differences by kind.")
    drifting: int = Field(description="Number of remaining differences.")
    drift: list[Drift] = Field(description="The first ten remaining differences.")


class CalcomSync(BaseModel):
    """Status of an account's Cal.com. While Cal.com is unavailable, Showup keeps the last known data."""

    available: bool | None = Field(description="null: not checked yet.")
    last_synced_at: datetime | None
    message: str | None = Field(description="Message to display with its data while Cal.com is unavailable.")
    next_at: datetime
    last_run: ReconciliationResponse | None


class ConnectionResponse(BaseModel):
    """A connection from a workspace to another system. Credentials are reported as present, but never returned.

    `calcom` is null for other kinds, and for accounts without an API key. `emailbison` is null for other kinds, and for
    connections that are not read.
    """

    id: UUID
    workspace: str
    kind: str
    name: str
    settings: dict[str, Any]
    has_credentials: bool
    calcom: CalcomSync | None
    emailbison: EmailBisonSync | None


@router.get(
    "",
    name="list_connections",
    response_model=PageResponse[ConnectionResponse],
    responses=ok_response({"items": [CONNECTION, EMAILBISON], "next_cursor": None}),
)
async def get_connections(
    permission: Admin, tx: ReadTransaction, state: State, _query: Annotated[WorkspaceQuery, Query()]
) -> Any:
    """List connections, all on one page."""
    return {"items": await list_connections(tx, permission, state.clock()), "next_cursor": None}


_log = structlog.get_logger()

_SLACK: Final[Example] = CONNECTION | {
    "kind": "slack",
    "name": "team",
    "settings": {"channel": "C0123456789"},
    "calcom": None,
}
_TESTED: Final[Example] = {
    "id": CONNECTION["id"],
    "workspace": "default",
    "ok": False,
    "message": None,
    "faults": ["Slack rejects the bot token: invalid_auth"],
}
_ADDRESS: Final = "api_url"
# A type checker accepts no computed Literal; Pydantic and the OpenAPI document use its values.
if TYPE_CHECKING:
    Kind: TypeAlias = str
else:
    Kind = Literal[*API_CONNECTION_KINDS]
Settings = Annotated[dict[str, Any], Field(max_length=100, description="Settings by name; null removes a setting.")]
Credentials = Annotated[
    dict[str, str | None], Field(max_length=20, description="Credentials by name; stored encrypted and never returned.")
]


class CreateConnectionRequest(RequestBody):
    """A new connection from a workspace to another system."""

    example: ClassVar = {
        "kind": "slack",
        "name": "team",
        "settings": {"channel": "C0123456789"},
        "credentials": {"bot_token": "xoxb-…", "signing_secret": "…"},
    }

    kind: Kind
    name: ShortText = Field(description="Name, unique among the workspace's connections of this kind.")
    settings: Settings = Field({})
    credentials: Credentials | None = None


class UpdateConnectionRequest(RequestBody):
    """Changes to a connection. Settings and credentials that the body does not name keep their values."""

    requires_any = True
    example: ClassVar = {"settings": {"channel": "C9876543210"}}

    settings: Settings | None = None
    credentials: Credentials | None = None


@commands.post(
    "",
    status_code=201,
    response_model=ConnectionResponse,
    responses=created_response(_SLACK) | problem_examples("exists-already"),
)
async def create_connection(
    body: CreateConnectionRequest,
    unit_of_work: AdminUnitOfWork,
    state: State,
    _query: Annotated[WorkspaceQuery, Query()],
) -> Any:
    """Create a connection to another system.

    The system is notified of events from now on, according to the settings.
    """
    workspace = await lock_workspace(unit_of_work)
    if body.name == FROM_ENVIRONMENT:
        raise invalid_field(
            "name", "body", f"{FROM_ENVIRONMENT!r} is reserved for the environment's connections. Choose another name."
        )
    existing = await connections_store.find(unit_of_work.tx, workspace_id=workspace.id, kind=body.kind, name=body.name)
    if existing is not None:
        raise Refusal(
            "exists-already",
            f"The connection {body.kind} {body.name} already exists."
            f" Update it with PATCH /api/connections/{existing.id}.",
        )
    request = ConnectionSpec(
        workspace_id=workspace.id,
        kind=body.kind,
        name=body.name,
        settings=body.settings,
        credentials=body.credentials,
    )
    await _save(unit_of_work, state, request)
    created = await connections_store.find(unit_of_work.tx, workspace_id=workspace.id, kind=body.kind, name=body.name)
    assert created is not None, "created above"
    return await _read_connection(unit_of_work, created.id)


@commands.patch(
    "/{connection_id}", response_model=ConnectionResponse, responses=ok_response(_SLACK) | problem_examples("not-found")
)
async def update_connection(
    connection_id: UUID,
    body: UpdateConnectionRequest,
    unit_of_work: AdminUnitOfWork,
    state: State,
    _query: Annotated[WorkspaceQuery, Query()],
) -> Any:
    """Update the settings or credentials of a connection."""
    workspace_id, connection = await _find_editable(unit_of_work, connection_id)
    _require_new_secrets(connection, body)
    request = ConnectionSpec(
        workspace_id=workspace_id,
        kind=connection.kind,
        name=connection.name,
        settings=body.settings or {},
        credentials=body.credentials,
    )
    await _save(unit_of_work, state, request)
    return await _read_connection(unit_of_work, connection_id)


@commands.delete(
    "/{connection_id}", response_model=ConnectionResponse, responses=ok_response(_SLACK) | problem_examples("not-found")
)
async def delete_connection(
    connection_id: UUID, unit_of_work: AdminUnitOfWork, _query: Annotated[WorkspaceQuery, Query()]
) -> Any:
    """Delete a connection and return it. Its scheduled deliveries wait until the system is connected again."""
    workspace_id, connection = await _find_editable(unit_of_work, connection_id)
    deleted = await _read_connection(unit_of_work, connection_id)
    await take_down(
        unit_of_work.tx,
        workspace_id=workspace_id,
        kind=connection.kind,
        name=connection.name,
        now=unit_of_work.at,
        actor=unit_of_work.permission.actor,
    )
    _log.info("disconnected", kind=connection.kind, name=connection.name, actor=unit_of_work.permission.actor)
    return deleted


class ConnectionTestResponse(BaseModel):
    """The result of a test: `message` says what works if there is no fault; a fault says what to do."""

    id: UUID
    workspace: str
    ok: bool
    message: str | None
    faults: list[str]


@router.post(
    "/{connection_id}/test",
    name="test_connection",
    response_model=ConnectionTestResponse,
    responses=ok_response(_TESTED) | problem_examples("not-found", "too-many-tests"),
)
async def ask_other_system(
    connection_id: UUID, permission: Admin, state: State, _query: Annotated[WorkspaceQuery, Query()]
) -> Any:
    """Test a connection: ask the other system whether it accepts the credentials and has all that the settings name.

    It changes nothing, and takes at most 12 s. `showup connections test` does the same.
    """
    # Without a transaction during the test: the other system may be slow.
    async with state.read_engine.connect() as tx:
        found = await connections_store.get(tx, connection_id)
    if found is None or not permission.can_see(found[0]):
        raise Refusal("not-found", "The key can see no connection with this id.")
    workspace_id, connection = found
    if (seconds := state.connection_tests.retry_after(workspace_id)) is not None:
        raise Refusal("too-many-tests", headers={"Retry-After": str(seconds)})
    assert state.check_connection is not None, "every process that serves the API can test connections"
    result = await state.check_connection(connection)
    return {
        "id": connection_id,
        "workspace": connection.workspace,
        "ok": not result.faults,
        "message": None if result.faults else result.message,
        "faults": result.faults,
    }


async def _find_editable(unit_of_work: UnitOfWork, connection_id: UUID) -> tuple[UUID, StoredConnection]:
    """Return the connection and its workspace.

    Refuses Cal.com accounts and connections that the environment defines.
    """
    connection = await connections_store.get(unit_of_work.tx, connection_id)
    if connection is None or not unit_of_work.permission.can_see(connection[0]):
        raise Refusal("not-found", "The key can see no connection with this id.")
    if connection[1].kind == CALCOM:
        raise Refusal(
            "conflict", "This is a Cal.com account. Change it with `showup accounts` or `showup connections`."
        )
    if connection[1].name == FROM_ENVIRONMENT:
        raise Refusal("conflict", "The environment defines this connection. Change its variables and restart Showup.")
    return connection


def _require_new_secrets(connection: StoredConnection, body: UpdateConnectionRequest) -> None:
    """Refuse a new API address without new credentials, which would send the stored credentials to that address."""
    url = (body.settings or {}).get(_ADDRESS)
    if (
        url is None
        or url == connection.settings.get(_ADDRESS)
        or connection.kind not in KINDS
        or not connection.has_credentials
    ):
        return
    kind, sent = KINDS[connection.kind], body.credentials or {}
    # A secret that is optional must be named too, with null to remove it.
    if missing := [*kind.missing_secrets(sent), *(name for name in kind.optional_credentials if name not in sent)]:
        detail = f"A new address requires new secrets. Send {', '.join(missing)} in `credentials`."
        raise invalid_field(f"settings.{_ADDRESS}", "body", detail)


async def _save(unit_of_work: UnitOfWork, state: AppState, request: ConnectionSpec) -> None:
    if (address_fault := await find_address_fault(state.address_policy, request)) is not None:
        raise invalid_field(address_fault.field, "body", address_fault.because)
    try:
        await amend(
            unit_of_work.tx, state.mail_secrets.seal, request, unit_of_work.at, actor=unit_of_work.permission.actor
        )
    except QuotaReached as limit:
        raise quota_reached(limit) from None
    except ValueError as fault:
        text, setting = str(fault), fault.setting if isinstance(fault, InvalidSetting) else None
        field = f"settings.{setting}" if setting else "settings"
        raise invalid_field(field, "body", f"{text[0].upper()}{text[1:]}.") from fault
    _log.info("connected", kind=request.kind, name=request.name, actor=unit_of_work.permission.actor)


async def _read_connection(unit_of_work: UnitOfWork, connection_id: UUID) -> Any:
    return next(
        item
        for item in await list_connections(unit_of_work.tx, unit_of_work.permission, unit_of_work.at)
        if item["id"] == connection_id
    )
