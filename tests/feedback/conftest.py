"""A Showup that has sent mails, and Resend, which says what became of them."""

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
from showup.database import tables
from showup.database.engine import transaction
from showup.inbox.applier import Applier
from showup.web.app import create_app
from showup.web.every_answer import completed
from showup.web.ground import Mailing

SECRET = "whsec_c2hvd3VwIHJlc2VuZCB3ZWJob29rIHNlY3JldA=="
ANOTHER = "whsec_YW5vdGhlciBzZWNyZXQgb2YgYW5vdGhlciBhY2NvdW50"
KEY = "k" * 40
SARAH = "sarah@acme.example"
SAID_AT = datetime(2026, 3, 10, 9, tzinfo=UTC)


def body(trigger: str, at: datetime = SAID_AT, **data: Any) -> bytes:
    """One webhook of Resend, as its documentation shows them."""
    return json.dumps({"type": trigger, "created_at": at.isoformat(), "data": data}).encode()


def headers(content: bytes, message_id: str, secret: str, at: datetime | None = None) -> dict[str, str]:
    sent_at = at or datetime.now(UTC)
    signature = Webhook(secret).sign(message_id, sent_at, content.decode("latin-1"))
    stamp = str(int(sent_at.timestamp()))
    return {"svix-id": message_id, "svix-timestamp": stamp, "svix-signature": signature}


class Post:
    """Resend on one side, the database on the other."""

    def __init__(self, client: httpx2.AsyncClient, engine: AsyncEngine, workspace: UUID) -> None:
        self.client, self.engine, self.workspace = client, engine, workspace
        self.now: datetime | None = None

    async def sends(
        self, content: bytes, *, message_id: str | None = None, secret: str = SECRET, name: str = ""
    ) -> httpx2.Response:
        signed = headers(content, message_id or f"msg_{uuid4().hex}", secret)
        path = f"/webhooks/resend/{name}" if name else "/webhooks/resend"
        return await self.client.post(path, content=content, headers=signed)

    async def says(self, trigger: str, at: datetime = SAID_AT, **data: Any) -> UUID:
        """Resend says it, and it is applied; the event's id."""
        answer = await self.sends(body(trigger, at, **data))
        assert answer.status_code == 200, answer.text
        await self.applied()
        return UUID(answer.json()["id"])

    async def applied(self, later: timedelta = timedelta()) -> None:
        await Applier(self.engine, lambda: system_clock() + later).drain()

    async def sent(self, *, mail_id: str | None = None, to: str = SARAH, workspace: UUID | None = None) -> UUID:
        """A mail that was sent; without `mail_id`, one of which nobody has noted that yet."""
        made = uuid4()
        row = {"id": made, "workspace_id": workspace or self.workspace, "key": str(made), "recipient": to}
        about = {"booking_id": uuid4(), "event_id": uuid4(), "booking_version": 1, "kind": "confirm"}
        way = {"destination": "email", "state": "delivered" if mail_id else "sending", "provider_id": mail_id}
        times = dict.fromkeys(("due_at", "wake_at", "created_at", "updated_at"), SAID_AT)
        async with transaction(self.engine) as tx:
            await tx.execute(insert(tables.deliveries).values(row | about | way | times))
        return made

    async def rows(self, table: str, **where: Any) -> list[dict[str, Any]]:
        found = tables.metadata.tables[table]
        query = select(found).where(*(found.c[name] == value for name, value in where.items()))
        async with self.engine.connect() as tx:
            return [dict(row) for row in (await tx.execute(query)).mappings()]

    async def feedback(self, delivery_id: UUID) -> tuple[Any, ...]:
        (row,) = await self.rows("deliveries", id=delivery_id)
        return row["feedback"], row["feedback_because"], row["feedback_at"]

    async def event(self, event_id: UUID) -> dict[str, Any]:
        (row,) = await self.rows("calcom_events", id=event_id)
        return row


def app_of(engine: AsyncEngine, *, secret: str | None = SECRET) -> ASGIApp:
    mailing = Mailing(seal=Seal.of(KEY), webhook_secret=secret)
    app = create_app(engine=engine, clock=system_clock, admin_key=KEY, version="0", mailing=mailing)
    return completed(app, cors_origins=[])


def client_of(engine: AsyncEngine, *, secret: str | None = SECRET) -> httpx2.AsyncClient:
    wire = httpx2.ASGITransport(app=app_of(engine, secret=secret))
    return httpx2.AsyncClient(transport=wire, base_url="http://showup.example")


@pytest.fixture
async def post(engine: AsyncEngine, workspace: UUID) -> AsyncIterator[Post]:
    async with client_of(engine) as client:
        yield Post(client, engine, workspace)
