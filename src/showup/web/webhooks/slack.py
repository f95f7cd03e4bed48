"""Endpoint for Slack button presses, signed by Slack: done or stored before the response is sent (TE7, AS2)."""

import asyncio
from collections.abc import Sequence
from typing import Final
from uuid import UUID

import structlog
from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.signers_store import Signer, list_signers_of_kind
from showup.assistant import slack_grants, slack_links
from showup.database.engine import driver_connection
from showup.inbox.signed_store import SignedWebhook, insert_signed
from showup.reads.deliveries import workspace_of_delivery
from showup.sources.manual.translate import encode
from showup.sources.slack.signature import is_signed
from showup.sources.slack.translate import ApprovalPress, ButtonPress, LinkPress, UnreadableInteraction, translate
from showup.web.http.app_state import AppState, State
from showup.web.http.problems import Refusal
from showup.web.webhooks.body_reader import read_body
from showup.web.webhooks.calcom import RETRY_AFTER

KIND: Final = "slack"
_SECRET: Final = "signing_secret"  # noqa: S105  # its name among the credentials
# Slack waits three seconds for a response; after that it shows the user that the action failed.
_TIMEOUT: Final = 2.5

router = APIRouter(include_in_schema=False)
_log = structlog.get_logger()


@router.post("/webhooks/slack/actions")
async def receive_action(request: Request, state: State) -> Response:
    """Store an answer, which the projector executes at once; or decide on a change that an assistant asked for."""
    body = await read_body(request)
    try:
        async with asyncio.timeout(_TIMEOUT):
            await _ingest(request, state, body)
    except TimeoutError:
        raise Refusal("not-stored", headers={"Retry-After": str(RETRY_AFTER)}) from None
    return Response(status_code=200)


async def _ingest(request: Request, state: AppState, body: bytes) -> None:
    async with state.read_engine.connect() as tx:
        signers_found = await list_signers_of_kind(tx, state.mail_secrets.seal, kind=KIND, secret_field=_SECRET)
        workspace_ids = _signing_workspaces(request, state, [signer for signer in signers_found if signer.secret], body)
        presses = translate(body)
        if isinstance(presses, UnreadableInteraction):
            raise Refusal("not-understood", f"Slack signed the request, but {presses.because}.")
        presses_by_workspace = [
            (await _workspace_of_press(tx, one, workspace_ids), one) for one in presses if isinstance(one, ButtonPress)
        ]
    if not presses:
        _log.info("Slack interaction ignored")
        return
    for press in presses:
        if isinstance(press, ApprovalPress):
            await slack_grants.decide(state.assistant, press, workspace_ids)
        elif isinstance(press, LinkPress):
            await slack_links.finish(state.assistant, press, workspace_ids)
    if not presses_by_workspace:
        return
    async with state.engine.begin() as tx:
        for workspace_id, press in presses_by_workspace:
            stored = await insert_signed(
                await driver_connection(tx), _to_signed_webhook(request, state, workspace_id, press)
            )
            _log.info("Slack action received", event_id=str(stored.id), delivery_id=str(press.event.delivery_id))


def _signing_workspaces(request: Request, state: AppState, signers: Sequence[Signer], body: bytes) -> list[UUID]:
    """Return the workspaces whose Slack app sent the request; several may share one app.

    Refuses a request that none of them signed.
    """
    if not signers:
        raise Refusal("no-slack-secret", headers={"Retry-After": str(RETRY_AFTER)})
    timestamp, signature = (request.headers.get(f"x-slack-{name}", "") for name in ("request-timestamp", "signature"))
    now = state.clock()
    workspace_ids = [
        signer.workspace_id for signer in signers if is_signed(body, timestamp, signature, signer.secret or "", now)
    ]
    if not workspace_ids:
        source_address = request.client.host if request.client else None
        workspaces = {signer.workspace_id for signer in signers}
        state.signature_alert.record(KIND, source_address, workspaces, kind=KIND, is_missing=not signature)
        raise Refusal("bad-signature" if signature else "no-signature")
    return workspace_ids


async def _workspace_of_press(tx: AsyncConnection, press: ButtonPress, workspace_ids: Sequence[UUID]) -> UUID:
    """Return the workspace of the delivery; if none of them has it, the first one, whose log records the refusal."""
    return await workspace_of_delivery(tx, press.event.delivery_id, workspace_ids) or workspace_ids[0]


def _to_signed_webhook(request: Request, state: AppState, workspace_id: UUID, press: ButtonPress) -> SignedWebhook:
    now = state.clock()
    return SignedWebhook(
        workspace_id=workspace_id,
        id=press.id,
        actor=press.actor,
        body=encode(press.event, at=now, actor=press.actor),
        received_at=now,
        content_type="application/json",
        source_address=request.client.host if request.client else None,
        source="manual",
        origin="manual",
    )
