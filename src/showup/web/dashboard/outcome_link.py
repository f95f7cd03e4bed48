"""`/o/TOKEN`: the link with which a host says how a meeting went, without signing in (AP2).

The token identifies the host, the booking and the time. Mail scanners open links, so GET changes nothing. What is saved
is the host's own answer: as the teammate of that address, else as `host:ADDRESS`.
"""

from decimal import Decimal
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access import sessions_store, teammates_store, workspaces_store
from showup.access.permission import Permission
from showup.access.teammate import Teammate
from showup.commands.unit_of_work import UnitOfWork
from showup.database.engine import driver_connection
from showup.inbox.rules import in_force
from showup.outbox.outcome_tokens import OutcomeLink, read_outcome_token
from showup.reads.agenda import AgendaMeeting
from showup.reads.command_targets import target_of_booking
from showup.reads.outcome import OutcomeForm
from showup.reads.usual_currency import usual_currency
from showup.values.time_zone import zone_of
from showup.web.dashboard.amounts import parse_amount
from showup.web.dashboard.offer import offer_view
from showup.web.dashboard.outcome import (
    NEXT_STEPS,
    events_of,
    faults_of,
    filled_in,
    load_outcome,
    seen_of,
)
from showup.web.dashboard.page_route import DashboardRoute
from showup.web.dashboard.reports import OUTCOMES, REPORTED
from showup.web.dashboard.sign_in import check_link, source_of
from showup.web.dashboard.templates import render_page
from showup.web.dashboard.today_view import meeting_row
from showup.web.dashboard.words import Viewer
from showup.web.http.app_state import AppState, State, read_transaction, write_transaction
from showup.web.http.forms import read_form
from showup.web.http.problems import Refusal

router = APIRouter(prefix="/o", include_in_schema=False, route_class=DashboardRoute)

_HOST_ACTOR: Final = "host:"
_READ_ONLY: Final = "You may read this workspace, and not change it. Ask an admin for the role member."


class _Opened(Struct, frozen=True, kw_only=True):
    """A request with what is known now. `host` is how the page names who answers."""

    token: str
    request: OutcomeLink
    permission: Permission
    viewer: Viewer
    host: str
    meeting: AgendaMeeting
    known: OutcomeForm


@router.get("/{token}")
async def outcome_link_page(token: str, request: Request, state: State, answer: str = "") -> Response:
    """Show the form with `answer` chosen, or what has become of the meeting; nothing is changed."""
    asked_for = _read_token(request, state, token)
    async with read_transaction(state, _permission(asked_for, None)) as tx:
        asked = await _find(tx, state, token, asked_for)
        if (gone := _gone(request, asked)) is not None:
            return gone
        return await _form(request, tx, asked, filled_in(asked.meeting, asked.known, state.clock(), answer))


@router.post("/{token}")
async def save_by_link(token: str, request: Request, state: State) -> Response:
    """Save the host's answer, once. If somebody answered after the form was opened, show both answers instead."""
    form = await read_form(request)
    asked_for = _read_token(request, state, token)
    amount = parse_amount(form.get("amount", ""))
    faults = faults_of(form, amount)
    async with write_transaction(state) as tx:
        permission = (await _find(tx, state, token, asked_for)).permission
        unit_of_work = UnitOfWork(permission=permission, tx=tx, at=state.clock(), handlers=state.event_handlers)
        # From here on nobody else answers, and no webhook moves the meeting.
        await unit_of_work.lock(asked_for.workspace_id)
        asked = await _find(tx, state, token, asked_for)
        if (gone := _gone(request, asked, status=409)) is not None:
            return gone
        if not faults and _is_saved(asked, form, amount):
            return _saved(request, asked)
        is_overtaken = not faults and seen_of(asked.known) != form.get("seen", "") and form.get("anyway") != "yes"
        if not faults and not is_overtaken:
            booking = await target_of_booking(tx, permission, asked_for.booking_id)
            assert booking is not None, "it was found before, under the same lock"
            events = await events_of(tx, permission, booking, form, asked.known, amount)
            result = await unit_of_work.try_execute(asked_for.workspace_id, *events)
            if result.refused is None:
                return _saved(request, await _find(tx, state, token, asked_for))
            faults = {"outcome": f"Not saved: {result.refused}."}
        status = 409 if is_overtaken else 422
        return await _form(request, tx, asked, form, faults=faults, is_overtaken=is_overtaken, status=status)


def _read_token(request: Request, state: AppState, token: str) -> OutcomeLink:
    """Return the token's request. Refuses an unknown or expired one, and an address that sent too many wrong ones."""
    found = read_outcome_token(state.mail_secrets.seal, check_link(request, state, token))
    state.link_throttle.record(source_of(request), token, is_valid=found is not None)
    if found is None:
        raise Refusal("not-found", "This link is incomplete. Open it from the message again, or sign in to Showup.")
    if found.expires_at <= state.clock():
        raise Refusal("not-found", "This link worked for 14 days after the meeting. Sign in to Showup to answer.")
    return found


