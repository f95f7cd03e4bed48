"""Builds the house once: from settings to the database, and from there to door, keeper and applier."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.access.accounts_store import ensure_defaults
from showup.access.directory import AccountDirectory
from showup.access.secrets_at_rest import Seal, kept_key
from showup.clock import Clock, system_clock
from showup.database.embedded.errors import FolderUnusable
from showup.database.embedded.folder import default_data_folder
from showup.database.embedded.server import EmbeddedPostgres
from showup.database.engine import CONNECTED_WITHIN, connect, explained
from showup.database.migrate import upgrade
from showup.settings import Settings, plain

if TYPE_CHECKING:
    import httpx2
    from starlette.types import ASGIApp

    from showup.deliveries.connecting import Reaching
    from showup.deliveries.outfitting import Clients
    from showup.deliveries.worker import Worker
    from showup.destinations.email.render import Renderer
    from showup.destinations.public_addresses import Outside
    from showup.inbox.applier import Applier
    from showup.inbox.door_metrics import DoorMetrics
    from showup.inbox.keep import Keeper
    from showup.reconcile.account import ApiAccess
    from showup.reconcile.reconciler import Reconciler
    from showup.web.bell import Bell
    from showup.web.webhooks import WebhookDoor


_JOBS_WITHIN = 30.0
# Whose mail it would be, in an outbox that mail never leaves.
_NOBODY = "showup@localhost"


class Ground(Struct, frozen=True, kw_only=True):
    """What every process of one Showup stands on; it goes from parent to child as JSON.

    `direct_url` leads past a pooler, for whoever listens or migrates. `secret_keys` have commas between.
    """

    url: str
    direct_url: str
    secret_keys: str


@contextmanager
def opened(settings: Settings) -> Iterator[tuple[Ground, EmbeddedPostgres | None]]:
    """The database of the settings, open: theirs, or the embedded one, which closes at the end.

    Raises an EmbeddedError.
    """
    if settings.database_url is not None:
        yield _given_ground(settings), None
        return
    folder = data_folder(settings)
    with EmbeddedPostgres(folder, run_as=settings.run_as) as server:
        yield Ground(url=server.dsn, direct_url=server.dsn, secret_keys=_keys(settings, folder)), server


def data_folder(settings: Settings) -> Path:
    """Where the embedded database lives."""
    return settings.data_dir or default_data_folder()


async def prepare(ground: Ground) -> None:
    """Migrates the database and makes what every Showup has; raises DatabaseAway."""
    await upgrade(ground.direct_url)
    async with explained(ground.direct_url):
        engine = connect(ground.direct_url, pool_size=1)
        try:
            await ensure_defaults(engine)
        finally:
            await engine.dispose()


class House:
    """One process's Showup. What a process never asks for is never built, nor imported."""

    def __init__(self, settings: Settings, seal: Seal, engine: AsyncEngine, clock: Clock) -> None:
        self.settings = settings
        self.seal = seal
        self.engine = engine
        self.clock = clock

    @cached_property
    def directory(self) -> AccountDirectory:
        """The Cal.com accounts, the environment's secrets among theirs."""
        return AccountDirectory(self.engine, self.seal, self.clock, default_secrets=self.secrets_given)

    @property
    def secrets_given(self) -> tuple[str, ...]:
        """The default account's webhook secrets from the environment, newest first."""
        given = (self.settings.calcom_webhook_secret, self.settings.calcom_webhook_secret_previous)
        return tuple(secret.get_secret_value() for secret in given if secret is not None)

    @cached_property
    def door_metrics(self) -> "DoorMetrics":
        """What the webhooks' door does, in numbers."""
        from showup.inbox.door_metrics import DoorMetrics

        return DoorMetrics()

    @cached_property
    def keeper(self) -> "Keeper":
        """Keeps what comes in; it wants `run` to be running."""
        from showup.inbox.keep import Keeper

        return Keeper(self.engine, self.door_metrics)

    @cached_property
    def applier(self) -> "Applier":
        """Applies what was kept."""
        from showup.inbox.applier import Applier

        return Applier(self.engine, self.clock)

    @cached_property
    def outside(self) -> "Outside":
        """Where addresses may lead that others chose."""
        from showup.destinations.public_addresses import Outside, look_up

        return Outside(private=self.settings.private_addresses, lookup=look_up)

    @cached_property
    def bell(self) -> "Bell":
        """Rings when signatures are wrong again and again."""
        from showup.web.bell import Bell

        return Bell(self.engine, self.clock)

    @cached_property
    def door(self) -> "ASGIApp":
        """Everything that is served, every answer completed."""
        from showup.web.every_answer import completed

        return completed(self.webhook_door, cors_origins=self.settings.cors_origins)

    @cached_property
    def webhook_door(self) -> "WebhookDoor":
        """The webhooks' own door, and behind it the application."""
        from showup.web.app import create_app
        from showup.web.ground import Mailing
        from showup.web.webhooks import WebhookDoor

        app = create_app(
            engine=self.engine,
            clock=self.clock,
            admin_key=plain(self.settings.admin_key),
            version=version("showup"),
            door_metrics=self.door_metrics,
            bell=self.bell,
            mailing=Mailing(seal=self.seal, webhook_secret=plain(self.settings.resend_webhook_secret)),
            outside=self.outside,
        )
        return WebhookDoor(
            self.directory, self.keeper, self.clock, fallback=app, metrics=self.door_metrics, bell=self.bell
        )


