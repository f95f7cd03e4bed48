"""Builds one process's `Container` from the settings: the database, the webhook endpoint, ingest and the workers."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import cache, cached_property, partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from msgspec import Struct, convert
from sqlalchemy.ext.asyncio import AsyncEngine

from showup import traces
from showup.access.account import MIN_SECRET_LENGTH
from showup.access.accounts_store import ensure_defaults
from showup.access.directory import AccountDirectory
from showup.access.secrets_at_rest import Seal, load_or_create_key
from showup.backup import held_deliveries_store
from showup.clock import Clock, system_clock
from showup.database.embedded.errors import FolderUnusable
from showup.database.embedded.folder import default_data_folder
from showup.database.embedded.server import EmbeddedPostgres
from showup.database.engine import connect, driver_connection, transaction, translate_errors
from showup.database.migrate import upgrade
from showup.settings import Settings, reveal

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from showup.access.connection import Connection
    from showup.assistant.tool_context import AssistantServices
    from showup.destinations.email.render import TemplateMailRenderer
    from showup.destinations.public_addresses import AddressPolicy
    from showup.dispatch.connection_check import ConnectionCheck, ConnectionChecker
    from showup.dispatch.destination_context import Clients
    from showup.dispatch.destination_resolver import DestinationResolver
    from showup.inbox.apply import EventHandlers
    from showup.inbox.ingest_metrics import IngestMetrics
    from showup.inbox.ingest_writer import IngestWriter
    from showup.inbox.projection_worker import ProjectionWorker
    from showup.reconcile.account import ApiAccess
    from showup.web.http.setup_actions import SetupActions
    from showup.web.live.feed import LiveFeed
    from showup.web.signature_alert import SignatureAlert
    from showup.web.webhooks.calcom import WebhookEndpoint

_log = structlog.get_logger()


class ProcessConfig(Struct, frozen=True, kw_only=True):
    """Holds the config that every process of one Showup shares; the parent passes it to its children.

    `direct_url` bypasses a connection pooler; use it to listen or to migrate. `secret_keys` is comma-separated.
    """

    url: str
    direct_url: str
    secret_keys: str


@contextmanager
def open_database(
    settings: Settings, *, key: str | None = None
) -> Iterator[tuple[ProcessConfig, EmbeddedPostgres | None]]:
    """Opens the configured database, or starts the embedded one and stops it at the end.

    `key`: the key that a new data folder gets; by default a new one. Raises an EmbeddedError.
    """
    if settings.database_url is not None:
        yield _external_config(settings), None
        return
    folder = data_folder(settings)
    with EmbeddedPostgres(folder, run_as=settings.run_as) as server:
        keys = _encryption_keys(settings, folder, key)
        yield ProcessConfig(url=server.dsn, direct_url=server.dsn, secret_keys=keys), server


def data_folder(settings: Settings) -> Path:
    """Returns the folder of the embedded database."""
    return settings.data_dir or default_data_folder()


async def prepare_database(config: ProcessConfig) -> None:
    """Migrates the database and inserts the rows that every Showup needs. Raises DatabaseUnavailable."""
    await upgrade(config.direct_url)
    async with translate_errors(config.direct_url):
        engine = connect(config.direct_url, pool_size=1)
        try:
            async with transaction(engine) as tx:
                await held_deliveries_store.skip(await driver_connection(tx))
            await ensure_defaults(engine)
        finally:
            await engine.dispose()


def event_handlers() -> "EventHandlers":
    """Returns the handlers of the events that the projection does not handle."""
    from showup.dispatch.record_choices import apply_answers
    from showup.events.delivery import MailFeedback, RecordChosen
    from showup.events.lead import LeadReported
    from showup.feedback.store import apply_feedback
    from showup.reconcile.lead_sync.reports_store import apply_reports

    return {MailFeedback: apply_feedback, RecordChosen: apply_answers, LeadReported: apply_reports}


class Container:
    """One process's dependencies. Each is built, and its module imported, on first use."""

    def __init__(self, settings: Settings, seal: Seal, engine: AsyncEngine, clock: Clock, *, direct_url: str) -> None:
        self.settings = settings
        self.seal = seal
        self.engine = engine
        self.clock = clock
        self.direct_url = direct_url
        self.draining = asyncio.Event()  # Set when this process will stop, and answers requests until then.

    @cached_property
    def directory(self) -> AccountDirectory:
        """Returns the directory of Cal.com accounts, including the secrets from the environment."""
        if any(len(secret) < MIN_SECRET_LENGTH for secret in self.environment_secrets):
            _log.warning("CALCOM_WEBHOOK_SECRET is short and can be guessed", at_least=MIN_SECRET_LENGTH)
        return AccountDirectory(self.engine, self.seal, self.clock, default_secrets=self.environment_secrets)

    @property
    def environment_secrets(self) -> tuple[str, ...]:
        """Returns the default account's webhook secrets from the environment, newest first."""
        secrets = (self.settings.calcom_webhook_secret, self.settings.calcom_webhook_secret_previous)
        return tuple(secret.get_secret_value() for secret in secrets if secret is not None)

    @cached_property
    def ingest_metrics(self) -> "IngestMetrics":
        """Returns the metrics of webhook ingest."""
        from showup.inbox.ingest_metrics import IngestMetrics

        return IngestMetrics()

    @cached_property
    def ingest_writer(self) -> "IngestWriter":
        """Returns the writer that stores inbox events; it works only while its `run` is running."""
        from showup.inbox.ingest_writer import IngestWriter

        return IngestWriter(self.engine, self.ingest_metrics)

    @cached_property
    def applier(self) -> "ProjectionWorker":
        """Returns the worker that projects stored inbox events."""
        return build_projection_worker(self.engine, self.clock, self.seal)

    @cached_property
    def address_policy(self) -> "AddressPolicy":
        """Returns the policy that decides which user-supplied addresses Showup may call."""
        from showup.destinations.public_addresses import AddressPolicy, resolve_host

        return AddressPolicy(allow_private=self.settings.private_addresses, lookup=resolve_host)

    @cached_property
    def signature_alert(self) -> "SignatureAlert":
        """Returns the alert that fires after repeated wrong signatures."""
        from showup.web.signature_alert import SignatureAlert

        return SignatureAlert(self.engine, self.clock)

    @cached_property
    def live_feed(self) -> "LiveFeed":
        """Returns the feed of changes for open pages; it listens on a connection of its own."""
        from showup.database.listener import direct_listener
        from showup.web.live.feed import LiveFeed

        return LiveFeed(self.engine, direct_listener(self.direct_url))

    @cached_property
    def setup_actions(self) -> "SetupActions":
        """Returns what the first run does beyond the database."""
        from showup.setup_actions import SetupContext, build_setup_actions

        settings = self.settings
        carrier = "Resend" if settings.resend_api_key is not None else "SMTP" if settings.smtp_url else None
        context = SetupContext(
            engine=self.engine,
            seal=self.seal,
            clock=self.clock,
            open_clients=lambda: open_http_clients(self),
            public_url=settings.public_url,
            calcom_url=settings.calcom_api_url,
            environment_secrets=self.environment_secrets,
            carrier=carrier,
            calcom_key=reveal(settings.calcom_api_key),
            sender=settings.policy.default_sender,
            build_resolver=partial(build_destination_resolver, self),
        )
        return build_setup_actions(context)

    @cached_property
    def asgi_app(self) -> "ASGIApp":
        """Returns the ASGI application with every page and route; it completes every response."""
        from showup.web.http.middleware import with_middleware

        return with_middleware(self.webhook_endpoint, cors_origins=self.settings.cors_origins)

    @cached_property
    def webhook_endpoint(self) -> "WebhookEndpoint":
        """Returns the webhook endpoint, which passes every other request to the application."""
        from showup.destinations.email.logos import logo_files, sender_rules
        from showup.dispatch.sign_in_mail import SignInMailer
        from showup.web.app import create_app
        from showup.web.http.app_state import MailSecrets
        from showup.web.webhooks.calcom import WebhookEndpoint

        senders, metrics, alert = self.settings.policy.sender_rows(), self.ingest_metrics, self.signature_alert
        app = create_app(
            engine=self.engine,
            clock=self.clock,
            admin_key=reveal(self.settings.admin_key),
            version=version("showup"),
            ingest_metrics=metrics,
            signature_alert=alert,
            mail_secrets=MailSecrets(seal=self.seal, webhook_secret=reveal(self.settings.resend_webhook_secret)),
            address_policy=self.address_policy,
            calcom_api_url=self.settings.calcom_api_url,
            senders=sender_rules(senders, self.settings.public_url),
            logos=logo_files(senders),
            event_handlers=event_handlers(),
            check_connection=partial(check_connection, self),
            live_feed=self.live_feed,
            setup_actions=self.setup_actions,
            sign_in_mailer=SignInMailer(
                self.engine,
                partial(open_http_clients, self),
                partial(build_destination_resolver, self),
                sender=self.settings.policy.default_sender,
                environment_carrier=self.setup_actions.carrier is not None,
            ),
            public_url=self.settings.public_url,
            assistant_services=build_assistant_services(self),
            mail_renderer=cache(partial(build_renderer, self.settings, self.clock, for_sending=False)),
            template_folder=self.settings.policy.email.templates,
            draining=self.draining,
        )
        return WebhookEndpoint(
            self.directory, self.ingest_writer, self.clock, fallback=app, ingest_metrics=metrics, signature_alert=alert
        )


