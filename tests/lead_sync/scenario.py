"""A workspace of Showup that reads a fake EmailBison, and receives its webhooks."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import httpx2
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.types import ASGIApp

from showup.access import connections_store, webhook_tokens_store
from showup.access.connection import Connection
from showup.access.secrets_at_rest import Seal
from showup.clock import Clock
from showup.connections.setup import ConnectionSpec, set_up, take_down
from showup.container import build_projection_worker, event_handlers
from showup.database import tables
from showup.database.engine import transaction
from showup.destinations.public_addresses import AddressPolicy
from showup.dispatch.destination_context import Clients
from showup.inbox.inbox_event import IncomingEvent
from showup.reads.lead_sources import LeadSourceState, lead_source_state
from showup.reconcile.lead_sync.clients import LeadClients
from showup.reconcile.lead_sync.importer import LeadImporter
from showup.reconcile.lead_sync.webhook_registration import WebhookRegistration
from showup.web.app import create_app
from showup.web.http.app_state import MailSecrets
from showup.web.http.middleware import with_middleware
from showup.web.signature_alert import SignatureAlert
from tests.campaigns.scenario import CampaignScenario
from tests.destinations.fake_vendors.emailbison import FakeEmailBison
from tests.destinations.fake_vendors.emailbison_workspace import webhook_body
from tests.vendors.faults import VendorResponse
from tests.vendors.server import ReceivedRequest

KEY: Final = "k" * 40
SEAL: Final = Seal([KEY])
NOON: Final = datetime(2026, 9, 14, 12, tzinfo=UTC)


class FixedClock:
    """A clock that stands still until a test, or a pause, moves it."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    async def pause(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class HookedEmailBison(FakeEmailBison):
    """Calls `before_leads` while it answers the list of leads, so that a test can act during a sync."""

    before_leads: Callable[[], None] | None = None

    def answer(self, request: ReceivedRequest) -> VendorResponse:
        if self.before_leads is not None and request.path == "/api/leads":
            self.before_leads()
        return super().answer(request)


class LeadSyncScenario(CampaignScenario):
    """A workspace that is connected to `fake`; `calls` counts what it asked since the last look."""

    connection_id: UUID

    def __init__(
        self,
        engine: AsyncEngine,
        account: IncomingEvent,
        folder: Path,
        fake: FakeEmailBison,
        client: httpx2.AsyncClient,
    ) -> None:
        super().__init__(engine, account, folder)
        self.time = FixedClock()
        self.fake, self.client = fake, client
        self.signature_alert = SignatureAlert(engine, self.clock)

    def clock(self) -> datetime:
        return self.time()

    @cached_property
    def web(self) -> httpx2.AsyncClient:
        """A client of Showup's own server; its app takes long to build, and few tests need it."""
        transport = httpx2.ASGITransport(app=self._app())
        return httpx2.AsyncClient(transport=transport, base_url="http://showup.example")

    def _app(self) -> ASGIApp:
        secrets = MailSecrets(seal=SEAL)
        app = create_app(
            engine=self.engine,
            clock=self.clock,
            admin_key=KEY,
            version="0",
            mail_secrets=secrets,
            signature_alert=self.signature_alert,
            event_handlers=event_handlers(),
        )
        return with_middleware(app, cors_origins=[])

    async def connect(self, **settings: Any) -> None:
        """Connects the workspace, as a person or the environment does."""
        spec = ConnectionSpec(
            workspace_id=self.workspace,
            kind="emailbison",
            name="main",
            settings={"api_url": self.fake.url, **settings},
            credentials={"api_key": self.fake.key},
        )
        async with transaction(self.engine) as tx:
            await set_up(tx, SEAL, spec, self.clock())
            self.connection_id = (await self._connection(tx)).id

    async def _connection(self, tx: Any) -> Connection:
        found = await connections_store.find(tx, workspace_id=self.workspace, kind="emailbison", name="main")
        assert found is not None
        return found

    async def disconnect(self) -> None:
        async with transaction(self.engine) as tx:
            await take_down(tx, workspace_id=self.workspace, kind="emailbison", name="main", now=self.clock())

    def importer(self, clock: Clock | None = None) -> LeadImporter:
        """Returns a new importer, as another process has."""
        clients = Clients(trusted=self.client, untrusted=self.client, address_policy=AddressPolicy())
        api = LeadClients(clients, clock or self.clock, self.time.pause).for_source
        return LeadImporter(self.engine, SEAL, clock or self.clock, api=api, pause=self.time.pause)

    async def registration(self) -> WebhookRegistration:
        """Returns the registration of the webhook, as a command opens it."""
        clients = Clients(trusted=self.client, untrusted=self.client, address_policy=AddressPolicy())
        [source] = await self.importer().sources()
        return WebhookRegistration(
            LeadClients(clients, self.clock, self.time.pause).for_source(source),
            source,
            engine=self.engine,
            seal=SEAL,
            clock=self.clock,
            public_url="https://showup.example",
        )

    async def valid_tokens(self) -> tuple[str, ...]:
        async with transaction(self.engine) as tx:
            return await webhook_tokens_store.list_tokens(tx, SEAL, self.connection_id, self.clock())

    async def sync(self) -> None:
        """Lets the periodic task run once, if it is due."""
        await self.importer().poll_due()

    async def wait(self, **duration: float) -> None:
        self.time.now += timedelta(**duration)

    async def state(self) -> LeadSourceState:
        async with self.engine.connect() as tx:
            found = await lead_source_state(tx, self.workspace, self.clock())
        assert found is not None
        return found

    # ------------------------------------------------------------ webhooks

    async def token(self) -> str:
        async with transaction(self.engine) as tx:
            return await webhook_tokens_store.add_token(tx, SEAL, self.connection_id, self.clock())

    async def post(self, token: str, content: bytes) -> httpx2.Response:
        return await self.web.post(f"/webhooks/emailbison/{token}", content=content)

    async def report(self, token: str, event: str, data: Mapping[str, Any]) -> httpx2.Response:
        """Receives one webhook, and applies it."""
        response = await self.post(token, json.dumps(webhook_body(event, data)).encode())
        await self.apply()
        return response

    async def apply(self) -> None:
        await build_projection_worker(self.engine, self.clock).drain()

    # ------------------------------------------------------------ what is stored

    async def table(self, name: str) -> list[dict[str, Any]]:
        table = tables.metadata.tables[name]
        query = select(table)
        if "workspace_id" in table.c:
            query = query.where(table.c.workspace_id == self.workspace)
        async with self.engine.connect() as tx:
            return [dict(row) for row in (await tx.execute(query)).mappings()]

    async def memberships(self) -> list[tuple[Any, ...]]:
        """Returns each lead in each campaign: email, campaign, and what is known of it."""
        return await self.rows(
            """
            SELECT l.email, m.campaign_id, m.sent, m.replied, m.interested, m.interested_at, m.bounced, m.unsubscribed
            FROM campaign_leads m JOIN leads l ON l.id = m.lead_id WHERE m.workspace_id = $1 ORDER BY 1, 2
            """
        )

    async def emails(self) -> list[str]:
        return [row[0] for row in await self.rows("SELECT email FROM leads WHERE workspace_id = $1 ORDER BY email")]

    def asked(self) -> list[str]:
        """Returns what Showup asked since the last look."""
        asked = self.fake.calls
        self.fake.requests.clear()
        return asked
