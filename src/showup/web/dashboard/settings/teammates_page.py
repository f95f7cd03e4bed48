"""`/settings/teammates`: who may use the workspace, invitations, roles, and the audit of sign-ins (AP6)."""

from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access import sessions_store, sign_in_links_store, sign_in_log_store, teammates_store
from showup.access.sign_in_log_store import SignInEvent
from showup.access.teammate import ROLES, Session
from showup.access.teammates_store import TeammateRow
from showup.values.email_address import is_email, normalize_email
from showup.web.dashboard.page_route import DashboardRoute, redirect
from showup.web.dashboard.settings.frame import render_settings
from showup.web.dashboard.shell import record_visit
from showup.web.dashboard.sign_in import log_sign_in
from showup.web.http.app_state import AppState, State
from showup.web.http.forms import read_form
from showup.web.http.problems import Refusal
from showup.web.http.sessions import SignedIn, SignedInAdmin, check_csrf

router = APIRouter(prefix="/settings/teammates", include_in_schema=False, route_class=DashboardRoute)

_LOG_LENGTH: Final = 30
ROLE_WORDS: Final = {
    "admin": ("Admin", "everything, with settings and teammates"),
    "member": ("Member", "reads, reports outcomes, moves deals"),
    "read_only": ("Read only", "reads, and changes nothing"),
}

_SIGN_INS: Final[dict[SignInEvent, str]] = {
    "signed_in": "signed in",
    "sign_in_failed": "used a wrong password",
    "signed_out": "signed out",
    "signed_out_everywhere": "signed out on all devices",
    "link_created": "was given a sign-in link",
    "invited": "was invited",
    "password_set": "chose a password",
    "role_changed": "was given another role",
    "removed": "was removed",
}


@router.get("")
async def teammates_page(request: Request, session: SignedIn, state: State) -> Response:
    """Show the teammates; admins may change them, and see the audit."""
    await record_visit(session, state)
    return await _page(request, session, state)


@router.post("")
async def invite(request: Request, session: SignedInAdmin, state: State) -> Response:
    """Invite somebody to this workspace, and show the link that they need."""
    form = await read_form(request)
    check_csrf(request, session, form)
    email, role = normalize_email(form.get("email", "")), form.get("role")
    faults = {} if is_email(email) else {"email": "Enter an address such as ola@example.com."}
    if role not in ROLES:
        faults["role"] = "Choose a role."
    if faults or role not in ROLES:
        return await _page(request, session, state, faults=faults, values=form, status=422)
    async with state.engine.begin() as tx:
        now = state.clock()
        name = form.get("name", "")[:100] or email.partition("@")[0]
        teammate_id = await teammates_store.add(tx, email=email, name=name, now=now)
        is_new = teammate_id is not None
        if teammate_id is None:
            teammate_id = await _known_stranger(tx, session, email)
        await teammates_store.set_role(tx, teammate_id, session.workspace.id, role)
        await log_sign_in(tx, state, request, email, "invited", actor=session.teammate.actor)
        token = await sign_in_links_store.create(tx, "invitation", teammate_id, now=now) if is_new else None
    link = None if token is None else f"{state.public_url}/signin/{token}"
    return await _page(request, session, state, invited={"email": email, "link": link})


@router.post("/{teammate_id}")
async def change_teammate(request: Request, teammate_id: UUID, session: SignedInAdmin, state: State) -> Response:
    """Give a teammate another role or a sign-in link, or remove them from this workspace."""
    form = await read_form(request)
    check_csrf(request, session, form)
    link = None
    async with state.engine.begin() as tx:
        await teammates_store.lock(tx)
        row = await _row(tx, session, teammate_id)
        match form.get("do"):
            case "role":
                await _change_role(tx, session, row, form.get("role", ""))
                await log_sign_in(tx, state, request, row.email, "role_changed", actor=session.teammate.actor)
            case "remove":
                await _keep_an_admin(tx, session, row)
                await teammates_store.remove(tx, row.id, session.workspace.id)
                await log_sign_in(tx, state, request, row.email, "removed", actor=session.teammate.actor)
            case "link":
                await _check_link_allowed(tx, session, row)
                token = await sign_in_links_store.create(tx, "sign_in", row.id, now=state.clock())
                link = f"{state.public_url}/signin/{token}"
                await log_sign_in(tx, state, request, row.email, "link_created", actor=session.teammate.actor)
            case _:
                raise Refusal("invalid", "The form asks for nothing that this page does.")
    if link is None:
        return redirect(request, "settings/teammates")
    return await _page(request, session, state, invited={"email": row.email, "link": link})


async def _known_stranger(tx: AsyncConnection, session: Session, email: str) -> UUID:
    """Return the id of a teammate who has an account already, in another workspace. Refuses one of this workspace.

    They keep their password, so nobody takes over an account by an invitation.
    """
    if any(row.email == email for row in await teammates_store.list_teammates(tx, session.workspace.id)):
        raise Refusal("conflict", f"{email} is a teammate already. Change the role in the list.")
    teammate = await teammates_store.find(tx, email)
    assert teammate is not None, "the address is taken"
    return teammate.id


async def _row(tx: AsyncConnection, session: Session, teammate_id: UUID) -> TeammateRow:
    rows = await teammates_store.list_teammates(tx, session.workspace.id)
    of_workspace = [row for row in rows if row.id == teammate_id and row.workspace is not None]
    if of_workspace:
        return of_workspace[0]
    if any(row.id == teammate_id for row in rows):
        raise Refusal(
            "conflict",
            "They are a teammate of every workspace. To change that, run `showup teammates add` or `remove` on the"
            " server.",
        )
    raise Refusal("not-found", "This workspace has no such teammate.")


async def _change_role(tx: AsyncConnection, session: Session, row: TeammateRow, role: str) -> None:
    if role not in ROLES:
        raise Refusal("invalid", f"A role is one of {', '.join(ROLES)}.")
    if role != "admin":
        await _keep_an_admin(tx, session, row)
    await teammates_store.set_role(tx, row.id, session.workspace.id, role)


async def _keep_an_admin(tx: AsyncConnection, session: Session, row: TeammateRow) -> None:
    if row.role == "admin" and not await teammates_store.count_admins(tx, session.workspace.id, but=row.id):
        raise Refusal("conflict", "They are the only admin of this workspace. Make somebody else an admin first.")


async def _check_link_allowed(tx: AsyncConnection, session: Session, row: TeammateRow) -> None:
    """A link signs in to all workspaces of a teammate, so its maker must be an admin of each."""
    theirs, is_everywhere = await sessions_store.list_access(tx, row.id)
    own = {one.id for one in session.workspaces if one.role == "admin"}
    if is_everywhere or any(one.id not in own for one in theirs):
        raise Refusal("forbidden", "They also use workspaces of which you are no admin. Ask an admin of those.")


async def _page(  # each by its name
    request: Request,
    session: Session,
    state: AppState,
    *,
    invited: dict[str, str | None] | None = None,
    faults: dict[str, str] | None = None,
    values: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    async with state.read_engine.connect() as tx:
        rows = await teammates_store.list_teammates(tx, session.workspace.id)
        is_admin = session.permission.allows("admin")
        emails = [row.email for row in rows]
        log = await sign_in_log_store.list_newest(tx, emails, limit=_LOG_LENGTH) if is_admin else []
        context: dict[str, Any] = {
            "rows": rows,
            "roles": ROLE_WORDS,
            "log": log,
            "sign_ins": _SIGN_INS,
            "invited": invited,
            "faults": faults or {},
            "values": values or {},
        }
        return await render_settings(request, "teammates", context, tx=tx, session=session, state=state, status=status)
