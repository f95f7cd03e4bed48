"""An ordinary implementation of a webhook endpoint: FastAPI, a Pydantic model, one INSERT and commit for each request.

It has no avoidable costs: it uses a connection pool, stores the bytes as `bytea`, and has no ORM and no index but the
key.
"""

from datetime import datetime
from typing import Annotated
from uuid import UUID, uuid4

import asyncpg
from fastapi import FastAPI, Header, HTTPException, Request
from pydantic import BaseModel

from showup.sources.calcom.signature import is_signed

_TABLE = """
    CREATE TABLE IF NOT EXISTS baseline_webhooks (
        id uuid PRIMARY KEY, trigger text NOT NULL, uid text NOT NULL, starts_at timestamptz NOT NULL,
        email text NOT NULL, received_at timestamptz NOT NULL DEFAULT now(), body bytea NOT NULL)
"""
_INSERT = "INSERT INTO baseline_webhooks (id, trigger, uid, starts_at, email, body) VALUES ($1, $2, $3, $4, $5, $6)"


class PersonModel(BaseModel):
    """An attendee or the organizer."""

    name: str
    email: str
    timeZone: str  # noqa: N815  # Cal.com's names, as one would write them down


class Payload(BaseModel):
    """The booking."""

    uid: str
    bookingId: int  # noqa: N815  # as above
    title: str
    type: str
    startTime: datetime  # noqa: N815  # as above
    endTime: datetime  # noqa: N815  # as above
    location: str | None = None
    organizer: PersonModel
    attendees: list[PersonModel]
    responses: dict[str, dict[str, object]] = {}
    metadata: dict[str, object] = {}


class Webhook(BaseModel):
    """The body that Cal.com sends."""

    triggerEvent: str  # noqa: N815  # as above
    createdAt: datetime  # noqa: N815  # as above
    payload: Payload


class Accepted(BaseModel):
    """The response."""

    status: str
    id: UUID


async def baseline_app(url: str, secret: bytes) -> FastAPI:
    """Returns the application, connected to its database, with its table created."""
    pool = await asyncpg.create_pool(url)
    await pool.execute(_TABLE)
    app = FastAPI()

    @app.post("/webhooks/calcom")
    async def webhook(request: Request, x_cal_signature_256: Annotated[str, Header()]) -> Accepted:
        """Check the signature, parse, store, respond."""
        body = await request.body()
        if not is_signed(body, x_cal_signature_256.encode(), [secret]):
            raise HTTPException(401)
        event = Webhook.model_validate_json(body)
        booking = event.payload
        accepted = Accepted(status="accepted", id=uuid4())
        email = booking.attendees[0].email
        await pool.execute(_INSERT, accepted.id, event.triggerEvent, booking.uid, booking.startTime, email, body)
        return accepted

    return app