def build_assistant_services(container: Container) -> "AssistantServices":
    """Returns what the tools of language models use."""
    from showup.assistant.tool_context import AssistantServices, ModelAccess, OAuthClient

    settings = container.settings
    client_id, client_secret = settings.calcom_client_id, reveal(settings.calcom_client_secret)
    return AssistantServices(
        engine=container.engine,
        clock=container.clock,
        seal=container.seal,
        handlers=event_handlers(),
        open_clients=partial(open_http_clients, container),
        calcom_url=settings.calcom_api_url,
        public_url=settings.public_url,
        oauth=OAuthClient(id=client_id, secret=client_secret) if client_id and client_secret else None,
        model=ModelAccess(
            key=reveal(settings.anthropic_api_key), url=settings.anthropic_base_url, model=settings.anthropic_model
        ),
    )


def build_projection_worker(engine: AsyncEngine, clock: Clock, seal: Seal | None = None) -> "ProjectionWorker":
    """Builds the worker that projects stored inbox events; with the seal it recognises people who were erased."""
    from showup.feedback.requeue import requeue_waiting_feedback
    from showup.inbox.erased_events import screen_with
    from showup.inbox.projection_worker import ProjectionWorker

    screen = None if seal is None else screen_with(seal)
    return ProjectionWorker(engine, clock, event_handlers(), requeue_waiting_feedback, screen=screen)