def _permission(asked_for: OutcomeLink, teammate: Teammate | None) -> Permission:
    actor = f"{_HOST_ACTOR}{asked_for.host}" if teammate is None else teammate.actor
    return Permission(actor=actor, scope="write", workspace_id=asked_for.workspace_id)


async def _find(tx: AsyncConnection, state: AppState, token: str, asked_for: OutcomeLink) -> _Opened:
    """Return what is known now. Refuses a teammate who may no longer report meetings of the workspace."""
    teammate = await teammates_store.find(tx, asked_for.host)
    workspace = await workspaces_store.get(tx, asked_for.workspace_id)
    if teammate is not None:
        spaces, _ = await sessions_store.list_access(tx, teammate.id)
        role = next((one.role for one in spaces if one.id == asked_for.workspace_id), None)
        if role in (None, "read_only"):
            raise Refusal("forbidden", _READ_ONLY if role else "You may no longer use this workspace. Ask an admin.")
    permission = _permission(asked_for, teammate)
    meeting, known = await load_outcome(tx, permission, asked_for.booking_id)
    zone = zone_of(None if teammate is None else teammate.time_zone, workspace.time_zone)
    return _Opened(
        token=token,
        request=asked_for,
        permission=permission,
        viewer=Viewer(zone=zone, clock="24h" if teammate is None else teammate.clock, now=state.clock()),
        host=meeting.organizer_name or asked_for.host if teammate is None else teammate.name,
        meeting=meeting,
        known=known,
    )


def _gone(request: Request, asked: _Opened, *, status: int = 200) -> Response | None:
    """Return the page that says why there is nothing to answer; None if there is."""
    meeting, viewer = asked.meeting, asked.viewer
    if meeting.start_time != asked.request.start_time:
        when = f"{viewer.moment(meeting.start_time)}"
        title, detail = "The meeting was moved", f"It is now at another time: {when}. You are asked again after it."
    elif meeting.status != "ACCEPTED":
        title, detail = f"The meeting is {meeting.status.lower()}", "So there is nothing to report about it."
    elif meeting.organizer_email != asked.request.host:
        title, detail = "Another host has this meeting", "They are asked how it went. A teammate can answer in Showup."
    else:
        return None
    return _state_page(request, title, detail, status=status)


def _is_saved(asked: _Opened, form: dict[str, str], amount: Decimal | None) -> bool:
    """Return whether this host's last answer says the same: the form was sent twice, or a browser repeated it."""
    known = asked.known
    if known.last_report is None or known.last_report.actor != asked.permission.actor:
        return False
    is_same_deal = form.get("stage") in (None, "", known.stage) and (
        amount is None or (amount, form.get("currency", "").upper()) == (known.amount, known.currency)
    )
    is_same_step = form.get("outcome") != "showed" or form.get("next_step", "") in ("", known.next_step)
    return (
        form["outcome"] == known.outcome
        and form.get("notes", known.notes or "") == (known.notes or "")
        and is_same_deal
        and is_same_step
    )


def _saved(request: Request, asked: _Opened) -> Response:
    answer = REPORTED[OUTCOMES[asked.known.outcome or ""]]
    detail = f"{asked.meeting.person}: {answer}. It counts as reported by you, and connected systems receive it."
    return _state_page(request, "Saved, thank you", detail, token=asked.token)


def _state_page(request: Request, title: str, detail: str, *, token: str = "", status: int = 200) -> Response:
    context = {"title": title, "detail": detail, "token": token}
    return render_page(request, "outcome_link_state.html", context, status=status)


async def _form(  # each by its name
    request: Request,
    tx: AsyncConnection,
    asked: _Opened,
    values: dict[str, str],
    *,
    faults: dict[str, str] | None = None,
    is_overtaken: bool = False,
    status: int = 200,
) -> Response:
    rules = (await in_force(await driver_connection(tx), asked.request.workspace_id)).newest
    context: dict[str, Any] = {
        "token": asked.token,
        "host": asked.host,
        "viewer": asked.viewer,
        "meeting": asked.meeting,
        "row": meeting_row(asked.meeting, asked.viewer, can_write=True, is_older=True),
        "known": asked.known,
        "offer": await offer_view(tx, asked.permission, asked.meeting, asked.viewer, rules),
        "stages": asked.known.later_stages(rules.stages),
        "next_steps": NEXT_STEPS,
        "currency": asked.known.currency or await usual_currency(tx, asked.permission),
        "seen": seen_of(asked.known),
        "reported": REPORTED,
        "later": None,
        "values": values,
        "faults": faults or {},
        "is_overtaken": is_overtaken,
    }
    return render_page(request, "outcome_link.html", context, status=status)
