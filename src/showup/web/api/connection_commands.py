"""Connecting other systems, changing how, and disconnecting them."""

from typing import Annotated, Any, ClassVar, Final, Literal
from uuid import UUID

import structlog
from fastapi import APIRouter, Query
from pydantic import Field

from showup.access import connections_store
from showup.access.connection import CALCOM
from showup.access.connection import Connection as Stored
from showup.deliveries.given import NAME as FROM_ENVIRONMENT
from showup.deliveries.setting_up import Wanted, amend, take_down
from showup.destinations.catalogue import KINDS
from showup.destinations.email.smtp_url import SmtpServer
from showup.reads.connections import list_connections
from showup.web.acting import AdminHand, Hand
from showup.web.api.connections import CONNECTION, Connection
from showup.web.api.shapes import Example, makes, shows
from showup.web.bodies import Body
from showup.web.command_route import CommandRoute
from showup.web.ground import Ground, OnGround
from showup.web.problems import Refusal, documented, refused_field
from showup.web.questions import Question, Word

router = APIRouter(prefix="/api/connections", tags=["connections"], route_class=CommandRoute)
_log = structlog.get_logger()

_SLACK: Final[Example] = CONNECTION | {
    "kind": "slack",
    "name": "team",
    "settings": {"channel": "C0123456789"},
    "calcom": None,
}
_ADDRESS: Final = "api_url"
_SMTP: Final = "smtp"
Settings = Annotated[
    dict[str, Any], Field(max_length=100, description="What it says, by name; null takes a setting away.")
]
Credentials = Annotated[
    dict[str, str | None], Field(max_length=20, description="Its secrets, by name; they are kept sealed, never shown.")
]


class NewConnection(Body):
    """How a workspace reaches another system."""

    example: ClassVar = {
        "kind": "slack",
        "name": "team",
        "settings": {"channel": "C0123456789"},
        "credentials": {"bot_token": "xoxb-…", "signing_secret": "…"},
    }

    kind: Literal["clickup", "notion", "slack", "twilio", "resend", "smtp", "emailbison"]
    name: Word = Field(description="Its name among those of its kind.")
    settings: Settings = Field({})
    credentials: Credentials | None = None


class ConnectionChanges(Body):
    """What is to be otherwise of a connection; what is not named in either stays as it is."""

    needs_any = True
    example: ClassVar = {"settings": {"channel": "C9876543210"}}

    settings: Settings | None = None
    credentials: Credentials | None = None


@router.post("", status_code=201, response_model=Connection, responses=makes(_SLACK) | documented("exists-already"))
async def connect(said: NewConnection, hand: AdminHand, ground: OnGround, _asked: Annotated[Question, Query()]) -> Any:
    """Connect another system. It is told of what happens from now on, as its settings say."""
    workspace = await hand.home()
    if said.name == FROM_ENVIRONMENT:
        raise refused_field(
            "name", "body", f"{FROM_ENVIRONMENT!r} is what the environment's own are called: take another."
        )
    found = await connections_store.find(hand.tx, workspace_id=workspace.id, kind=said.kind, name=said.name)
    if found is not None:
        raise Refusal("exists-already", f"There is a connection {said.kind} {said.name}: PATCH {found.id} changes it.")
    wanted = Wanted(
        workspace_id=workspace.id,
        kind=said.kind,
        name=said.name,
        settings=said.settings,
        credentials=said.credentials,
    )
    await _put(hand, ground, wanted)
    made = await connections_store.find(hand.tx, workspace_id=workspace.id, kind=said.kind, name=said.name)
    assert made is not None, "it was just made"
    return await _shown(hand, made.id)


@router.patch("/{connection_id}", response_model=Connection, responses=shows(_SLACK) | documented("not-found"))
async def change(
    connection_id: UUID,
    said: ConnectionChanges,
    hand: AdminHand,
    ground: OnGround,
    _asked: Annotated[Question, Query()],
) -> Any:
    """Change what a connection says, or its secrets."""
    workspace_id, found = await _ours(hand, connection_id)
    _refuse_to_show_secrets(found, said)
    wanted = Wanted(
        workspace_id=workspace_id,
        kind=found.kind,
        name=found.name,
        settings=said.settings or {},
        credentials=said.credentials,
    )
    await _put(hand, ground, wanted)
    return await _shown(hand, connection_id)


@router.delete("/{connection_id}", response_model=Connection, responses=shows(_SLACK) | documented("not-found"))
async def disconnect(connection_id: UUID, hand: AdminHand, _asked: Annotated[Question, Query()]) -> Any:
    """Disconnect a system; what was scheduled for it waits until it is connected again. Answers what it was."""
    workspace_id, found = await _ours(hand, connection_id)
    was = await _shown(hand, connection_id)
    await take_down(hand.tx, workspace_id=workspace_id, kind=found.kind, name=found.name, now=hand.at)
    _log.info("disconnected", kind=found.kind, name=found.name, actor=hand.permit.actor)
    return was


async def _ours(hand: Hand, connection_id: UUID) -> tuple[UUID, Stored]:
    """The connection and its workspace. Refuses what is changed elsewhere: accounts, and what the environment says."""
    found = await connections_store.of_id(hand.tx, connection_id)
    if found is None or not hand.permit.sees(found[0]):
        raise Refusal("not-found", "There is no connection with this id that the key may see.")
    if found[1].kind == CALCOM:
        raise Refusal("conflict", "It is an account of Cal.com: `showup accounts` and `showup connections` change it.")
    if found[1].name == FROM_ENVIRONMENT:
        raise Refusal("conflict", "It comes from the environment: change its variables, and start Showup again.")
    return found


def _refuse_to_show_secrets(found: Stored, said: ConnectionChanges) -> None:
    """Secrets are never shown: neither by an address of somebody's own, to which they would be sent."""
    url = (said.settings or {}).get(_ADDRESS)
    if url is None or url == found.settings.get(_ADDRESS) or found.kind not in KINDS or not found.has_credentials:
        return
    if missing := KINDS[found.kind].missing(said.credentials or {}):
        detail = f"Another address needs its secrets anew: give {', '.join(missing)} among the credentials."
        raise refused_field(f"settings.{_ADDRESS}", "body", detail)


async def _check_addresses(ground: Ground, wanted: Wanted) -> None:
    url = wanted.settings.get(_ADDRESS)
    if isinstance(url, str) and (because := await ground.outside.why_refused(url)) is not None:
        raise refused_field(f"settings.{_ADDRESS}", "body", f"{because[0].upper()}{because[1:]}.")
    server = (wanted.credentials or {}).get("url")
    if wanted.kind != _SMTP or server is None:
        return
    try:
        host = SmtpServer.of(server).host
    except ValueError as fault:
        raise refused_field("credentials.url", "body", f"{fault}.") from fault
    if (because := await ground.outside.why_refused(f"https://{f'[{host}]' if ':' in host else host}")) is not None:
        raise refused_field("credentials.url", "body", f"{because[0].upper()}{because[1:]}.")


async def _put(hand: Hand, ground: Ground, wanted: Wanted) -> None:
    await _check_addresses(ground, wanted)
    try:
        await amend(hand.tx, ground.mailing.seal, wanted, hand.at)
    except ValueError as fault:
        text = str(fault)
        raise refused_field("settings", "body", f"{text[0].upper()}{text[1:]}.") from fault
    _log.info("connected", kind=wanted.kind, name=wanted.name, actor=hand.permit.actor)


async def _shown(hand: Hand, connection_id: UUID) -> Any:
    return next(one for one in await list_connections(hand.tx, hand.permit, hand.at) if one["id"] == connection_id)