@asynccontextmanager
async def deliverer(built: House, ground: Ground) -> "AsyncIterator[Worker]":
    """Whoever tells the outside, over a house; its connections close at the end. Raises CannotRender."""
    import asyncpg

    from showup.database.address import own_arguments
    from showup.deliveries.courier import Courier
    from showup.deliveries.digesting import Digesting
    from showup.deliveries.preparing import LastLook
    from showup.deliveries.unsubscribing import make_token
    from showup.deliveries.worker import POOL_SIZE, Chore, Worker
    from showup.reads.digest import digest
    from showup.reads.meetings import current

    def unsubscribe(workspace_id: UUID, email: str) -> str:
        return f"{built.settings.public_url}/unsubscribe/{make_token(built.seal, workspace_id, email)}"

    look = LastLook(current=current, unsubscribe=unsubscribe)
    pool = asyncpg.create_pool(
        **own_arguments(ground.direct_url),
        min_size=1,
        max_size=POOL_SIZE,
        # A connection that went silent is noticed, and another one made.
        timeout=CONNECTED_WITHIN,
        command_timeout=_JOBS_WITHIN,
        server_settings={"timezone": "UTC", "application_name": "showup"},
    )
    async with http_clients(built) as clients, pool:
        courier = Courier(built.engine, built.clock, _reaching(built, clients), look)
        asking = reconciler(built, clients.known)
        chores = [
            Chore(name="reconcile", cron="* * * * *", do=asking.poll_due),
            Chore(name="digest", cron="* * * * *", do=Digesting(built.engine, built.clock, digest).write_due),
        ]
        yield Worker(built.engine, built.clock, courier, pool, chores=chores)


@asynccontextmanager
async def http_clients(built: House) -> "AsyncIterator[Clients]":
    """Whoever calls other systems for a house; their connections close at the end."""
    from showup.deliveries.outfitting import Clients
    from showup.destinations import public_only, wire

    ours = version("showup")
    async with wire.client(ours) as known, public_only.client(ours, built.outside) as outside:
        yield Clients(known=known, outside=outside)


def reconciler(built: House, client: "httpx2.AsyncClient") -> "Reconciler":
    """Whoever asks Cal.com about bookings, over a house."""
    from showup.reconcile.api_clients import ApiClients
    from showup.reconcile.reconciler import Reconciler, Rhythm

    policy = built.settings.policy.calcom
    return Reconciler(
        built.engine,
        built.clock,
        access=api_access(built),
        api=ApiClients(client, built.clock).of,
        drain=built.applier.drain_once,
        rhythm=Rhythm(every=policy.reconcile_every, grace=policy.grace),
    )


def api_access(built: House) -> "ApiAccess":
    """By what Cal.com's API is reached: stored keys, and the environment's."""
    from showup.reconcile.account import ApiAccess

    settings = built.settings
    return ApiAccess(seal=built.seal, url=settings.calcom_api_url, key=plain(settings.calcom_api_key))


def _reaching(built: House, clients: "Clients") -> "Reaching":
    from showup.deliveries.connecting import MailAccess, Reaching

    settings = built.settings
    given = MailAccess(
        resend_url=settings.resend_api_url,
        resend_key=plain(settings.resend_api_key),
        smtp_url=plain(settings.smtp_url),
    )
    return Reaching(
        built.engine,
        built.seal,
        built.clock,
        clients=clients,
        given=given,
        renderer=lambda leaving: renderer_of(settings, built.clock, leaving=leaving),
        retry_after=settings.policy.email.retry_after,
    )


def check_mail(settings: Settings) -> None:
    """Refuses settings of mail with which nothing could be sent. Raises CannotRender, and ValueError for SMTP_URL."""
    from showup.destinations.email.folder import check_folder
    from showup.destinations.email.smtp_url import SmtpServer

    check_folder(settings.policy.email.templates)
    if (url := plain(settings.smtp_url)) is not None:
        SmtpServer.of(url)


def renderer_of(settings: Settings, clock: Clock, *, leaving: bool) -> "Renderer":
    """Who writes mails by these settings; those that never leave need no sender of ours. Raises CannotRender."""
    from showup.destinations.email.render import Renderer
    from showup.destinations.email.senders import Sender
    from showup.destinations.email.templates import Templates

    policy = settings.policy
    return Renderer(
        templates=Templates(policy.email.templates),
        senders=[Sender(address=one.address, host=one.host, domain=one.domain) for one in policy.senders],
        clock=clock,
        calendar=policy.email.calendar,
        fallback=None if leaving else _NOBODY,
    )


@asynccontextmanager
async def house(
    settings: Settings, ground: Ground, *, clock: Clock = system_clock, direct: bool = False
) -> AsyncIterator[House]:
    """A house on that ground; its connections close at the end. `direct` leads past a pooler.

    Raises DatabaseAway.
    """
    url = ground.direct_url if direct else ground.url
    async with explained(url):
        engine = connect(url)
    try:
        async with explained(url), engine.connect():
            pass
        yield House(settings, Seal.of(ground.secret_keys), engine, clock)
    finally:
        # A cancelled caller must not leave connections behind, which the server would wait for.
        await asyncio.shield(engine.dispose())


def _given_ground(settings: Settings) -> Ground:
    url = plain(settings.database_url) or ""
    return Ground(
        url=url,
        direct_url=plain(settings.database_direct_url) or url,
        secret_keys=plain(settings.secret_key) or "",
    )


def _keys(settings: Settings, folder: Path) -> str:
    if given := plain(settings.secret_key):
        return given
    try:
        return kept_key(folder)
    except OSError as fault:
        raise FolderUnusable(folder, f"its secret.key can't be read or made ({fault.strerror})") from fault
