"""Resolves destinations of workspaces: by stored connections or, for the default workspace, by the environment.

Except for mail, each destination uses its connection; a queue with a missing or unusable connection waits until it is
fixed. Mail is sent with Resend if there is a key, else with SMTP, else it is kept in the mail preview.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from showup.access import connections_store, workspaces_store
from showup.access.connection import Connection
from showup.access.secrets_at_rest import DecryptionError, Seal
from showup.access.workspace import DEFAULT, Workspace
from showup.clock import Clock
from showup.connections import endpoints_store, senders_store
from showup.connections.catalogue import KINDS
from showup.connections.endpoint import active_secrets, endpoint_id_of, is_endpoint
from showup.database.engine import driver_connection, transaction
from showup.destinations.contract import Destination
from showup.destinations.destination_kind import DestinationKind, parse_limits
from showup.destinations.email.client import Resend
from showup.destinations.email.destination import EmailDestination, MailPreview, MailRenderer, MailTransport
from showup.destinations.email.settings import SmtpServer
from showup.destinations.email.smtp import Smtp
from showup.destinations.webhook.destination import WebhookDestination
from showup.dispatch.destination_context import Clients, build_destination_context
from showup.dispatch.preparation import ConnectedQueue, NotConnected
from showup.outbox.delivery import DestinationQueue

_CACHE_TTL: Final = timedelta(seconds=5)

MailKind: TypeAlias = Literal["resend", "smtp"]
MAIL_KINDS: Final[tuple[MailKind, ...]] = ("resend", "smtp")
"""The kinds of connections that send mail; a workspace uses the first one that it has."""


class MailAccess(Struct, frozen=True, kw_only=True):
    """The environment's mail settings for the default workspace. Secrets are in plain text: never show them."""

    resend_url: str
    resend_key: str | None = None
    smtp_url: str | None = None


