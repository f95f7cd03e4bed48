"""Endpoint for Resend's webhooks: signed (Standard Webhooks) and stored before the response is sent (TE9)."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from secrets import token_bytes
from typing import Any, Final
from uuid import UUID

import structlog
from fastapi import APIRouter, Request

from showup.access import workspaces_store
from showup.access.account import DEFAULT
from showup.access.signers_store import Signer, list_signers
from showup.access.workspace import DEFAULT as DEFAULT_WORKSPACE
from showup.database.engine import driver_connection
from showup.inbox.signed_store import SignedWebhook, insert_signed
from showup.logs import log_events
from showup.sources.resend.signature import SIGNATURE_HEADERS, is_usable_secret, signed_id
from showup.web.http.app_state import AppState, State
from showup.web.http.problems import Refusal
from showup.web.webhooks.body_reader import read_body
from showup.web.webhooks.calcom import RETRY_AFTER

KIND: Final = "resend"
_MAX_HEADER_LENGTH: Final = 200
_NO_CONNECTION_SECRET: Final = f"whsec_{b64encode(token_bytes(32)).decode()}"

router = APIRouter(include_in_schema=False)
_log = structlog.get_logger()


@router.post("/webhooks/resend")
async def receive_default(request: Request, state: State) -> dict[str, Any]:
    """Store an event of the default workspace's Resend account."""
    return await _ingest(request, state, DEFAULT)


@router.post("/webhooks/resend/{name}")
async def receive_for_connection(name: str, request: Request, state: State) -> dict[str, Any]:
    """Store an event of the Resend account of the connection with this name."""
    return await _ingest(request, state, name)


async def _ingest(request: Request, state: AppState, name: str) -> dict[str, Any]:
    body = await read_body(request)
    source_address = request.client.host if request.client else None
    is_signed = any(request.headers.get(header) for header in SIGNATURE_HEADERS)
    signers_found = await _find_signers(state, name)
    if signers_found is None:
        # The same work and response as for a bad signature: they must not show which connections exist.
        signed_id(body, dict(request.headers), _NO_CONNECTION_SECRET)
        state.signature_alert.record_unknown(f"{KIND}:{name}", source_address, kind=KIND)
        raise Refusal("bad-signature" if is_signed else "no-signature")
    secrets = [
        (signer.workspace_id, signer.secret)
        for signer in signers_found
        if signer.secret is not None and is_usable_secret(signer.secret)
    ]
    if not secrets:
        raise Refusal("no-mail-secret", headers={"Retry-After": str(RETRY_AFTER)})
    headers = dict(request.headers)
    # Several workspaces may share an account: each one stores the event and uses what concerns its own mails.
    source_ids = {
        workspace_id: source_id for workspace_id, secret in secrets if (source_id := signed_id(body, headers, secret))
    }
    if source_ids:
        return await _store(request, state, source_ids, name, body)
    state.signature_alert.record(
        f"{KIND}:{name}",
        source_address,
        {workspace_id for workspace_id, _ in secrets},
        kind=KIND,
        is_missing=not is_signed,
    )
    raise Refusal("bad-signature" if is_signed else "no-signature")


async def _store(
    request: Request, state: AppState, source_ids: Mapping[UUID, str], name: str, body: bytes
) -> dict[str, Any]:
    content_type = request.headers.get("content-type")
    webhooks = [
        SignedWebhook(
            workspace_id=workspace_id,
            id=source_id,
            actor=KIND if name == DEFAULT else f"{KIND}:{name}",
            body=body,
            received_at=state.clock(),
            content_type=None if content_type is None else content_type[:_MAX_HEADER_LENGTH],
            source_address=request.client.host if request.client else None,
            source="resend",
            origin="webhook",
        )
        for workspace_id, source_id in sorted(source_ids.items())
    ]
    # Committed before the response: Resend never sends an event again after it receives 200.
    async with state.engine.begin() as tx:
        stored, *others = [await insert_signed(await driver_connection(tx), webhook) for webhook in webhooks]
    log_events(_log, "webhooks received", [stored.id, *(one.id for one in others)], source=KIND)
    if stored.duplicate_of is not None:
        return {"status": "duplicate", "id": str(stored.duplicate_of)}
    return {"status": "accepted", "id": str(stored.id)}


async def _find_signers(state: AppState, name: str) -> Sequence[Signer] | None:
    """Return the secrets that may sign for this name, including the environment's; None for an unknown name."""
    # PostgreSQL accepts no NUL in text, and no connection's name contains one.
    if "\0" in name:
        return None
    async with state.read_engine.connect() as tx:
        matching_signers = await list_signers(tx, state.mail_secrets.seal, kind=KIND, name=name)
        default = await workspaces_store.find(tx, DEFAULT_WORKSPACE) if name == DEFAULT else None
    if default is not None:
        return [Signer(workspace_id=default.id, secret=state.mail_secrets.webhook_secret), *matching_signers]
    return matching_signers if matching_signers or name == DEFAULT else None
