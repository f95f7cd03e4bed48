"""`/outbox`: the mails that were kept instead of sent, for a person to look at (TE3)."""

import re
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from fastapi import APIRouter, Query, Response
from fastapi.responses import HTMLResponse

from showup.access.permit import Permit
from showup.destinations.email.mail import Mail
from showup.reads.outbox import SORTS, find_mail, list_mails
from showup.reads.rows import Found
from showup.web.basic import PageRoute, Viewer
from showup.web.ground import Reading
from showup.web.outbox_drawn import draw_list, draw_mail
from showup.web.paging import ask_for, shown
from showup.web.problems import Refusal

router = APIRouter(prefix="/outbox", include_in_schema=False, route_class=PageRoute)

_PAGE: Final = 50
# A mail brings its style along, and nothing else: no script runs in it, and it loads nothing from anywhere.
_MAIL_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none';"
    " frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
)
_HEAD: Final = re.compile("<head[^>]*>", re.IGNORECASE)


@router.get("", response_class=HTMLResponse)
async def outbox(
    permit: Viewer, tx: Reading, cursor: Annotated[str | None, Query(max_length=2000)] = None
) -> HTMLResponse:
    """Draw the list, the newest mail first."""
    ask = ask_for(sort="-delivered_at", limit=_PAGE, cursor=cursor, sorts=SORTS)
    found: dict[str, Any] = dict(shown(await list_mails(tx, permit, ask), ask))
    return draw_list(found["items"], found["next_cursor"], is_first=cursor is None, names=permit.workspace_id is None)


@router.get("/{delivery_id}", response_class=HTMLResponse)
async def kept_mail(delivery_id: UUID, permit: Viewer, tx: Reading) -> HTMLResponse:
    """Draw one mail with all that belongs to it."""
    found, mail = await _found(tx, permit, delivery_id)
    return draw_mail(found, mail)


@router.get("/{delivery_id}/mail", response_class=HTMLResponse)
async def html(delivery_id: UUID, permit: Viewer, tx: Reading) -> HTMLResponse:
    """Answer the mail's own HTML, in which a link opens a window of its own: the frame has no room for it."""
    _, mail = await _found(tx, permit, delivery_id)
    drawn = _HEAD.sub(lambda head: f'{head[0]}<base target="_blank">', mail.html, count=1)
    return HTMLResponse(drawn, headers={"Content-Security-Policy": _MAIL_POLICY})


@router.get("/{delivery_id}/invite.ics", response_class=Response)
async def calendar(delivery_id: UUID, permit: Viewer, tx: Reading) -> Response:
    """Answer the mail's calendar file, to be kept or opened in a calendar."""
    _, mail = await _found(tx, permit, delivery_id)
    if mail.calendar is None:
        raise Refusal("not-found", "This mail has no calendar file.")
    kind = f"text/calendar; charset=utf-8; method={mail.calendar_method or 'REQUEST'}"
    headers = {"Content-Disposition": 'attachment; filename="invite.ics"'}
    return Response(mail.calendar, media_type=kind, headers=headers)


async def _found(tx: Reading, permit: Permit, delivery_id: UUID) -> tuple[Found, Mail]:
    found = await find_mail(tx, permit, delivery_id)
    if found is None:
        raise Refusal("not-found", "There is no mail with this id in the outbox that the key may see.")
    return found, msgspec.convert(found["content"], Mail)
