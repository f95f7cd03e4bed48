"""`/settings/templates`: each mail as it would go out for a real booking, with the workspace's sender and templates."""

import asyncio
import re
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Request, Response
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.teammate import Session
from showup.connections.senders_store import sender_rules
from showup.database.engine import driver_connection
from showup.destinations.contract import CannotRender, NothingToSend, Notification
from showup.destinations.email.destination import Mail
from showup.destinations.email.samples import sample_notification, when_sent
from showup.destinations.email.settings import SenderRule
from showup.reads.booker import find_booker, list_recent
from showup.reads.meetings import load_meetings
from showup.web.dashboard.mail_frame import mail_response
from showup.web.dashboard.page_route import DashboardRoute
from showup.web.dashboard.settings.frame import render_settings
from showup.web.http.app_state import AppState, State
from showup.web.http.problems import Refusal
from showup.web.http.sessions import SignedInAdmin

router = APIRouter(prefix="/settings/templates", include_in_schema=False, route_class=DashboardRoute)

_BOOKINGS: Final = 20
KINDS: Final = {
    "confirmation": "Confirmation",
    "reminder_72h": "Reminder, 3 days before",
    "reminder_24h": "Reminder, 1 day before",
    "reminder_2h": "Reminder, 2 hours before",
    "rescheduled": "Moved",
    "cancelled": "Cancelled",
    "reschedule_request": "The host asks for another time",
    "new_host": "Another host",
    "new_place": "Another place",
    "no_show": "Offer of another time",
}
_REMINDER: Final = re.compile(r"reminder_[0-9]{1,6}[smhd]")


class Preview(Struct, frozen=True, kw_only=True):
    """A mail, or why there is none. `is_fault`: a template or the sender is wrong; else nothing would be sent."""

    mail: Mail | None = None
    because: str = ""
    is_fault: bool = False


class MailSource(Struct, frozen=True, kw_only=True):
    """What a mail is rendered from."""

    notification: Notification
    senders: Sequence[SenderRule]


@router.get("")
async def templates_page(
    request: Request,
    session: SignedInAdmin,
    state: State,
    kind: str = "confirmation",
    booking: UUID | None = None,
    view: str = "light",
) -> Response:
    """Show a mail of this kind about a booking, or about the newest one."""
    async with state.read_engine.connect() as tx:
        recent = await list_recent(tx, session.workspace.id, limit=_BOOKINGS)
        chosen = booking or (recent[0].id if recent else None)
        kind = kind if kind in KINDS or _REMINDER.fullmatch(kind) else "confirmation"
        source = await _load(tx, session, state, kind, chosen)
    preview = await _render(state, source)
    context: dict[str, Any] = {
        "kinds": KINDS,
        "kind": kind,
        "bookings": recent,
        "booking": chosen,
        "view": view if view in ("light", "dark", "text") else "light",
        "preview": preview,
        "folder": state.template_folder,
    }
    async with state.read_engine.connect() as tx:
        return await render_settings(request, "templates", context, tx=tx, session=session, state=state)


@router.get("/mail")
async def template_mail(
    session: SignedInAdmin, state: State, kind: str = "confirmation", booking: UUID | None = None
) -> Response:
    """Return the HTML of the mail alone, for the frame."""
    async with state.read_engine.connect() as tx:
        source = await _load(tx, session, state, kind, booking)
    preview = await _render(state, source)
    if preview.mail is None:
        raise Refusal("not-found", "There is no such mail.")
    return mail_response(preview.mail.html)


async def _load(tx: AsyncConnection, session: Session, state: AppState, kind: str, booking: UUID | None) -> MailSource:
    notification = await _notification(tx, session, state, kind, booking)
    return MailSource(notification=notification, senders=await sender_rules(tx, session.workspace.id))


async def _render(state: AppState, source: MailSource) -> Preview:
    """Render the mail in a thread, without a connection to the database.

    An operator's own templates run in a process with a deadline.
    """
    moment = when_sent(source.notification)

    def render() -> Mail:
        renderer = state.mail_renderer().with_senders(source.senders)
        return renderer.with_clock(lambda: moment).render(source.notification)

    try:
        return Preview(mail=await asyncio.to_thread(render))
    except NothingToSend as reason:
        return Preview(because=f"Showup does not send this mail about this booking: {reason}.")
    except CannotRender as fault:
        return Preview(because=str(fault), is_fault=True)


async def _notification(
    tx: AsyncConnection, session: Session, state: AppState, kind: str, booking: UUID | None
) -> Notification:
    if kind not in KINDS and not _REMINDER.fullmatch(kind):
        raise Refusal("not-found", "There is no such kind of mail.")
    if booking is None:
        return sample_notification(kind, session.workspace.slug)
    booker = await find_booker(tx, booking)
    if booker is None or booker.workspace != session.workspace.slug:
        raise Refusal("not-found", "This workspace has no such booking with an attendee to mail to.")
    key = (booker.booking_id, booker.email)
    meetings = await load_meetings(await driver_connection(tx), [key], calcom_api_url=state.calcom_api_url)
    return sample_notification(kind, booker.workspace, meetings[key], old_start_time=booker.old_start_time)
