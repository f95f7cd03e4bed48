"""How workspaces reach their destinations: by stored connections or, for the default workspace, by the environment's.

Beside mail, each goes where its connection leads; a lane whose connection is gone or unusable waits until it is put
right. Mail goes by Resend where there is a key, else by SMTP, else to the outbox, where it is kept and shown.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from showup.access import connections_store, workspaces_store
from showup.access.connection import Connection
from showup.access.secrets_at_rest import Seal, Unsealable
from showup.access.workspace import DEFAULT
from showup.clock import Clock
from showup.database.engine import raw, transaction
from showup.deliveries import endpoints_store
from showup.deliveries.delivery import Lane
from showup.deliveries.endpoint import endpoint_id_of, in_force, is_endpoint
from showup.deliveries.outfitting import Clients, outfit_of
from showup.deliveries.preparing import Connected, NotConnected
from showup.destinations.catalogue import KINDS
from showup.destinations.contract import Destination, Pace
from showup.destinations.email.destination import Carrier, EmailDestination, Renderer
from showup.destinations.email.outbox import Outbox
from showup.destinations.email.resend import Resend
from showup.destinations.email.smtp import Smtp
from showup.destinations.email.smtp_url import SmtpServer
from showup.destinations.kind import Kind
from showup.destinations.webhook.destination import WebhookDestination

_KNOWN_FOR: Final = timedelta(seconds=5)


class MailAccess(Struct, frozen=True, kw_only=True):
    """What the environment gives the default workspace to send mail with. Secrets in the clear: never shown."""

    resend_url: str
    resend_key: str | None = None
    smtp_url: str | None = None


class PaceSettings(Struct, frozen=True, kw_only=True):
    """What a connection's settings may say of the pace of its destination."""

    rate_per_second: float | None = None
    at_once: int | None = None


class Reaching:
    """Knows the destinations of all workspaces, as their connections stood some seconds ago at most."""

    def __init__(
        self,
        engine: AsyncEngine,
        seal: Seal,
        clock: Clock,
        *,
        clients: Clients,
        given: MailAccess,
        renderer: Callable[[bool], Renderer],
        retry_after: tuple[timedelta, ...],
    ) -> None:
        """`renderer` makes the one for mail that leaves (True) and the one for the outbox, which needs no sender."""
        self._engine = engine
        self._seal = seal
        self._clock = clock
        self._clients = clients
        self._given = given
        self._renderers = {leaving: renderer(leaving) for leaving in (True, False)}
        self._retry_after = retry_after
        self._known: dict[Lane, tuple[datetime, Connected]] = {}

    async def connected(self, lane: Lane) -> Connected:
        """The lane's workspace and destination. Raises NotConnected."""
        now = self._clock()
        known = self._known.get(lane)
        if known is None or not now - _KNOWN_FOR < known[0] <= now:
            async with transaction(self._engine) as tx:
                known = self._known[lane] = (now, await self._find(tx, lane))
        return known[1]

    async def _find(self, tx: AsyncConnection, lane: Lane) -> Connected:
        workspace = await workspaces_store.of_id(tx, lane.workspace_id)
        try:
            destination = await self._destination(tx, lane, workspace.slug)
        except (Unsealable, ValueError) as fault:
            raise NotConnected(f"the connection can't be used: {fault}") from None
        return Connected(lane=lane, workspace=workspace.slug, destination=destination, time_zone=workspace.time_zone)

    async def _destination(self, tx: AsyncConnection, lane: Lane, slug: str) -> Destination:
        match lane.destination:
            case "outbox":
                return self._mail(Outbox())
            case "email":
                return await self._email(tx, lane, slug)
            case name if name in KINDS:
                return await self._of_kind(tx, lane, KINDS[name])
            case name if is_endpoint(name):
                return await self._endpoint(tx, lane)
            case name:
                raise NotConnected(f"{name} is not a destination of this version of Showup")

    async def _of_kind(self, tx: AsyncConnection, lane: Lane, kind: Kind) -> Destination:
        found = await connections_store.list_connections(tx, workspace_id=lane.workspace_id)
        connection = next((one for one in found if one.kind == kind.name), None)
        if connection is None:
            raise NotConnected(f"{kind.name} is not connected: `showup connections set {kind.name} …` does that")
        secrets = await connections_store.credentials(tx, self._seal, connection.id) or {}
        if missing := kind.missing(secrets):
            raise NotConnected(f"the connection {kind.name} {connection.name} lacks its {', '.join(missing)}")
        settings = kind.read(connection.settings)
        client = self._clients.of(connection, settings)
        return kind.build(settings, secrets, outfit_of(self._engine, lane, client, self._clock))

    async def _endpoint(self, tx: AsyncConnection, lane: Lane) -> Destination:
        connection = await raw(tx)
        endpoint = await endpoints_store.find(connection, lane.workspace_id, endpoint_id_of(lane.destination))
        if endpoint is None:
            raise NotConnected("there is no such endpoint any more")
        if endpoint.paused_at is not None:
            raise NotConnected(
                f"the endpoint is paused since {endpoint.paused_at:%Y-%m-%d %H:%M:%S} UTC: {endpoint.because}"
            )
        secrets = await endpoints_store.secrets(connection, self._seal, endpoint.id)
        return WebhookDestination(
            self._clients.outside, url=endpoint.url, secrets=in_force(secrets, self._clock()), clock=self._clock
        )

    async def _email(self, tx: AsyncConnection, lane: Lane, slug: str) -> Destination:
        stored = {one.kind: one for one in await connections_store.list_connections(tx, workspace_id=lane.workspace_id)}
        given = self._given if slug == DEFAULT else MailAccess(resend_url=self._given.resend_url)
        if key := await self._secret(tx, stored.get("resend"), "api_key") or given.resend_key:
            carrier: Carrier = Resend(self._clients.known, url=given.resend_url, key=key, clock=self._clock)
            return self._mail(carrier, stored.get("resend"))
        if url := await self._secret(tx, stored.get("smtp"), "url") or given.smtp_url:
            return self._mail(Smtp(SmtpServer.of(url), clock=self._clock), stored.get("smtp"))
        return self._mail(Outbox())

    async def _secret(self, tx: AsyncConnection, connection: Connection | None, name: str) -> str | None:
        if connection is None or not connection.has_credentials:
            return None
        credentials = await connections_store.credentials(tx, self._seal, connection.id) or {}
        return str(credentials[name]) if credentials.get(name) else None

    def _mail(self, carrier: Carrier, connection: Connection | None = None) -> EmailDestination:
        renderer = self._renderers[not isinstance(carrier, Outbox)]
        pace = _paced(carrier.pace(self._retry_after), connection.settings if connection else {})
        return EmailDestination(renderer, carrier, pace=pace)


def _paced(pace: Pace, settings: Mapping[str, Any]) -> Pace:
    """The pace with what a connection's settings say of it. Raises msgspec.ValidationError."""
    said = msgspec.convert(dict(settings), PaceSettings, strict=False)
    return replace(
        pace,
        rate_per_second=pace.rate_per_second if said.rate_per_second is None else said.rate_per_second,
        at_once=pace.at_once if said.at_once is None else said.at_once,
    )
