"""`/settings/senders`: the addresses that a workspace's mail comes from, and their brands."""

from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.settings_log_store import changed
from showup.access.teammate import Session
from showup.connections import senders_store
from showup.connections.quotas import QuotaReached
from showup.connections.senders_store import SenderTaken, StoredSender
from showup.destinations.email.brand import palette_of
from showup.web.dashboard.page_route import DashboardRoute, redirect
from showup.web.dashboard.settings.frame import log_change, render_settings
from showup.web.dashboard.settings.overtaken import Overtaken, overtaken_by
from showup.web.dashboard.settings.sender_form import LABELS, LANGUAGES, form_values, meetings_of, parse_sender
from showup.web.http.app_state import AppState, State
from showup.web.http.forms import read_form
from showup.web.http.problems import Refusal
from showup.web.http.sessions import SignedInAdmin, check_csrf

router = APIRouter(prefix="/settings/senders", include_in_schema=False, route_class=DashboardRoute)

_TAKEN: Final = "Another sender is for these meetings already. Change that one."


@router.get("")
async def senders_page(request: Request, session: SignedInAdmin, state: State, added: str = "") -> Response:
    """Show the senders of the workspace, and those of showup.toml."""
    return await _page(request, session, state, is_added=bool(added))


@router.post("")
async def add_sender(request: Request, session: SignedInAdmin, state: State) -> Response:
    """Add a sender."""
    form = await read_form(request)
    check_csrf(request, session, form)
    rule, faults = parse_sender(form)
    if rule is None:
        return await _page(request, session, state, faults=faults, values=form)
    try:
        async with state.engine.begin() as tx:
            await senders_store.add(tx, session.workspace.id, rule, actor=session.permission.actor, now=state.clock())
            await log_change(tx, session, state, "sender.added", rule.address, {"for": [None, meetings_of(rule)]})
    except SenderTaken:
        return await _page(request, session, state, faults={"for": _TAKEN}, values=form)
    except QuotaReached as limit:
        return await _page(request, session, state, faults={"address": f"{limit}."}, values=form)
    return redirect(request, "settings/senders?added=yes")


@router.get("/{sender_id}")
async def sender_page(request: Request, sender_id: UUID, session: SignedInAdmin, state: State) -> Response:
    """Show one sender, to change it."""
    return await _sender_page(request, session, state, sender_id)


@router.post("/{sender_id}")
async def change_sender(request: Request, sender_id: UUID, session: SignedInAdmin, state: State) -> Response:
    """Save a sender, or remove it. The second of two who save at once sees what the first one changed."""
    form = await read_form(request)
    check_csrf(request, session, form)
    rule, faults = (None, {}) if form.get("do") == "remove" else parse_sender(form)
    if faults:
        return await _sender_page(request, session, state, sender_id, faults=faults, values=form)
    try:
        async with state.engine.begin() as tx:
            stored = await _find(tx, session, sender_id, lock=True)
            if rule is None:
                await senders_store.remove(tx, sender_id)
                await log_change(tx, session, state, "sender.removed", stored.rule.address)
                return redirect(request, "settings/senders")
            # A form that comes twice is saved already.
            if rule == stored.rule:
                return redirect(request, "settings/senders")
            if form.get("seen") != stored.updated_at.isoformat():
                conflict = _overtaken(stored, form)
                return await _sender_page(request, session, state, sender_id, values=form, conflict=conflict)
            await senders_store.change(tx, sender_id, rule, actor=session.permission.actor, now=state.clock())
            change = changed(stored.values, {name: getattr(rule, name) for name in LABELS})
            await log_change(tx, session, state, "sender.changed", rule.address, change)
    except SenderTaken:
        return await _sender_page(request, session, state, sender_id, faults={"for": _TAKEN}, values=form)
    return redirect(request, "settings/senders")


async def _find(tx: AsyncConnection, session: Session, sender_id: UUID, *, lock: bool = False) -> StoredSender:
    stored = await senders_store.find(tx, session.workspace.id, sender_id, lock=lock)
    if stored is None:
        raise Refusal("not-found", "This workspace has no such sender: somebody may have removed it.")
    return stored


def _overtaken(stored: StoredSender, form: dict[str, str]) -> Overtaken:
    """Return what is stored now and was not what the form showed: the form keeps that in `was.…`."""
    before = {name: form.get(f"was.{name}") or None for name in LABELS}
    return overtaken_by(stored.updated_by, stored.updated_at, changed(before, stored.values), LABELS)


async def _page(  # each by its name
    request: Request,
    session: Session,
    state: AppState,
    *,
    faults: dict[str, str] | None = None,
    values: dict[str, str] | None = None,
    is_added: bool = False,
) -> Response:
    async with state.read_engine.connect() as tx:
        stored = await senders_store.list_senders(tx, session.workspace.id)
        has_default = any(
            one.host is None and one.domain is None for one in (*(each.rule for each in stored), *state.senders)
        )
        context: dict[str, Any] = {
            "senders": stored,
            "file_senders": state.senders,
            "has_default": has_default,
            "meetings_of": meetings_of,
            "palette_of": palette_of,
            "languages": LANGUAGES,
            "is_added": is_added,
            "faults": faults or {},
            "values": values or {"for": "host" if has_default else "all"},
        }
        return await render_settings(
            request, "senders", context, tx=tx, session=session, state=state, status=422 if faults else 200
        )


async def _sender_page(  # each by its name
    request: Request,
    session: Session,
    state: AppState,
    sender_id: UUID,
    *,
    faults: dict[str, str] | None = None,
    values: dict[str, str] | None = None,
    conflict: Overtaken | None = None,
) -> Response:
    async with state.read_engine.connect() as tx:
        stored = await _find(tx, session, sender_id)
        context: dict[str, Any] = {
            "sender": stored,
            "was": form_values(stored.rule),
            "languages": LANGUAGES,
            "conflict": conflict,
            "faults": faults or {},
            "values": values or form_values(stored.rule),
            # After a fault, the form still says what it showed at first; after a conflict, what is stored now.
            "seen": stored.updated_at.isoformat() if values is None or conflict else values.get("seen", ""),
        }
        return await render_settings(
            request,
            "senders",
            context,
            tx=tx,
            session=session,
            state=state,
            template="settings/sender.html",
            status=422 if faults else 409 if conflict else 200,
        )
