"""Registering addresses for outgoing webhooks, changing them, and trying them out."""

from typing import Annotated, Any, ClassVar, Final
from uuid import UUID, uuid4

import structlog
from fastapi import APIRouter, Query
from pydantic import Field, StringConstraints

from showup.database.engine import raw
from showup.deliveries import endpoints_store, registering
from showup.deliveries.endpoint import Endpoint as Registered
from showup.destinations.webhook.kinds import KINDS, PING, expanded
from showup.reads.deliveries import find_delivery
from showup.reads.endpoints import find_endpoint, home_of_endpoint
from showup.web.acting import AdminHand, Hand
from showup.web.api.deliveries import DETAIL, DeliveryDetail
from showup.web.api.endpoints import ENDPOINT, Endpoint
from showup.web.api.shapes import makes, shows
from showup.web.bodies import Body
from showup.web.command_route import CommandRoute, SecretRoute
from showup.web.ground import Ground, OnGround
from showup.web.problems import Refusal, documented, found_or_refused, refused_field
from showup.web.questions import Question

router = APIRouter(prefix="/api/endpoints", tags=["endpoints"], route_class=CommandRoute)
secret_router = APIRouter(prefix="/api/endpoints", tags=["endpoints"], route_class=SecretRoute)
_log = structlog.get_logger()

_SECRET: Final = "whsec_c2hvd3VwIHNob3dzIHRoaXMgdG8geW91IG9uY2U="  # noqa: S105  # an example
_PINGED: Final = DETAIL | {
    "booking_id": None,
    "event_id": None,
    "destination": f"webhook:{ENDPOINT['id']}",
    "kind": PING,
    "recipient": None,
    "state": "scheduled",
    "because": "it is due, and waits for its turn",
    "delivered_at": None,
    "attempts": 0,
    "failures": 0,
    "next_try_at": "2026-03-10T09:15:00Z",
    "provider": None,
    "provider_id": None,
    "feedback": None,
    "feedback_at": None,
    "rendered_at": None,
    "tries": [],
}

Url = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000, pattern=r"^[^\s\x00]*$"),
    Field(description="Begins with https://, and leads to a public address.", examples=[ENDPOINT["url"]]),
]
Kinds = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=50)]],
    Field(
        min_length=1,
        max_length=50,
        description=f"Of {', '.join(f'`{one}`' for one in KINDS)}; `booking.*` and `deal.*` mean all of a group.",
        examples=[["booking.*", "deal.won"]],
    ),
]
Description = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500, pattern=r"^[^\x00]*$")]


class NewEndpoint(Body):
    """An address, and the kinds of news that it is to be told."""

    example: ClassVar = {"url": ENDPOINT["url"], "kinds": ["booking.*", "deal.won"], "description": "our CRM"}

    url: Url
    kinds: Kinds
    description: Description = ""


class EndpointChanges(Body):
    """What is to be otherwise of an endpoint."""

    needs_any = True
    example: ClassVar = {"paused": False}

    url: Url | None = None
    kinds: Kinds | None = None
    description: Description | None = None
    paused: bool | None = Field(None, description="Whether nothing is sent for now; false lets it go on.")


class EndpointWithSecret(Endpoint):
    """An endpoint with its new secret, which is shown this once: a request that is repeated gets null."""

    secret: str | None = Field(description="What webhooks to it are signed with (Standard Webhooks).")


@secret_router.post(
    "", status_code=201, response_model=EndpointWithSecret, responses=makes(ENDPOINT | {"secret": _SECRET})
)
async def register(said: NewEndpoint, hand: AdminHand, ground: OnGround, _asked: Annotated[Question, Query()]) -> Any:
    """Register an address for outgoing webhooks. It is told of what happens from now on."""
    workspace = await hand.home()
    await _check(ground, said.url)
    endpoint = Registered(
        id=uuid4(),
        workspace_id=workspace.id,
        url=said.url,
        kinds=_meant(said.kinds),
        description=said.description,
    )
    secret = await registering.register(await raw(hand.tx), ground.mailing.seal, endpoint, hand.at)
    _log.info("endpoint registered", endpoint_id=str(endpoint.id), actor=hand.permit.actor)
    return await _shown(hand, endpoint.id) | {"secret": secret}


