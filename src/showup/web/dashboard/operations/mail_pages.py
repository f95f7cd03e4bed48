"""`/mail`: the mail preview, mails that were stored instead of sent (TE3); and the content of any mail."""

from typing import Any, Final
from uuid import UUID

import msgspec
from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.teammate import Session
from showup.destinations.email.destination import Mail
from showup.reads.deliveries import find_content
from showup.reads.mail_preview import SORTS, list_mails
from showup.web.dashboard.mail_frame import mail_response
from showup.web.dashboard.message_words import message_name
from showup.web.dashboard.operations.pages import (
    PAGE_ROWS,
    PageQuery,
    address_of,
    next_url_of,
    parse_query,
    render_operations,
)
from showup.web.dashboard.page_route import DashboardRoute, is_part
from showup.web.dashboard.shell import record_visit
from showup.web.http.app_state import ReadTransaction, State, read_transaction
from showup.web.http.paging import build_page_request
from showup.web.http.problems import Refusal
from showup.web.http.sessions import SignedInMember

router = APIRouter(include_in_schema=False, route_class=DashboardRoute)

_SORT: Final = "-stored_at"


# A role that only reads sees no mail: its links can cancel the meeting.
@router.get("/mail")
async def mail_preview_page(request: Request, session: SignedInMember, state: State) -> Response:
    """Show the mails that were stored and not sent, newest first; for htmx the part that changes live."""
    if not is_part(request):
        await record_visit(session, state)
    address = address_of("mail", request.url.query)
    query = parse_query(PageQuery, address)
    page_request = build_page_request(sort=_SORT, limit=PAGE_ROWS, cursor=query.cursor, sorts=SORTS)
    async with read_transaction(state, session.permission) as tx:
        page = await list_mails(tx, session.permission, page_request)
        context: dict[str, Any] = {
            "address": address,
            "mails": [(one, message_name(one["kind"], "email")[0]) for one in page.items],
            "is_first": query.cursor is None,
            "next_url": next_url_of(address, page, _SORT),
        }
        return await render_operations(request, "mail", context, tx=tx, session=session, state=state, here="deliveries")


@router.get("/deliveries/{delivery_id}/html", response_class=HTMLResponse)
async def mail_html(delivery_id: UUID, session: SignedInMember, tx: ReadTransaction) -> HTMLResponse:
    """Return the mail's own HTML."""
    mail = await _load_mail(tx, session, delivery_id)
    return mail_response(mail.html)


@router.get("/deliveries/{delivery_id}/invite.ics")
async def mail_calendar(delivery_id: UUID, session: SignedInMember, tx: ReadTransaction) -> Response:
    """Return the mail's calendar file."""
    mail = await _load_mail(tx, session, delivery_id)
    if mail.calendar is None:
        raise Refusal("not-found", "This mail has no calendar file.")
    kind = f"text/calendar; charset=utf-8; method={mail.calendar_method or 'REQUEST'}"
    headers = {"Content-Disposition": 'attachment; filename="invite.ics"'}
    return Response(mail.calendar, media_type=kind, headers=headers)


async def _load_mail(tx: AsyncConnection, session: Session, delivery_id: UUID) -> Mail:
    stored = await find_content(tx, session.permission, delivery_id)
    try:
        return msgspec.convert((stored or {}).get("content"), Mail)
    except msgspec.ValidationError:
        raise Refusal("not-found", "There is no mail with this id that you can see.") from None
