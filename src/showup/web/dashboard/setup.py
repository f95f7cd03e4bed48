"""`/setup`: the first run in four steps, each saved by itself: you, Cal.com, mail, and how reps report (DESIGN)."""

from typing import Any, Final

import msgspec
from fastapi import APIRouter, Request, Response

from showup.access.account import DEFAULT, Credentials
from showup.access.secrets_at_rest import DecryptionError
from showup.access.teammate import Session
from showup.commands.unit_of_work import UnitOfWork
from showup.connections.senders_store import sender_rules
from showup.database.engine import driver_connection
from showup.events.workspace import RulesChanged
from showup.inbox.rules import in_force
from showup.reads.setup import SetupProgress, load_progress
from showup.web.dashboard.page_route import DashboardRoute, redirect
from showup.web.dashboard.profile import ZONES, profile_faults, save_profile
from showup.web.dashboard.setup_mail import ask_carrier, check_carrier, save_carrier
from showup.web.dashboard.shell import render_shell, viewer_of
from showup.web.dashboard.templates import render_page
from showup.web.dashboard.unit_of_work import unit_of_work_of
from showup.web.http.app_state import AppState, State, write_transaction
from showup.web.http.forms import read_form
from showup.web.http.problems import Refusal
from showup.web.http.sessions import SignedInAdmin, check_csrf
from showup.web.http.setup_actions import SetupActions

router = APIRouter(prefix="/setup", include_in_schema=False, route_class=DashboardRoute)

# What Cal.com mails by itself: a confirmation, and each change. It sends reminders only by its own workflows.
CALCOM_MAILS: Final = (
    "cancelled",
    "confirmation",
    "new_host",
    "new_place",
    "reschedule_request",
    "rescheduled",
    "series",
)
_STEPS: Final = ("you", "calcom", "mail", "reports")


@router.get("")
async def setup_page(request: Request, session: SignedInAdmin, state: State, step: str = "") -> Response:
    """Show the steps, the first that is not done opened; `step` opens another one."""
    return await _page(request, session, state, opened=step if step in _STEPS else None)


@router.get("/waiting")
async def waiting_part(request: Request, session: SignedInAdmin, state: State) -> Response:
    """Show whether the first webhook came; the page asks while it waits."""
    async with state.read_engine.connect() as tx:
        context = {"progress": await load_progress(tx, session.permission), "viewer": viewer_of(session, state)}
    return render_page(request, "parts/waiting.html", context)


@router.get("/reading")
async def reading_part(request: Request, session: SignedInAdmin, state: State) -> Response:
    """Show how far past bookings are read; the page asks while it lasts."""
    async with state.read_engine.connect() as tx:
        context = {"progress": await load_progress(tx, session.permission), "viewer": viewer_of(session, state)}
    return render_page(request, "parts/reading.html", context)


@router.post("/you")
async def save_you(request: Request, session: SignedInAdmin, state: State) -> Response:
    """Save the teammate's name, zone and clock."""
    form = await read_form(request)
    check_csrf(request, session, form)
    if faults := profile_faults(form):
        return await _page(request, session, state, opened="you", faults=faults, values=form, status=422)
    async with state.engine.begin() as tx:
        await save_profile(tx, session, form)
    return redirect(request, "setup?step=calcom")


@router.post("/calcom")
async def connect_calcom(request: Request, session: SignedInAdmin, state: State) -> Response:
    """Connect Cal.com: with an API key in one step, or with a new secret to copy."""
    form = await read_form(request)
    check_csrf(request, session, form)
    actions, account = _actions(state), await _account(session, state)
    if form.get("do") == "secret":
        secret = await actions.create_secret(account, session.permission.actor)
        # Shown once, in the answer to this form: reading it again later would need no right to make it.
        return await _page(request, session, state, opened="calcom", secret=secret)
    key = form.get("api_key", "")
    if not key or len(key) > 500 or not key.isascii() or not key.isprintable():
        faults = {"api_key": "Paste the key that Cal.com shows under Settings, Developer, API keys."}
        return await _page(request, session, state, opened="calcom", faults=faults, status=422)
    result = await actions.connect_calcom(account, key)
    if result.fault is not None:
        faults = {"api_key": f"{result.fault.rstrip('.')}."}
        return await _page(request, session, state, opened="calcom", faults=faults, status=422)
    return await _page(request, session, state, opened="calcom", connected=result)


