"""The door for what people press in Slack: signed by Slack, kept as a command before it is answered (TE7)."""

import asyncio
from collections.abc import Sequence
from typing import Final
from uuid import UUID

import structlog
from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.signers_store import Signer, signers_of_kind
from showup.database.engine import raw
from showup.inbox.raw_event import BY_HAND
from showup.inbox.signed_store import Signed, keep_signed
from showup.reads.deliveries import workspace_of_delivery
from showup.sources.hand.command import ChooseRecord, encode
from showup.sources.slack.signature import is_signed
from showup.sources.slack.translate import Garbled, Press, translate
from showup.web.ground import Ground, OnGround
from showup.web.problems import Refusal
from showup.web.webhooks import AGAIN_IN
from showup.web.whole_body import whole_body

KIND: Final = "slack"
_SECRET: Final = "signing_secret"  # noqa: S105  # its name among the credentials
# Slack waits for three seconds, and shows who pressed that it failed when it hears nothing by then.
_ANSWERED_WITHIN: Final = 2.5

router = APIRouter(include_in_schema=False)
_log = structlog.get_logger()


@router.post("/webhooks/slack/actions")
async def pressed(request: Request, ground: OnGround) -> Response:
    """Keep what somebody pressed: whoever applies what is kept does what it says at once."""
    body = await whole_body(request)
    try:
        async with asyncio.timeout(_ANSWERED_WITHIN):
            await _heard(request, ground, body)
    except TimeoutError:
        raise Refusal("not-kept", headers={"Retry-After": str(AGAIN_IN)}) from None
    return Response(status_code=200)


async def _heard(request: Request, ground: Ground, body: bytes) -> None:
    async with ground.reading.connect() as tx:
        known = await signers_of_kind(tx, ground.mailing.seal, kind=KIND, secret=_SECRET)
        whose = _signed_by(request, ground, [one for one in known if one.secret], body)
        presses = translate(body)
        if isinstance(presses, Garbled):
            raise Refusal("not-understood", f"It is signed by Slack, but {presses.because}.")
        found = [(await _of_press(tx, one, whose), one) for one in presses]
    if not found:
        _log.info("an interaction of Slack that is no answer to a question")
        return
    async with ground.engine.begin() as tx:
        for workspace_id, press in found:
            kept = await keep_signed(await raw(tx), _command(request, ground, workspace_id, press))
            _log.info("a button was pressed in Slack", event_id=str(kept.id), delivery_id=str(press.delivery_id))


def _signed_by(request: Request, ground: Ground, known: Sequence[Signer], body: bytes) -> list[UUID]:
    """The workspaces whose app sent it: several may share one. Refuses what none of them signed."""
    if not known:
        raise Refusal("no-slack-secret", headers={"Retry-After": str(AGAIN_IN)})
    stamp, signature = (request.headers.get(f"x-slack-{name}", "") for name in ("request-timestamp", "signature"))
    now = ground.clock()
    whose = [one.workspace_id for one in known if is_signed(body, stamp, signature, one.secret or "", now)]
    if not whose:
        source_address = request.client.host if request.client else None
        ground.bell.note(KIND, source_address, {one.workspace_id for one in known})
        raise Refusal("bad-signature")
    return whose


async def _of_press(tx: AsyncConnection, press: Press, whose: Sequence[UUID]) -> UUID:
    """The workspace of the delivery in question; where none of them has it, the log of the first will say so."""
    return await workspace_of_delivery(tx, press.delivery_id, whose) or whose[0]


def _command(request: Request, ground: Ground, workspace_id: UUID, press: Press) -> Signed:
    now = ground.clock()
    command = ChooseRecord(at=now, actor=press.actor, delivery_id=press.delivery_id, record=press.record)
    return Signed(
        workspace_id=workspace_id,
        id=press.id,
        actor=press.actor,
        body=encode(command),
        received_at=now,
        content_type="application/json",
        source_address=request.client.host if request.client else None,
        origin=BY_HAND,
    )