@asynccontextmanager
async def open_http_clients(container: Container) -> "AsyncIterator[Clients]":
    """Opens the HTTP clients that call other systems; their connections close at the end."""
    from showup.destinations import public_http, vendor_api
    from showup.dispatch.destination_context import Clients

    app_version = version("showup")
    async with (
        vendor_api.client(app_version) as vendor_client,
        public_http.client(app_version, container.address_policy) as public_client,
    ):
        yield Clients(trusted=vendor_client, untrusted=public_client, address_policy=container.address_policy)


def build_api_access(container: Container) -> "ApiAccess":
    """Returns the access to Cal.com's API: the stored keys and the environment's key."""
    from showup.reconcile.account import ApiAccess

    settings = container.settings
    return ApiAccess(seal=container.seal, url=settings.calcom_api_url, key=reveal(settings.calcom_api_key))


def build_destination_resolver(container: Container, clients: "Clients") -> "DestinationResolver":
    """Builds the resolver, which finds each workspace's destinations by its connections."""
    from showup.dispatch.destination_resolver import DestinationResolver, MailAccess

    settings = container.settings
    mail_access = MailAccess(
        resend_url=settings.resend_api_url,
        resend_key=reveal(settings.resend_api_key),
        smtp_url=reveal(settings.smtp_url),
    )
    return DestinationResolver(
        container.engine,
        container.seal,
        container.clock,
        clients=clients,
        environment=mail_access,
        renderer=lambda for_sending: build_renderer(settings, container.clock, for_sending=for_sending),
        retry_after=settings.policy.email.retry_after,
    )


