"""Fixtures: a real server on loopback with the webhook endpoint, the ingest writer and PostgreSQL behind it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

import httpx2
import pytest
import uvicorn
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.types import Receive, Scope, Send

from showup.access.account import Account, WebhookSecret, valid_secrets
from showup.clock import system_clock
from showup.database.engine import driver_connection, transaction
from showup.inbox.ingest_writer import IngestWriter
from showup.sources.calcom.signature import sign
from showup.web.http.connection_limits import DEFAULT_LIMITS, ConnectionLimits
from showup.web.http.middleware import with_middleware
from showup.web.webhooks.calcom import WebhookEndpoint
from showup.web.webhooks.calcom_protocol import protocol_for

SECRET = "a secret of the default account"
OLD_SECRET = "the secret before the rotation"
OTHER_SECRET = "another account's secret"


class SampleAccounts:
    """Two accounts with secrets (one in rotation) and one without."""

    def __init__(self, default: UUID, other: UUID, bare: UUID, workspace_id: UUID) -> None:
        now = system_clock()
        until = now + timedelta(hours=1)
        secrets = {
            "default": (default, (WebhookSecret(SECRET), WebhookSecret(OLD_SECRET, until))),
            "other": (
                other,
                (WebhookSecret(OTHER_SECRET), WebhookSecret("expired", now - timedelta(hours=1))),
            ),
            "bare": (bare, ()),
        }
        self._accounts = {
            name: Account(
                id=account_id,
                name=name,
                workspace_id=workspace_id,
                secrets=valid_secrets(account_secrets, now),
                has_routes=False,
            )
            for name, (account_id, account_secrets) in secrets.items()
        }

    async def find(self, name: str | None, *, is_second_try: bool = False) -> Account | None:  # noqa: ARG002
        return self._accounts.get(name or "default")


class WebhookSender:
    """Sends webhooks as Cal.com does, and reads the stored events."""

    def __init__(self, client: httpx2.AsyncClient, engine: AsyncEngine) -> None:
        self.client = client
        self.engine = engine

    async def send(
        self, body: bytes, *, path: str = "/webhooks/calcom", secret: str = SECRET, **headers: str
    ) -> httpx2.Response:
        signed = {"X-Cal-Signature-256": sign(secret.encode(), body), "Content-Type": "application/json"}
        return await self.client.post(path, content=body, headers=signed | headers)

    async def account(self) -> UUID:
        """Return the default account's id."""
        async with transaction(self.engine) as tx:
            found = await (await driver_connection(tx)).fetchval("SELECT id FROM connections WHERE name = 'default'")
            assert isinstance(found, UUID)
            return found

    async def stored(self, where: str = "true") -> list[dict[str, object]]:
        async with transaction(self.engine) as tx:
            rows = await (await driver_connection(tx)).fetch(
                f"SELECT * FROM inbox_events WHERE {where} ORDER BY id"  # noqa: S608  # written in tests only
            )
            return [dict(row) for row in rows]


async def not_found_app(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 404, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


@asynccontextmanager
async def serve_endpoint(
    endpoint: WebhookEndpoint, proxies: Sequence[str] = (), limits: ConnectionLimits = DEFAULT_LIMITS
) -> AsyncIterator[int]:
    """Serve the webhook endpoint on a port, as `showup serve` does, and yield the port."""
    config = uvicorn.Config(
        with_middleware(endpoint, cors_origins=()),
        http=protocol_for(endpoint, list(proxies), limits),
        log_config=None,
        lifespan="off",
        access_log=False,
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies),
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server_task = asyncio.create_task(server.serve(sockets=[listener]))
        yield listener.getsockname()[1]
        server.should_exit = True
        await server_task


@pytest.fixture
async def accounts(engine: AsyncEngine, workspace: UUID, account: UUID) -> SampleAccounts:
    async with transaction(engine) as tx:
        connection = await driver_connection(tx)
        others = [
            await connection.fetchval(
                "INSERT INTO connections (id, workspace_id, kind, name) "
                "VALUES (gen_random_uuid(), $1, 'calcom', $2) RETURNING id",
                workspace,
                name,
            )
            for name in ("other", "bare")
        ]
    return SampleAccounts(account, others[0], others[1], workspace)


@pytest.fixture
async def sender(engine: AsyncEngine, accounts: SampleAccounts) -> AsyncIterator[WebhookSender]:
    writer = IngestWriter(engine)
    writer_task = asyncio.create_task(writer.run())
    endpoint = WebhookEndpoint(accounts, writer, system_clock, fallback=not_found_app)
    async with (
        serve_endpoint(endpoint) as port,
        httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client,
    ):
        yield WebhookSender(client, engine)
    writer_task.cancel()
    await asyncio.gather(writer_task, return_exceptions=True)
