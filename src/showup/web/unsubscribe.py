"""`/unsubscribe/TOKEN`: the unsubscribe link of follow-up mails. No key: the token identifies the address."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from showup.access.erased_addresses_store import without_erased
from showup.database.engine import driver_connection
from showup.outbox import suppressions
from showup.outbox.suppressions import Suppression
from showup.outbox.unsubscribe_tokens import read_token
from showup.web.http.app_state import State, WriteTransaction
from showup.web.page import render_page

router = APIRouter(prefix="/unsubscribe", include_in_schema=False)

_UP = "../"
REASON = "unsubscribed with the link in a mail"

# Mail scanners follow links, so opening a link changes nothing.
_CONFIRM_PAGE = """
<h1>Unsubscribe from these mails?</h1>
<p class="soft">You will still receive mails about meetings that you book: confirmations, changes and cancellations.</p>
<form method="post"><button type="submit">Unsubscribe</button></form>
"""
_DONE_PAGE = """
<h1>You are unsubscribed</h1>
<p class="soft">You will receive no more of these mails. You will still receive mails about meetings that you book.</p>
"""
_UNKNOWN_PAGE = """
<h1>This link does not work</h1>
<p class="bad">It is incomplete or invalid. Please open the link in the mail again.</p>
"""


@router.get("/{token}", response_class=HTMLResponse)
async def confirm_page(token: str, state: State) -> HTMLResponse:
    """Show the confirmation page with its one button; nothing is changed."""
    if read_token(state.mail_secrets.seal, token) is None:
        return render_page("Unsubscribe", _UNKNOWN_PAGE, status=404, root_path=_UP)
    return render_page("Unsubscribe", _CONFIRM_PAGE, has_form=True, root_path=_UP)


@router.post("/{token}", response_class=HTMLResponse)
async def unsubscribe(token: str, state: State, tx: WriteTransaction) -> HTMLResponse:
    """Stop follow-ups to the address of the link, by the button or by a mail program (RFC 8058)."""
    seal = state.mail_secrets.seal
    subscriber = read_token(seal, token)
    if subscriber is None:
        return render_page("Unsubscribe", _UNKNOWN_PAGE, status=404, root_path=_UP)
    suppression = Suppression(scope="follow_up", reason="unsubscribed", because=REASON)
    connection = await driver_connection(tx)
    # A link in an old mail must not bring back the address of somebody who was erased: they get no mail anyway.
    emails = await without_erased(connection, seal, subscriber.workspace_id, [subscriber.email])
    for email in emails:
        await suppressions.add(connection, subscriber.workspace_id, email, suppression, at=state.clock())
    return render_page("Unsubscribe", _DONE_PAGE, root_path=_UP)
