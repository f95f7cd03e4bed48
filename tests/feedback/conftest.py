"""A Showup with sent mails, and Resend, which reports their results."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncEngine
from standardwebhooks.webhooks import Webhook
from starlette.types import ASGIApp

from showup.access.secrets_at_rest import Seal
from showup.clock import system_clock
from showup.container import build_projection_worker, event_handlers
from showup.database import tables
from showup.database.engine import transaction
from showup.web.app import create_app
from showup.web.http.app_state import MailSecrets
from showup.web.http.middleware import with_middleware

SECRET = "whsec_c2hvd3VwIHJlc2VuZCB3ZWJob29rIHNlY3JldA=="
OTHER_SECRET = "whsec_YW5vdGhlciBzZWNyZXQgb2YgYW5vdGhlciBhY2NvdW50"
KEY = "k" * 40
SARAH = "sarah@acme.example"
SENT_AT = datetime(2026, 3, 10, 9, tzinfo=UTC)


def webhook_body(trigger: str, at: datetime = SENT_AT, **data: Any) -> bytes:
    """Returns one webhook of Resend, as in its documentation."""
    return json.dumps({"type": trigger, "created_at": at.isoformat(), "data": data}).encode()


def signed_headers(content: bytes, message_id: str, secret: str, at: datetime | None = None) -> dict[str, str]:
    sent_at = at or datetime.now(UTC)
    signature = Webhook(secret).sign(message_id, sent_at, content.decode("latin-1"))
    stamp = str(int(sent_at.timestamp()))
    return {"svix-id": message_id, "svix-timestamp": stamp, "svix-signature": signature}


class ResendScenario:
    """Resend's webhooks, and the database."""

    def __init__(self, client: httpx2.AsyncClient, engine: AsyncEngine, workspace: UUID) -> None:
        self.client, self.engine, self.workspace = client, engine, workspace
        self.now: datetime | None = None

    async def send_webhook(
        self, content: bytes, *, message_id: str | None = None, secret: str = SECRET, name: str = ""
    ) -> httpx2.Response:
        request_headers = signed_headers(content, message_id or f"msg_{uuid4().hex}", secret)
        path = f"/webhooks/resend/{name}" if name else "/webhooks/resend"
        return await self.client.post(path, content=content, headers=request_headers)

    async def receive_feedback(self, trigger: str, at: datetime = SENT_AT, **data: Any) -> UUID:
        """Receives Resend's webhook and applies it; returns the event's id."""
        response = await self.send_webhook(webhook_body(trigger, at, **data))
        assert response.status_code == 200, response.text
        await self.apply_events()
        return UUID(response.json()["id"])

    async def apply_events(self, offset: timedelta = timedelta()) -> None:
        await build_projection_worker(self.engine, lambda: system_clock() + offset).drain()

    async def add_mail(self, *, mail_id: str | None = None, to: str = SARAH, workspace: UUID | None = None) -> UUID:
        """Adds a sent mail; without `mail_id`, a mail whose id is not recorded yet."""
        delivery_id = uuid4()
        row = {"id": delivery_id, "workspace_id": workspace or self.workspace, "key": str(delivery_id), "recipient": to}
        booking_columns = {"booking_id": uuid4(), "event_id": uuid4(), "booking_version": 1, "kind": "confirmation"}
        delivery_columns = {
            "destination": "email",
            "state": "delivered" if mail_id else "sending",
            "provider_id": mail_id,
        }
        times = dict.fromkeys(("due_at", "wake_at", "created_at", "updated_at"), SENT_AT)
        async with transaction(self.engine) as tx:
            await tx.execute(insert(tables.deliveries).values(row | booking_columns | delivery_columns | times))
        return delivery_id

    async def rows(self, table: str, **where: Any) -> list[dict[str, Any]]:
        source_table = tables.metadata.tables[table]
        query = select(source_table).where(*(source_table.c[name] == value for name, value in where.items()))
        async with self.engine.connect() as tx:
            return [dict(row) for row in (await tx.execute(query)).mappings()]

    async def feedback(self, delivery_id: UUID) -> tuple[Any, ...]:
        (row,) = await self.rows("deliveries", id=delivery_id)
        return row["feedback"], row["feedback_because"], row["feedback_at"]

    async def event(self, event_id: UUID) -> dict[str, Any]:
        (row,) = await self.rows("inbox_events", id=event_id)
        return row


def make_app(engine: AsyncEngine, *, secret: str | None = SECRET) -> ASGIApp:
    mailing = MailSecrets(seal=Seal.from_setting(KEY), webhook_secret=secret)
    app = create_app(
        engine=engine,
        clock=system_clock,
        admin_key=KEY,
        version="0",
        mail_secrets=mailing,
        event_handlers=event_handlers(),
    )
    return with_middleware(app, cors_origins=[])


def make_client(engine: AsyncEngine, *, secret: str | None = SECRET) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(app=make_app(engine, secret=secret))
    return httpx2.AsyncClient(transport=transport, base_url="http://showup.example")


@pytest.fixture
async def resend(engine: AsyncEngine, workspace: UUID) -> AsyncIterator[ResendScenario]:
    async with make_client(engine) as client:
        yield ResendScenario(client, engine, workspace)