@router.post("/mail")
async def save_mail(request: Request, session: SignedInAdmin, state: State) -> Response:
    """Save how mail goes out, and which mails Cal.com sends already."""
    form = await read_form(request)
    check_csrf(request, session, form)
    calcom_mails = form.get("calcom_mails")
    async with state.read_engine.connect() as tx:
        stored = (await load_progress(tx, session.permission)).carrier
    faults = await check_carrier(form, session, state, stored=stored)
    if calcom_mails not in ("yes", "no"):
        faults["calcom_mails"] = "Say whether Cal.com mails your attendees: otherwise they could get each mail twice."
    if faults:
        return await _page(request, session, state, opened="mail", faults=faults, values=form, status=422)
    async with write_transaction(state) as tx:
        await save_carrier(form, session, state, tx)
        rules = (await in_force(await driver_connection(tx), session.workspace.id)).newest
        mails_off = rules.mails_off - set(CALCOM_MAILS)
        if calcom_mails == "yes":
            mails_off |= set(CALCOM_MAILS)
        await _change_rules(unit_of_work_of(session, state, tx), {"mails_off": sorted(mails_off)})
    if (because := await ask_carrier(form, session, state)) is not None:
        faults = {form["carrier"]: f"Saved, and mail waits until this is corrected: {because.rstrip('.')}."}
        return await _page(request, session, state, opened="mail", faults=faults, values=form, status=422)
    return redirect(request, "setup?step=reports")


@router.post("/reports")
async def save_reports(request: Request, session: SignedInAdmin, state: State) -> Response:
    """Save what an unreported meeting counts as."""
    form = await read_form(request)
    check_csrf(request, session, form)
    if form.get("meeting_ended") not in ("showed", "unreported"):
        faults = {"meeting_ended": "Choose one."}
        return await _page(request, session, state, opened="reports", faults=faults, status=422)
    async with write_transaction(state) as tx:
        await _change_rules(unit_of_work_of(session, state, tx), {"meeting_ended": form["meeting_ended"]})
    return redirect(request, "")


@router.post("/sample")
async def change_sample(request: Request, session: SignedInAdmin, state: State) -> Response:
    """Load the sample data, or remove it wholly."""
    form = await read_form(request)
    check_csrf(request, session, form)
    actions = _actions(state)
    if form.get("do") == "remove":
        await actions.remove_simulated(session.workspace.id, "sample")
    else:
        await actions.load_sample(session.workspace.id)
        # The sample's meetings have a host of their own, so "Mine" would show none of them.
        return redirect(request, "?who=team")
    return redirect(request, "")


def _actions(state: AppState) -> SetupActions:
    if state.setup is None:
        raise Refusal("conflict", "This process can't reach other systems. Run `showup serve`.")
    return state.setup


def _environment_carrier(session: Session, state: AppState) -> str | None:
    # The environment's carrier is the default workspace's alone.
    return state.setup.carrier if state.setup is not None and session.workspace.slug == DEFAULT else None


async def _account(session: Session, state: AppState) -> str:
    async with state.read_engine.connect() as tx:
        account = (await load_progress(tx, session.permission)).account
    if account is None:
        raise Refusal(
            "conflict",
            "This workspace has no Cal.com account. Run"
            f" `showup accounts add NAME --workspace {session.workspace.slug}` on the server.",
        )
    return account


async def _change_rules(unit_of_work: UnitOfWork, changes: dict[str, Any]) -> None:
    assert unit_of_work.permission.workspace_id is not None, "a session shows one workspace"
    event = RulesChanged(changes=changes, since=unit_of_work.at)
    await unit_of_work.execute(unit_of_work.permission.workspace_id, event)


def _credentials(progress: SetupProgress, state: AppState) -> Credentials:
    if progress.sealed is None:
        return Credentials()
    try:
        return msgspec.json.decode(state.mail_secrets.seal.decrypt(progress.sealed), type=Credentials)
    except DecryptionError:
        return Credentials()


async def _page(  # noqa: PLR0913  # each by its name
    request: Request,
    session: Session,
    state: AppState,
    *,
    opened: str | None,
    faults: dict[str, str] | None = None,
    values: dict[str, str] | None = None,
    secret: str | None = None,
    connected: Any = None,
    status: int = 200,
) -> Response:
    async with state.read_engine.connect() as tx:
        progress = await load_progress(tx, session.permission)
        rules = (await in_force(await driver_connection(tx), session.workspace.id)).newest
        credentials = _credentials(progress, state)
        done = {
            "you": session.teammate.time_zone is not None,
            "calcom": progress.last_webhook_at is not None or credentials.api_key is not None,
            "mail": "mails_off" in progress.chosen,
            "reports": "meeting_ended" in progress.chosen,
        }
        url = f"{state.public_url}/webhooks/calcom/{progress.account or 'default'}"
        context = {
            "progress": progress,
            "rules": rules,
            "done": done,
            "opened": opened or next((step for step in _STEPS if not done[step]), None),
            "has_key": credentials.api_key is not None,
            "has_secret": bool(credentials.webhook_secrets),
            "url": url,
            "url_warning": None if state.setup is None else state.setup.warn_of_address(url),
            "environment_carrier": _environment_carrier(session, state),
            "has_sender": bool(state.senders) or bool(await sender_rules(tx, session.workspace.id)),
            "zones": ZONES,
            "calcom_mails": set(CALCOM_MAILS) <= set(rules.mails_off),
            "secret": secret,
            "connected": connected,
            "faults": faults or {},
            "values": values or {},
        }
        return await render_shell(request, "setup.html", context, tx=tx, session=session, state=state, status=status)
