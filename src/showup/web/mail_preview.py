"""`/mail`: the mail preview, which shows mails that were stored instead of sent (TE3)."""

import re
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from fastapi import APIRouter, Query, Response
from fastapi.responses import HTMLResponse

from showup.access.permission import Permission
from showup.destinations.email.destination import Mail
from showup.reads.mail_preview import SORTS, find_mail, list_mails
from showup.reads.rows import Item
from showup.web.http.app_state import ReadTransaction
from showup.web.http.basic_auth import PageRoute, Viewer
from showup.web.http.paging import build_page_request, page_response
from showup.web.http.problems import Refusal
from showup.web.mail_preview_html import render_mail, render_mail_list

router = APIRouter(prefix="/mail", include_in_schema=False, route_class=PageRoute)

_PAGE_SIZE: Final = 50
# A mail contains its own style and nothing else: no script runs in it, and it loads no resources.
MAIL_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none';"
    " frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
)
HEAD_TAG: Final = re.compile("<head[^<>]*>", re.IGNORECASE)


@router.get("", response_class=HTMLResponse)
async def mail_list_page(
    permission: Viewer, tx: ReadTransaction, cursor: Annotated[str | None, Query(max_length=2000)] = None
) -> HTMLResponse:
    """Show the list of mails, newest first."""
    page_request = build_page_request(sort="-stored_at", limit=_PAGE_SIZE, cursor=cursor, sorts=SORTS)
    page: dict[str, Any] = dict(page_response(await list_mails(tx, permission, page_request), page_request))
    return render_mail_list(
        page["items"], page["next_cursor"], is_first=cursor is None, shows_workspace=permission.workspace_id is None
    )


@router.get("/{delivery_id}", response_class=HTMLResponse)
async def mail_page(delivery_id: UUID, permission: Viewer, tx: ReadTransaction) -> HTMLResponse:
    """Show one mail with its details."""
    item, mail = await _load_mail(tx, permission, delivery_id)
    return render_mail(item, mail)


@router.get("/{delivery_id}/html", response_class=HTMLResponse)
async def mail_html(delivery_id: UUID, permission: Viewer, tx: ReadTransaction) -> HTMLResponse:
    """Return the mail's own HTML. Its links open a new window, because the mail is shown in a frame."""
    _, mail = await _load_mail(tx, permission, delivery_id)
    html_text = HEAD_TAG.sub(lambda head: f'{head[0]}<base target="_blank">', mail.html, count=1)
    return HTMLResponse(html_text, headers={"Content-Security-Policy": MAIL_POLICY})


@router.get("/{delivery_id}/invite.ics", response_class=Response)
async def mail_calendar(delivery_id: UUID, permission: Viewer, tx: ReadTransaction) -> Response:
    """Return the mail's calendar file."""
    _, mail = await _load_mail(tx, permission, delivery_id)
    if mail.calendar is None:
        raise Refusal("not-found", "This mail has no calendar file.")
    kind = f"text/calendar; charset=utf-8; method={mail.calendar_method or 'REQUEST'}"
    headers = {"Content-Disposition": 'attachment; filename="invite.ics"'}
    return Response(mail.calendar, media_type=kind, headers=headers)


async def _load_mail(tx: ReadTransaction, permission: Permission, delivery_id: UUID) -> tuple[Item, Mail]:
    item = await find_mail(tx, permission, delivery_id)
    if item is None:
        raise Refusal("not-found", "The mail preview has no mail with this id that the key can see.")
    return item, msgspec.convert(item["content"], Mail)
