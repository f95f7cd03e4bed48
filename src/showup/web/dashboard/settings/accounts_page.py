"""`/settings/accounts`: the Cal.com accounts of a workspace, with the address and the secret of each webhook."""

from typing import Any

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access import accounts_store
from showup.access.account import DEFAULT, Credentials, make_secret
from showup.access.accounts_store import StoredAccount
from showup.access.secrets_at_rest import DecryptionError
from showup.access.teammate import Session
from showup.access.workspace import is_slug
from showup.commands.accounts import add_account
from showup.connections.quotas import MAX_CONNECTIONS
from showup.web.dashboard.page_route import DashboardRoute
from showup.web.dashboard.settings.frame import render_settings
from showup.web.http.app_state import AppState, State
from showup.web.http.forms import read_form
from showup.web.http.problems import Refusal
from showup.web.http.sessions import SignedInAdmin, check_csrf

router = APIRouter(prefix="/settings/accounts", include_in_schema=False, route_class=DashboardRoute)


@router.get("")
async def accounts_page(request: Request, session: SignedInAdmin, state: State) -> Response:
    """Show the accounts of the workspace."""
    return await _page(request, session, state)


@router.post("")
async def add_calcom_account(request: Request, session: SignedInAdmin, state: State) -> Response:
    """Add an account, and show its webhook address and its secret, this once."""
    form = await read_form(request)
    check_csrf(request, session, form)
    name, secret = form.get("name", ""), make_secret()
    if not is_slug(name):
        faults = {"name": "Use lower-case letters, digits and hyphens: the name is part of the webhook’s address."}
        return await _page(request, session, state, faults=faults, values=form)
    async with state.engine.begin() as tx:
        is_full = len(await _accounts(tx, session)) >= MAX_CONNECTIONS
        is_added = not is_full and await add_account(
            tx,
            state.mail_secrets.seal,
            name=name,
            workspace_id=session.workspace.id,
            secret=secret,
            now=state.clock(),
            actor=session.permission.actor,
        )
    if not is_added:
        fault = (
            f"A workspace may have {MAX_CONNECTIONS} accounts." if is_full else "This name is taken. Choose another."
        )
        return await _page(request, session, state, faults={"name": fault}, values=form)
    return await _page(request, session, state, shown={"name": name, "secret": secret})


@router.post("/{account_name}")
async def rotate_account(request: Request, account_name: str, session: SignedInAdmin, state: State) -> Response:
    """Give an account a new webhook secret, shown this once; the old one stays valid for a day."""
    form = await read_form(request)
    check_csrf(request, session, form)
    async with state.read_engine.connect() as tx:
        if not any(one.name == account_name for one in await _accounts(tx, session)):
            raise Refusal("not-found", "This workspace has no such Cal.com account.")
    if state.setup is None:
        raise Refusal("conflict", "This process can't change accounts. Run `showup serve`.")
    secret = await state.setup.create_secret(account_name, session.permission.actor)
    if secret is None:
        raise Refusal("conflict", "CALCOM_WEBHOOK_SECRET on the server sets this secret. Change it there.")
    return await _page(request, session, state, shown={"name": account_name, "secret": secret})


async def _accounts(tx: AsyncConnection, session: Session) -> list[StoredAccount]:
    return [one for one in await accounts_store.list_accounts(tx) if one.workspace_id == session.workspace.id]


def _credentials(account: StoredAccount, state: AppState) -> Credentials:
    try:
        return account.credentials(state.mail_secrets.seal)
    except DecryptionError:
        return Credentials()


async def _page(  # each by its name
    request: Request,
    session: Session,
    state: AppState,
    *,
    faults: dict[str, str] | None = None,
    values: dict[str, str] | None = None,
    shown: dict[str, str] | None = None,
) -> Response:
    has_environment_secret = state.setup is not None and state.setup.environment_secret
    async with state.read_engine.connect() as tx:
        rows: list[dict[str, Any]] = []
        for account in await _accounts(tx, session):
            credentials = _credentials(account, state)
            of_environment = account.name == DEFAULT and has_environment_secret
            rows.append(
                {
                    "name": account.name,
                    "url": f"{state.public_url}/webhooks/calcom/{account.name}",
                    "has_secret": of_environment or bool(credentials.webhook_secrets),
                    "has_key": credentials.api_key is not None,
                    "has_routes": account.has_routes,
                    "of_environment": of_environment,
                }
            )
        context = {
            "accounts": rows,
            "url_warning": state.setup.warn_of_address(state.public_url) if state.setup is not None else None,
            "shown": shown,
            "faults": faults or {},
            "values": values or {},
        }
        return await render_settings(
            request, "accounts", context, tx=tx, session=session, state=state, status=422 if faults else 200
        )
