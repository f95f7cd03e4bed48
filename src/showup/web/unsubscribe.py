"""`/unsubscribe/TOKEN`: the link at the end of a mail that nobody asked for. No key: the token says whose it is."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from showup.database.engine import raw
from showup.deliveries import suppressions
from showup.deliveries.suppressions import Suppression
from showup.deliveries.unsubscribing import read_token
from showup.web.ground import OnGround, Writing
from showup.web.page import page

router = APIRouter(prefix="/unsubscribe", include_in_schema=False)

_UP = "../"
BECAUSE = "they unsubscribed by the link in a mail"

# Programs that look through mails follow links, so a link alone changes nothing.
_ASKS = """
<h1>No more of these mails?</h1>
<p class="soft">You still hear of meetings that you book yourself: that they are made, moved or called off.</p>
<form method="post"><button type="submit">Unsubscribe</button></form>
"""
_DONE = """
<h1>You are unsubscribed</h1>
<p class="soft">You get no more of these mails. You still hear of meetings that you book yourself.</p>
"""
_UNKNOWN = """
<h1>This link does not work</h1>
<p class="bad">It is not whole, or not from here. Please open the link in the mail again.</p>
"""


@router.get("/{token}", response_class=HTMLResponse)
async def ask(token: str, ground: OnGround) -> HTMLResponse:
    """Draw the page with its one button; nothing is changed."""
    if read_token(ground.mailing.seal, token) is None:
        return page("Unsubscribe", _UNKNOWN, status=404, up=_UP)
    return page("Unsubscribe", _ASKS, has_form=True, up=_UP)


@router.post("/{token}", response_class=HTMLResponse)
async def unsubscribe(token: str, ground: OnGround, tx: Writing) -> HTMLResponse:
    """Stop follow-ups to the address of the link, by the button or by a mail program (RFC 8058)."""
    subscriber = read_token(ground.mailing.seal, token)
    if subscriber is None:
        return page("Unsubscribe", _UNKNOWN, status=404, up=_UP)
    suppression = Suppression(scope="follow_up", reason="unsubscribed", because=BECAUSE)
    connection = await raw(tx)
    await suppressions.add(connection, subscriber.workspace_id, subscriber.email, suppression, at=ground.clock())
    return page("Unsubscribe", _DONE, up=_UP)