@secret_router.post(
    "/{endpoint_id}/rotate-secret",
    response_model=EndpointWithSecret,
    responses=shows(ENDPOINT | {"secret": _SECRET}) | documented("not-found"),
)
async def rotate_secret(
    endpoint_id: UUID, hand: AdminHand, ground: OnGround, _asked: Annotated[Question, Query()]
) -> Any:
    """Give an endpoint another secret. The one before it signs too, for 24 hours."""
    endpoint = await _held(hand, endpoint_id)
    secret = await registering.rotate(await raw(hand.tx), ground.mailing.seal, endpoint, hand.at)
    _log.info("endpoint's secret rotated", endpoint_id=str(endpoint_id), actor=hand.permit.actor)
    return await _shown(hand, endpoint_id) | {"secret": secret}


@router.patch("/{endpoint_id}", response_model=Endpoint, responses=shows(ENDPOINT) | documented("not-found"))
async def change(
    endpoint_id: UUID, said: EndpointChanges, hand: AdminHand, ground: OnGround, _asked: Annotated[Question, Query()]
) -> Any:
    """Change an endpoint, hold it back, or let it go on: then what waits is sent, as far as it is still worth it."""
    endpoint = await _held(hand, endpoint_id)
    given = said.model_dump(exclude_unset=True)
    if said.url is not None:
        await _check(ground, said.url)
    if said.kinds is not None:
        given["kinds"] = _meant(said.kinds)
    await registering.change(await raw(hand.tx), endpoint, given, hand.permit.actor, hand.at)
    _log.info("endpoint changed", endpoint_id=str(endpoint_id), fields=sorted(given), actor=hand.permit.actor)
    return await _shown(hand, endpoint_id)


@router.delete("/{endpoint_id}", response_model=Endpoint, responses=shows(ENDPOINT) | documented("not-found"))
async def delete(endpoint_id: UUID, hand: AdminHand, _asked: Annotated[Question, Query()]) -> Any:
    """Delete an endpoint; what was still to be sent there is withdrawn. Answers the endpoint that it was."""
    endpoint = await _held(hand, endpoint_id)
    was = await _shown(hand, endpoint_id)
    await registering.delete(await raw(hand.tx), endpoint, hand.permit.actor, hand.at)
    _log.info("endpoint deleted", endpoint_id=str(endpoint_id), actor=hand.permit.actor)
    return was


@router.post("/{endpoint_id}/test", response_model=DeliveryDetail, responses=shows(_PINGED) | documented("not-found"))
async def send_ping(endpoint_id: UUID, hand: AdminHand, _asked: Annotated[Question, Query()]) -> Any:
    """Send an endpoint a `ping`, to try it out. Answers the delivery, which tells later what became of it."""
    endpoint = await _held(hand, endpoint_id)
    if endpoint.paused_at is not None:
        raise Refusal("conflict", 'The endpoint is paused: let it go on first, with {"paused": false}.')
    delivery_id = await registering.ping(await raw(hand.tx), endpoint, hand.permit.actor, hand.at)
    return found_or_refused(await find_delivery(hand.tx, hand.permit, delivery_id, hand.at), "delivery")


async def _held(hand: Hand, endpoint_id: UUID) -> Registered:
    home = await home_of_endpoint(hand.tx, hand.permit, endpoint_id)
    held = home and await endpoints_store.find(await raw(hand.tx), home, endpoint_id, hold=True)
    if not held:
        raise Refusal("not-found", "There is no endpoint with this id that the key may see.")
    return held


async def _shown(hand: Hand, endpoint_id: UUID) -> dict[str, Any]:
    return found_or_refused(await find_endpoint(hand.tx, hand.permit, endpoint_id, hand.at), "endpoint")


async def _check(ground: Ground, url: str) -> None:
    if (because := await ground.outside.why_refused(url)) is not None:
        raise refused_field("url", "body", f"{because[0].upper()}{because[1:]}.")


def _meant(kinds: list[str]) -> tuple[str, ...]:
    try:
        return expanded(kinds)
    except ValueError as fault:
        raise refused_field("kinds", "body", f"{fault}.") from fault
