"""`/api/endpoints`: the endpoints of outgoing webhooks and their status."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Final, Literal
from uuid import UUID, uuid4

import structlog
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field, StringConstraints

from showup.access.settings_log_store import SettingsChange, SettingsEvent, add, changed
from showup.commands.unit_of_work import UnitOfWork
from showup.connections import endpoint_registration, endpoints_store
from showup.connections.endpoint import Endpoint as StoredEndpoint
from showup.connections.quotas import QuotaReached
from showup.database.engine import driver_connection
from showup.destinations.webhook.settings import KINDS, PING, expand
from showup.reads.deliveries import find_delivery
from showup.reads.endpoints import SORTS, find_endpoint, list_endpoints, workspace_of_endpoint
from showup.web.api.deliveries import DeliveryDetailResponse
from showup.web.api.examples import DELIVERY_DETAIL
from showup.web.api.schemas import Example, PageResponse, created_response, ok_response, page_example
from showup.web.http.api_route import ApiRoute
from showup.web.http.app_state import AppState, ReadTransaction, State
from showup.web.http.auth import Admin
from showup.web.http.command_route import CommandRoute, SecretRoute
from showup.web.http.paging import page_response
from showup.web.http.problems import Refusal, found_or_404, invalid_field, problem_examples, quota_reached
from showup.web.http.query_params import ListQuery, WorkspaceQuery
from showup.web.http.request_fields import RequestBody
from showup.web.http.unit_of_work import AdminUnitOfWork, lock_workspace

router = APIRouter(prefix="/api/endpoints", tags=["endpoints"], route_class=ApiRoute)
commands = APIRouter(prefix="/api/endpoints", tags=["endpoints"], route_class=CommandRoute)

ENDPOINT: Example = {
    "id": "2c7d9b1e-3a4f-4b5c-8d6e-7f8091a2b3c4",
    "workspace": "default",
    "url": "https://crm.example.com/showup",
    "description": "our CRM",
    "kinds": ["booking.created", "booking.cancelled", "deal.won"],
    "state": "working",
    "because": None,
    "paused_at": None,
    "failing_since": None,
    "next_try_at": None,
    "created_at": "2026-03-10T09:00:00Z",
    "updated_at": "2026-03-10T09:00:00Z",
}


class EndpointQuery(ListQuery):
    """Filters and paging for endpoints."""

    sort: Literal["created_at", "-created_at"] = "-created_at"


class EndpointResponse(BaseModel):
    """An address that receives a workspace's events. Its secret is returned when it is created, and never again.

    Status `failing`: the last deliveries failed and Showup retries by itself. Status `paused`: nothing is sent until a
    user resumes the endpoint.
    """

    id: UUID
    workspace: str
    url: str
    description: str
    kinds: list[str] = Field(description="The kinds of events sent to it.")
    state: Literal["working", "failing", "paused"]
    because: str | None = Field(description="Why it is failing or paused.")
    paused_at: datetime | None = Field(description="Time when deliveries were paused; new deliveries wait.")
    failing_since: datetime | None
    next_try_at: datetime | None = Field(description="While failing: time of the next attempt, if one is scheduled.")
    created_at: datetime
    updated_at: datetime


@router.get(
    "",
    name="list_endpoints",
    response_model=PageResponse[EndpointResponse],
    responses=ok_response(page_example(ENDPOINT)) | problem_examples("broken-cursor"),
)
async def get_endpoints(
    permission: Admin, tx: ReadTransaction, state: State, query: Annotated[EndpointQuery, Query()]
) -> Any:
    """List endpoints, latest first."""
    page_request = query.page_request(SORTS)
    return page_response(await list_endpoints(tx, permission, page_request, state.clock()), page_request)


@router.get(
    "/{endpoint_id}", response_model=EndpointResponse, responses=ok_response(ENDPOINT) | problem_examples("not-found")
)
async def get_endpoint(
    endpoint_id: UUID, permission: Admin, tx: ReadTransaction, state: State, _query: Annotated[WorkspaceQuery, Query()]
) -> Any:
    """Get an endpoint."""
    return found_or_404(await find_endpoint(tx, permission, endpoint_id, state.clock()), "endpoint")


secret_commands = APIRouter(prefix="/api/endpoints", tags=["endpoints"], route_class=SecretRoute)
_log = structlog.get_logger()

_SECRET: Final = "whsec_c2hvd3VwIHNob3dzIHRoaXMgdG8geW91IG9uY2U="  # noqa: S105  # an example
_PINGED: Final = DELIVERY_DETAIL | {
    "booking_id": None,
    "event_id": None,
    "destination": f"webhook:{ENDPOINT['id']}",
    "kind": PING,
    "recipient": None,
    "state": "scheduled",
    "because": "due now, waiting to be sent",
    "delivered_at": None,
    "attempts": 0,
    "failures": 0,
    "next_try_at": "2026-03-10T09:15:00Z",
    "provider": None,
    "provider_id": None,
    "feedback": None,
    "feedback_at": None,
    "rendered_at": None,
    "attempt_history": [],
}

Url = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000, pattern=r"^\S*$"),
    Field(description="Begins with https:// and resolves to a public address.", examples=[ENDPOINT["url"]]),
]
Kinds = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=50)]],
    Field(
        min_length=1,
        max_length=50,
        description=f"Any of {', '.join(f'`{kind}`' for kind in KINDS)}, or a group such as `booking.*`.",
        examples=[["booking.*", "deal.won"]],
    ),
]
Description = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)]


class CreateEndpointRequest(RequestBody):
    """A new endpoint: its address and the kinds of events to send to it."""

    example: ClassVar = {"url": ENDPOINT["url"], "kinds": ["booking.*", "deal.won"], "description": "our CRM"}

    url: Url
    kinds: Kinds
    description: Description = ""


class UpdateEndpointRequest(RequestBody):
    """Fields of an endpoint to update."""

    requires_any = True
    example: ClassVar = {"paused": False}

    url: Url | None = None
    kinds: Kinds | None = None
    description: Description | None = None
    paused: bool | None = Field(None, description="True pauses deliveries to the endpoint; false resumes them.")


class EndpointSecretResponse(EndpointResponse):
    """An endpoint with its new secret. The secret is returned once: a repeated request gets null."""

    secret: str | None = Field(description="Signs the webhooks sent to this endpoint (Standard Webhooks).")


@secret_commands.post(
    "",
    status_code=201,
    response_model=EndpointSecretResponse,
    responses=created_response(ENDPOINT | {"secret": _SECRET}) | problem_examples("quota-reached"),
)
async def create_endpoint(
    body: CreateEndpointRequest, unit_of_work: AdminUnitOfWork, state: State, _query: Annotated[WorkspaceQuery, Query()]
) -> Any:
    """Create an endpoint for outgoing webhooks. It receives events that occur from now on."""
    workspace = await lock_workspace(unit_of_work)
    await _check_url(state, body.url)
    endpoint = StoredEndpoint(
        id=uuid4(),
        workspace_id=workspace.id,
        url=body.url,
        kinds=_expand_kinds(body.kinds),
        description=body.description,
    )
    try:
        secret = await endpoint_registration.register(
            await driver_connection(unit_of_work.tx), state.mail_secrets.seal, endpoint, unit_of_work.at
        )
    except QuotaReached as limit:
        raise quota_reached(limit) from None
    _log.info("endpoint registered", endpoint_id=str(endpoint.id), actor=unit_of_work.permission.actor)
    await _record(unit_of_work, endpoint, "endpoint.created")
    return await _read_endpoint(unit_of_work, endpoint.id) | {"secret": secret}


@secret_commands.post(
    "/{endpoint_id}/rotate-secret",
    response_model=EndpointSecretResponse,
    responses=ok_response(ENDPOINT | {"secret": _SECRET}) | problem_examples("not-found"),
)
async def rotate_endpoint_secret(
    endpoint_id: UUID, unit_of_work: AdminUnitOfWork, state: State, _query: Annotated[WorkspaceQuery, Query()]
) -> Any:
    """Rotate the secret of an endpoint. The previous secret also signs for another 24 hours."""
    endpoint = await _lock_endpoint(unit_of_work, endpoint_id)
    secret = await endpoint_registration.rotate(
        await driver_connection(unit_of_work.tx), state.mail_secrets.seal, endpoint, unit_of_work.at
    )
    _log.info("endpoint's secret rotated", endpoint_id=str(endpoint_id), actor=unit_of_work.permission.actor)
    await _record(unit_of_work, endpoint, "endpoint.secret_rotated")
    return await _read_endpoint(unit_of_work, endpoint_id) | {"secret": secret}


@commands.patch(
    "/{endpoint_id}", response_model=EndpointResponse, responses=ok_response(ENDPOINT) | problem_examples("not-found")
)
async def update_endpoint(
    endpoint_id: UUID,
    body: UpdateEndpointRequest,
    unit_of_work: AdminUnitOfWork,
    state: State,
    _query: Annotated[WorkspaceQuery, Query()],
) -> Any:
    """Update, pause or resume an endpoint.

    After a resume, Showup sends the waiting deliveries that have not expired.
    """
    endpoint = await _lock_endpoint(unit_of_work, endpoint_id)
    changes = body.model_dump(exclude_unset=True)
    if body.url is not None:
        await _check_url(state, body.url)
    if body.kinds is not None:
        changes["kinds"] = _expand_kinds(body.kinds)
    await endpoint_registration.change(
        await driver_connection(unit_of_work.tx), endpoint, changes, unit_of_work.permission.actor, unit_of_work.at
    )
    _log.info(
        "endpoint changed", endpoint_id=str(endpoint_id), fields=sorted(changes), actor=unit_of_work.permission.actor
    )
    was: dict[str, Any] = {"url": endpoint.url, "kinds": list(endpoint.kinds), "description": endpoint.description}
    was["paused"] = endpoint.paused_at is not None
    now = {name: list(value) if name == "kinds" else value for name, value in changes.items()}
    await _record(unit_of_work, endpoint, "endpoint.changed", changed(was, now))
    return await _read_endpoint(unit_of_work, endpoint_id)


@commands.delete(
    "/{endpoint_id}", response_model=EndpointResponse, responses=ok_response(ENDPOINT) | problem_examples("not-found")
)
async def delete_endpoint(
    endpoint_id: UUID, unit_of_work: AdminUnitOfWork, _query: Annotated[WorkspaceQuery, Query()]
) -> Any:
    """Delete an endpoint and return it. Its scheduled deliveries are withdrawn."""
    endpoint = await _lock_endpoint(unit_of_work, endpoint_id)
    deleted = await _read_endpoint(unit_of_work, endpoint_id)
    await endpoint_registration.delete(
        await driver_connection(unit_of_work.tx), endpoint, unit_of_work.permission.actor, unit_of_work.at
    )
    _log.info("endpoint deleted", endpoint_id=str(endpoint_id), actor=unit_of_work.permission.actor)
    await _record(unit_of_work, endpoint, "endpoint.deleted")
    return deleted


@commands.post(
    "/{endpoint_id}/test",
    name="test_endpoint",
    response_model=DeliveryDetailResponse,
    responses=ok_response(_PINGED) | problem_examples("not-found"),
)
async def send_ping(
    endpoint_id: UUID, unit_of_work: AdminUnitOfWork, _query: Annotated[WorkspaceQuery, Query()]
) -> Any:
    """Send a `ping` to test an endpoint. Returns the delivery; get it later to see its outcome."""
    endpoint = await _lock_endpoint(unit_of_work, endpoint_id)
    if endpoint.paused_at is not None:
        raise Refusal("conflict", 'The endpoint is paused. Resume it first with {"paused": false}.')
    delivery_id = await endpoint_registration.ping(
        await driver_connection(unit_of_work.tx), endpoint, unit_of_work.permission.actor, unit_of_work.at
    )
    return found_or_404(
        await find_delivery(unit_of_work.tx, unit_of_work.permission, delivery_id, unit_of_work.at), "delivery"
    )


async def _lock_endpoint(unit_of_work: UnitOfWork, endpoint_id: UUID) -> StoredEndpoint:
    workspace_id = await workspace_of_endpoint(unit_of_work.tx, unit_of_work.permission, endpoint_id)
    endpoint = workspace_id and await endpoints_store.find(
        await driver_connection(unit_of_work.tx), workspace_id, endpoint_id, lock=True
    )
    if not endpoint:
        raise Refusal("not-found", "The key can see no endpoint with this id.")
    return endpoint


async def _record(
    unit_of_work: UnitOfWork, endpoint: StoredEndpoint, what: SettingsEvent, change: dict[str, Any] | None = None
) -> None:
    entry = SettingsChange(
        workspace_id=endpoint.workspace_id,
        at=unit_of_work.at,
        actor=unit_of_work.permission.actor,
        what=what,
        about=endpoint.url,
        change=change or {},
    )
    await add(unit_of_work.tx, entry)


async def _read_endpoint(unit_of_work: UnitOfWork, endpoint_id: UUID) -> dict[str, Any]:
    return found_or_404(
        await find_endpoint(unit_of_work.tx, unit_of_work.permission, endpoint_id, unit_of_work.at), "endpoint"
    )


async def _check_url(state: AppState, url: str) -> None:
    if (reason := await state.address_policy.refusal_reason(url)) is not None:
        raise invalid_field("url", "body", f"{reason[0].upper()}{reason[1:]}.")


def _expand_kinds(kinds: list[str]) -> tuple[str, ...]:
    try:
        return expand(kinds)
    except ValueError as fault:
        raise invalid_field("kinds", "body", f"{fault}.") from fault
