"""How a workspace's mail goes out, as the first run's form says: its one connection to Resend or SMTP, or none."""

from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access import connections_store
from showup.access.connection import Connection
from showup.access.teammate import Session
from showup.connections.addresses import find_address_fault
from showup.connections.setup import ConnectionSpec, amend, take_down
from showup.web.http.app_state import AppState

CARRIERS: Final = ("resend", "smtp")
_SECRETS: Final = {"resend": ("resend_key", "api_key"), "smtp": ("smtp_url", "url")}
_MISSING: Final = {"resend": "Paste the API key.", "smtp": "Enter smtp://user:password@host:587."}
_NAME: Final = "mail"
_MAX_SECRET: Final = 500
_log = structlog.get_logger()


async def check_carrier(
    form: dict[str, str], session: Session, state: AppState, *, stored: str | None
) -> dict[str, str]:
    """Returns the faults of the form by field. Without a new secret, the `stored` kind of connection stays."""
    carrier = form.get("carrier", "")
    if carrier not in CARRIERS:
        return {}
    secret = form.get(_SECRETS[carrier][0], "")
    if len(secret) > _MAX_SECRET or not secret.isprintable():
        return {carrier: _MISSING[carrier]}
    spec = _spec(form, session, _NAME)
    if spec is None:
        return {} if carrier == stored else {carrier: _MISSING[carrier]}
    fault = await find_address_fault(state.address_policy, spec)
    return {} if fault is None else {carrier: fault.because}


async def save_carrier(form: dict[str, str], session: Session, state: AppState, tx: AsyncConnection) -> None:
    """Stores the connection of the form, and removes the others: Showup would prefer Resend to SMTP.

    `carrier` is `resend` or `smtp`; `preview` removes both; anything else changes nothing.
    """
    carrier = form.get("carrier", "")
    if carrier not in (*CARRIERS, "preview"):
        return
    now = state.clock()
    stored = await _stored(tx, session)
    for one in stored:
        if one.kind != carrier:
            await take_down(
                tx,
                workspace_id=session.workspace.id,
                kind=one.kind,
                name=one.name,
                now=now,
                actor=session.permission.actor,
            )
            _log.info("disconnected", kind=one.kind, name=one.name, actor=session.permission.actor)
    name = next((one.name for one in stored if one.kind == carrier), _NAME)
    if (spec := _spec(form, session, name)) is not None:
        await amend(tx, state.mail_secrets.seal, spec, now, actor=session.permission.actor)
        _log.info("connected", kind=spec.kind, name=spec.name, actor=session.permission.actor)


async def ask_carrier(form: dict[str, str], session: Session, state: AppState) -> str | None:
    """Asks the mail server or Resend, if the form brought a new secret; returns what is wrong. It sends no mail."""
    if state.check_connection is None or _spec(form, session, _NAME) is None:
        return None
    async with state.read_engine.connect() as tx:
        stored = await _stored(tx, session)
    connection = next((one for one in stored if one.kind == form["carrier"]), None)
    if connection is None or state.connection_tests.retry_after(session.workspace.id) is not None:
        return None
    faults = (await state.check_connection(connection)).faults
    return "; ".join(faults) if faults else None


def _spec(form: dict[str, str], session: Session, name: str) -> ConnectionSpec | None:
    carrier = form.get("carrier", "")
    if carrier not in CARRIERS:
        return None
    field, secret = _SECRETS[carrier]
    if not form.get(field):
        return None
    credentials = {secret: form[field]}
    return ConnectionSpec(
        workspace_id=session.workspace.id, kind=carrier, name=name, settings={}, credentials=credentials
    )


async def _stored(tx: AsyncConnection, session: Session) -> list[Connection]:
    connections = await connections_store.list_connections(tx, workspace_id=session.workspace.id)
    return [one for one in connections if one.kind in CARRIERS]
