"""The door for what Resend says of our mails: signed by Standard Webhooks, kept before it is answered (TE9)."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Request

from showup.access import workspaces_store
from showup.access.account import DEFAULT
from showup.access.signers_store import Signer, signers
from showup.access.workspace import DEFAULT as DEFAULT_WORKSPACE
from showup.database.engine import raw
from showup.inbox.raw_event import FROM_RESEND
from showup.inbox.signed_store import Signed, keep_signed
from showup.sources.resend.signature import signed_id, usable
from showup.web.ground import Ground, OnGround
from showup.web.problems import Refusal
from showup.web.webhooks import AGAIN_IN
from showup.web.whole_body import whole_body

KIND: Final = "resend"
_LONGEST_HEADER: Final = 200

router = APIRouter(include_in_schema=False)


@router.post("/webhooks/resend")
async def of_default(request: Request, ground: OnGround) -> dict[str, Any]:
    """Keep what the default workspace's Resend account says."""
    return await _heard(request, ground, DEFAULT)


@router.post("/webhooks/resend/{name}")
async def of_connection(name: str, request: Request, ground: OnGround) -> dict[str, Any]:
    """Keep what the account of the connection with this name says."""
    return await _heard(request, ground, name)


async def _heard(request: Request, ground: Ground, name: str) -> dict[str, Any]:
    body = await whole_body(request)
    known = await _signers(ground, name)
    secrets = [(one.workspace_id, one.secret) for one in known if one.secret is not None and usable(one.secret)]
    if not secrets:
        raise Refusal("no-mail-secret", headers={"Retry-After": str(AGAIN_IN)})
    headers = dict(request.headers)
    # Workspaces may share an account: each takes what is said of its own mails.
    signed = {whose: source_id for whose, secret in secrets if (source_id := signed_id(body, headers, secret))}
    if signed:
        return await _keep(request, ground, signed, name, body)
    source_address = request.client.host if request.client else None
    ground.bell.note(f"{KIND}:{name}", source_address, {whose for whose, _ in secrets})
    raise Refusal("bad-signature")


async def _keep(request: Request, ground: Ground, signed: Mapping[UUID, str], name: str, body: bytes) -> dict[str, Any]:
    content_type = request.headers.get("content-type")
    every = [
        Signed(
            workspace_id=workspace_id,
            id=source_id,
            actor=KIND if name == DEFAULT else f"{KIND}:{name}",
            body=body,
            received_at=ground.clock(),
            content_type=None if content_type is None else content_type[:_LONGEST_HEADER],
            source_address=request.client.host if request.client else None,
            origin=FROM_RESEND,
        )
        for workspace_id, source_id in sorted(signed.items())
    ]
    # Committed before the answer: who hears 200 never sends it again.
    async with ground.engine.begin() as tx:
        kept, *_ = [await keep_signed(await raw(tx), one) for one in every]
    if kept.duplicate_of is not None:
        return {"status": "duplicate", "id": str(kept.duplicate_of)}
    return {"status": "accepted", "id": str(kept.id)}


async def _signers(ground: Ground, name: str) -> Sequence[Signer]:
    """Who may sign under this name, the environment's secret among them. Refuses a name that nobody has."""
    # PostgreSQL takes no NUL in a text, and no connection has one.
    if "\0" in name:
        raise _nobody()
    async with ground.reading.connect() as tx:
        found = await signers(tx, ground.mailing.seal, kind=KIND, name=name)
        default = await workspaces_store.find(tx, DEFAULT_WORKSPACE) if name == DEFAULT else None
    if default is not None:
        return [Signer(workspace_id=default.id, secret=ground.mailing.webhook_secret), *found]
    if not found and name != DEFAULT:
        raise _nobody()
    return found


def _nobody() -> Refusal:
    return Refusal(
        "not-found", f"There is no connection to Resend of this name: `showup connections set {KIND} NAME` makes one."
    )