def build_connection_checker(container: Container, clients: "Clients") -> "ConnectionChecker":
    """Builds the test of connections, which asks the other systems."""
    from showup.dispatch.connection_check import ConnectionChecker

    return ConnectionChecker(
        engine=container.engine,
        seal=container.seal,
        clock=container.clock,
        clients=clients,
        resolver=build_destination_resolver(container, clients),
        calcom_url=container.settings.calcom_api_url,
        calcom_key=reveal(container.settings.calcom_api_key),
        check_webhook=container.setup_actions.check_webhook,
    )


async def check_connection(container: Container, connection: "Connection") -> "ConnectionCheck":
    """Tests one connection with the other system."""
    async with open_http_clients(container) as clients:
        return await build_connection_checker(container, clients).check(connection)


def build_renderer(settings: Settings, clock: Clock, *, for_sending: bool) -> "TemplateMailRenderer":
    """Builds the mail renderer; only a renderer that is not for sending needs no configured sender.

    Raises CannotRender.
    """
    from showup.destinations.email.isolated_templates import IsolatedTemplates
    from showup.destinations.email.logos import sender_rules
    from showup.destinations.email.render import PREVIEW_SENDER, TemplateMailRenderer
    from showup.destinations.email.templates import Templates
    from showup.destinations.email.texts import TeamTexts

    policy, folder = settings.policy, settings.policy.email.templates
    return TemplateMailRenderer(
        # Only an operator's own templates can be slow.
        templates=Templates() if folder is None else IsolatedTemplates(folder),
        senders=sender_rules(policy.sender_rows(), settings.public_url),
        clock=clock,
        texts=convert(policy.team_texts(), TeamTexts),
        calendar=policy.email.calendar,
        fallback=None if for_sending else PREVIEW_SENDER,
    )


@asynccontextmanager
async def open_container(
    settings: Settings, config: ProcessConfig, *, clock: Clock = system_clock, direct: bool = False, traced: bool = True
) -> AsyncIterator[Container]:
    """Opens a container for this config; its connections close at the end. `direct` bypasses a connection pooler.

    Raises DatabaseUnavailable.
    """
    if traced:
        traces.configure(version("showup"))
    url = config.direct_url if direct else config.url
    async with translate_errors(url):
        engine = connect(url)
    try:
        async with translate_errors(url), engine.connect():
            pass
        yield Container(settings, Seal.from_setting(config.secret_keys), engine, clock, direct_url=config.direct_url)
    finally:
        # Connections that a cancelled caller left open would keep the database server from stopping.
        await asyncio.shield(engine.dispose())


def _external_config(settings: Settings) -> ProcessConfig:
    url = reveal(settings.database_url) or ""
    direct_url = reveal(settings.database_direct_url) or url
    return ProcessConfig(url=url, direct_url=direct_url, secret_keys=reveal(settings.secret_key) or "")


def _encryption_keys(settings: Settings, folder: Path, new_key: str | None) -> str:
    if keys := reveal(settings.secret_key):
        return keys
    try:
        return load_or_create_key(folder, new_key)
    except OSError as fault:
        raise FolderUnusable(folder, f"its secret.key can't be read or created ({fault.strerror})") from fault
