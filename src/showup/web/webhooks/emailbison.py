"""Endpoint for EmailBison's webhooks (CA1): a secret path, because EmailBison signs nothing.

They are stored before the response. Nothing in a body is believed: it names a lead, about which Showup afterwards asks
EmailBison's API.
"""

import hashlib
from typing import Any, Final

import structlog
from fastapi import APIRouter, Request

from showup.access.webhook_tokens_store import TokenOwner, find_owner
from showup.database.engine import driver_connection
from showup.inbox.signed_store import SignedWebhook, insert_signed
from showup.logs import log_events
from showup.web.http.app_state import AppState, State
from showup.web.http.problems import Refusal
from showup.web.webhooks.body_reader import read_body

KIND: Final = "emailbison"
_MAX_HEADER_LENGTH: Final = 200

router = APIRouter(include_in_schema=False)
_log = structlog.get_logger()


@router.post("/webhooks/emailbison/{token}")
async def receive(token: str, request: Request, state: State) -> dict[str, Any]:
    """Store a webhook of the connection that the token names; answer any other token like an unknown path."""
    owner = await _authenticate(request, state, token)
    body = await read_body(request)
    received_at = state.clock()
    content_type = request.headers.get("content-type")
    webhook = SignedWebhook(
        workspace_id=owner.workspace_id,
        # EmailBison repeats a webhook for a day, and gives it no id. A later one may have the same bytes and a meaning.
        id=f"{KIND}:{received_at:%Y-%m-%d}:{hashlib.sha256(body).hexdigest()}",
        actor=f"{KIND}:{owner.name}",
        body=body,
        received_at=received_at,
        content_type=None if content_type is None else content_type[:_MAX_HEADER_LENGTH],
        source_address=_address_of(request),
        source="emailbison",
        origin="webhook",
    )
    # Committed before the response: EmailBison never sends a webhook again after it receives 200.
    async with state.engine.begin() as tx:
        stored = await insert_signed(await driver_connection(tx), webhook)
    log_events(_log, "webhooks received", [stored.id], source=KIND)
    if stored.duplicate_of is not None:
        return {"status": "duplicate", "id": str(stored.duplicate_of)}
    return {"status": "accepted", "id": str(stored.id)}


async def _authenticate(request: Request, state: AppState, token: str) -> TokenOwner:
    async with state.read_engine.connect() as tx:
        owner = await find_owner(tx, state.mail_secrets.seal, kind=KIND, token=token, now=state.clock())
    if owner is not None and owner.is_valid:
        return owner
    if owner is None:
        state.signature_alert.record_unknown(KIND, _address_of(request), kind=KIND)
    else:
        # Only its owner and EmailBison know the id: probably the secret has been replaced.
        account = f"{KIND}:{owner.name}"
        state.signature_alert.record(account, _address_of(request), {owner.workspace_id}, kind=KIND)
    raise Refusal("no-such-path")


def _address_of(request: Request) -> str | None:
    return request.client.host if request.client else None