class DestinationResolver:
    """Resolves the destinations of all workspaces from connections that are at most some seconds old."""

    def __init__(
        self,
        engine: AsyncEngine,
        seal: Seal,
        clock: Clock,
        *,
        clients: Clients,
        environment: MailAccess,
        renderer: Callable[[bool], MailRenderer],
        retry_after: tuple[timedelta, ...],
    ) -> None:
        """`renderer` returns the renderer for sent mail (True) or for the mail preview (False), which has no sender."""
        self._engine = engine
        self._seal = seal
        self._clock = clock
        self._clients = clients
        self._environment = environment
        self._renderers = {is_outgoing: renderer(is_outgoing) for is_outgoing in (True, False)}
        self._retry_after = retry_after
        self._cache: dict[DestinationQueue, tuple[datetime, ConnectedQueue]] = {}

    async def resolve(self, queue: DestinationQueue) -> ConnectedQueue:
        """Returns the queue's workspace and destination. Raises NotConnected."""
        now = self._clock()
        cached = self._cache.get(queue)
        if cached is None or not now - _CACHE_TTL < cached[0] <= now:
            async with transaction(self._engine) as tx:
                cached = self._cache[queue] = (now, await self._find(tx, queue))
        return cached[1]

    async def _find(self, tx: AsyncConnection, queue: DestinationQueue) -> ConnectedQueue:
        workspace = await workspaces_store.get(tx, queue.workspace_id)
        try:
            destination = await self._destination(tx, queue, workspace.slug)
        except (DecryptionError, ValueError) as fault:
            raise NotConnected(f"the connection is invalid: {fault}") from None
        kind = KINDS.get(queue.destination)
        return ConnectedQueue(
            queue=queue,
            workspace=workspace.slug,
            destination=destination,
            time_zone=workspace.time_zone,
            keeps_records=kind is not None and kind.keeps_records,
            plans_reminders=kind is not None and kind.plans_reminders,
        )

    async def _destination(self, tx: AsyncConnection, queue: DestinationQueue, slug: str) -> Destination:
        match queue.destination:
            case "mail_preview":
                return await self._mail(tx, queue, MailPreview())
            case "email":
                return await self._email_destination(tx, queue, slug)
            case name if name in KINDS:
                return await self._destination_of_kind(tx, queue, KINDS[name])
            case name if is_endpoint(name):
                return await self._endpoint_destination(tx, queue)
            case name:
                raise NotConnected(f"this version of Showup has no destination {name}")

    async def _destination_of_kind(
        self, tx: AsyncConnection, queue: DestinationQueue, kind: DestinationKind
    ) -> Destination:
        found = await connections_store.list_connections(tx, workspace_id=queue.workspace_id)
        connection = next((one for one in found if one.kind == kind.name), None)
        if connection is None:
            raise NotConnected(f"{kind.name} is not connected: run `showup connections set {kind.name} …`")
        secrets = await connections_store.credentials(tx, self._seal, connection.id) or {}
        if missing := kind.missing_secrets(secrets):
            raise NotConnected(f"the connection {kind.name} {connection.name} has no {', '.join(missing)}")
        settings = kind.parse_settings(connection.settings)
        if settings.paused:
            raise NotConnected(f"a person paused {kind.name}: resume it on the page Connections")
        client = self._clients.client_for(connection, settings)
        return kind.build(settings, secrets, build_destination_context(self._engine, queue, client, self._clock))

    async def _endpoint_destination(self, tx: AsyncConnection, queue: DestinationQueue) -> Destination:
        connection = await driver_connection(tx)
        endpoint = await endpoints_store.find(connection, queue.workspace_id, endpoint_id_of(queue.destination))
        if endpoint is None:
            raise NotConnected("the endpoint no longer exists")
        if endpoint.paused_at is not None:
            raise NotConnected(
                f"the endpoint has been paused since {endpoint.paused_at:%Y-%m-%d %H:%M:%S} UTC: {endpoint.because}"
            )
        secrets = await endpoints_store.secrets(connection, self._seal, endpoint.id)
        return WebhookDestination(
            self._clients.untrusted, url=endpoint.url, secrets=active_secrets(secrets, self._clock()), clock=self._clock
        )

    async def mail(self, workspace: Workspace, kind: MailKind | None = None) -> EmailDestination:
        """Returns a workspace's mail; with `kind`, over its connection of that kind, whatever else it has.

        Raises DecryptionError, and ValueError for an invalid connection.
        """
        queue = DestinationQueue(workspace_id=workspace.id, destination="email")
        async with transaction(self._engine) as tx:
            return await self._email_destination(tx, queue, workspace.slug, MAIL_KINDS if kind is None else (kind,))

    async def _email_destination(
        self, tx: AsyncConnection, queue: DestinationQueue, slug: str, kinds: Sequence[MailKind] = MAIL_KINDS
    ) -> EmailDestination:
        stored = {
            one.kind: one for one in await connections_store.list_connections(tx, workspace_id=queue.workspace_id)
        }
        environment = self._environment if slug == DEFAULT else MailAccess(resend_url=self._environment.resend_url)
        for kind in kinds:
            connection = stored.get(kind)
            carrier = (
                await self._resend(tx, connection, environment)
                if kind == "resend"
                else await self._smtp(tx, connection, environment)
            )
            if carrier is not None:
                return await self._mail(tx, queue, carrier, connection)
        return await self._mail(tx, queue, MailPreview())

    async def _resend(
        self, tx: AsyncConnection, connection: Connection | None, environment: MailAccess
    ) -> Resend | None:
        key = await self._secret(tx, connection, "api_key") or environment.resend_key
        return Resend(self._clients.trusted, url=environment.resend_url, key=key, clock=self._clock) if key else None

    async def _smtp(self, tx: AsyncConnection, connection: Connection | None, environment: MailAccess) -> Smtp | None:
        if url := await self._secret(tx, connection, "url"):
            lookup = self._clients.address_policy.resolve
            return Smtp(SmtpServer.from_url(url), clock=self._clock, lookup=lookup)
        return Smtp(SmtpServer.from_url(environment.smtp_url), clock=self._clock) if environment.smtp_url else None

    async def _secret(self, tx: AsyncConnection, connection: Connection | None, name: str) -> str | None:
        if connection is None or not connection.has_credentials:
            return None
        credentials = await connections_store.credentials(tx, self._seal, connection.id) or {}
        return str(credentials[name]) if credentials.get(name) else None

    async def _mail(
        self,
        tx: AsyncConnection,
        queue: DestinationQueue,
        carrier: MailTransport,
        connection: Connection | None = None,
    ) -> EmailDestination:
        renderer = self._renderers[not isinstance(carrier, MailPreview)]
        if senders := await senders_store.sender_rules(tx, queue.workspace_id):
            renderer = renderer.with_senders(senders)
        pace = parse_limits(connection.settings if connection else {}).override_pace(carrier.pace(self._retry_after))
        return EmailDestination(renderer, carrier, pace=pace)
