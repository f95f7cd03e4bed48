"""What a connection's page saves: its settings and secrets, whether it is paused, and that it is removed.

It runs the API's commands, under the workspace's lock: two people who save at once see each other's changes.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from msgspec import Struct
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access import connections_store, settings_log_store
from showup.access.connection import Connection
from showup.access.secrets_at_rest import DecryptionError
from showup.access.settings_log_store import changed
from showup.access.teammate import Session
from showup.commands.unit_of_work import UnitOfWork
from showup.connections.environment import NAME as FROM_ENVIRONMENT
from showup.connections.setup import name_in_log
from showup.destinations.destination_kind import DestinationKind
from showup.web.api import connections as api
from showup.web.api.connections import CreateConnectionRequest, UpdateConnectionRequest
from showup.web.dashboard.operations.connection_form import (
    EnteredConnection,
    fault_words,
    form_of,
    form_values,
    parse_connection,
    shown_value,
)
from showup.web.dashboard.settings.overtaken import Overtaken, overtaken_by
from showup.web.dashboard.unit_of_work import unit_of_work_of
from showup.web.http.app_state import AppState, write_transaction
from showup.web.http.problems import Refusal
from showup.web.http.query_params import WorkspaceQuery

_NAME: Final = "main"
"""The name of a connection that the page adds: a workspace has one of each kind."""
_QUERY: Final = WorkspaceQuery(workspace=None)
_BESIDE_FIELDS: Final = ("invalid", "conflict", "exists-already", "quota-reached")


class KnownConnection(Struct, frozen=True, kw_only=True):
    """A connection as it is stored, `secrets` in plain text: never show them. Nothing is stored without `row`.

    `is_unreadable`: its secrets can't be decrypted, so they must be entered again.
    """

    row: Connection | None = None
    changed_at: datetime | None = None
    secrets: Mapping[str, Any] = {}
    is_unreadable: bool = False

    @property
    def settings(self) -> Mapping[str, Any]:
        """Return its settings."""
        return {} if self.row is None else self.row.settings

    @property
    def seen(self) -> str:
        """Return what tells whether somebody saved it since a form was shown."""
        return "" if self.changed_at is None else self.changed_at.isoformat()

    @property
    def is_of_environment(self) -> bool:
        """Return whether the environment of the server defines it."""
        return self.row is not None and self.row.name == FROM_ENVIRONMENT


class SavedConnection(Struct, frozen=True, kw_only=True):
    """What came of saving. `row` is the connection; it was not saved if there are `faults` or a `conflict`."""

    known: KnownConnection
    faults: Mapping[str, str] = {}
    conflict: Overtaken | None = None
    is_changed: bool = False


async def find_connection(
    tx: AsyncConnection, session: Session, state: AppState, connection_id: UUID | None, kind: DestinationKind | None
) -> KnownConnection:
    """Return the connection with this id, or without one that of the kind, if there is one.

    Refuses an id of another workspace.
    """
    if connection_id is None:
        stored = await connections_store.list_connections(tx, workspace_id=session.workspace.id)
        row = next((one for one in stored if kind is not None and one.kind == kind.name), None)
        if row is None:
            return KnownConnection()
    else:
        found = await connections_store.get(tx, connection_id)
        if found is None or found[0] != session.workspace.id:
            raise Refusal("not-found", "You can see no connection with this id: somebody may have removed it.")
        row = found[1]
    changed_at = await connections_store.last_changed_at(tx, row.id)
    try:
        secrets = await connections_store.credentials(tx, state.mail_secrets.seal, row.id) or {}
    except DecryptionError:
        return KnownConnection(row=row, changed_at=changed_at, is_unreadable=True)
    return KnownConnection(row=row, changed_at=changed_at, secrets=secrets)


async def save_connection(
    session: Session, state: AppState, kind: DestinationKind, connection_id: UUID | None, entered: Mapping[str, str]
) -> SavedConnection:
    """Save a form. The second of two who save at once sees what the first one changed; the same form twice is once."""
    try:
        async with write_transaction(state) as tx:
            unit_of_work = unit_of_work_of(session, state, tx)
            await unit_of_work.lock(session.workspace.id)
            known = await find_connection(tx, session, state, connection_id, kind)
            change = _new_of(known, parse_connection(kind, entered, known.settings, frozenset(known.secrets)))
            if change.faults:
                return SavedConnection(known=known, faults=change.faults)
            if known.row is not None and not change.settings and not change.secrets:
                return SavedConnection(known=known)
            if entered.get("seen", "") != known.seen:
                conflict = await _overtaken(tx, session, state, kind, known, entered)
                return SavedConnection(known=known, conflict=conflict)
            await _store(unit_of_work, state, kind, known.row, change)
            saved = await find_connection(tx, session, state, connection_id, kind)
            return SavedConnection(known=saved, is_changed=True)
    except Refusal as refusal:
        if refusal.kind not in _BESIDE_FIELDS:
            raise
        faults = _faults_of(refusal, kind)
    except ValidationError as error:
        faults = {"": f"{error.errors()[0]['msg'].removeprefix('Value error, ')}."}
    async with state.read_engine.connect() as tx:
        return SavedConnection(known=await find_connection(tx, session, state, connection_id, kind), faults=faults)


async def set_paused(session: Session, state: AppState, connection_id: UUID, *, paused: bool) -> None:
    """Pause what is sent there, or resume it."""
    async with write_transaction(state) as tx:
        unit_of_work = unit_of_work_of(session, state, tx)
        await unit_of_work.lock(session.workspace.id)
        body = UpdateConnectionRequest(settings={"paused": True if paused else None})
        await api.update_connection(connection_id, body, unit_of_work, state, _QUERY)


async def remove_connection(session: Session, state: AppState, connection_id: UUID) -> None:
    """Remove a connection. Refuses one of another workspace, and one that is removed already."""
    async with write_transaction(state) as tx:
        unit_of_work = unit_of_work_of(session, state, tx)
        await unit_of_work.lock(session.workspace.id)
        await find_connection(tx, session, state, connection_id, None)
        await api.delete_connection(connection_id, unit_of_work, _QUERY)


def _new_of(known: KnownConnection, change: EnteredConnection) -> EnteredConnection:
    """Return the change without secrets that are stored already, as from a form that comes twice."""
    secrets = {name: one for name, one in change.secrets.items() if one != known.secrets.get(name)}
    has_address = "api_url" in change.settings
    return change if has_address else EnteredConnection(settings=change.settings, secrets=secrets, faults=change.faults)


async def _store(
    unit_of_work: UnitOfWork, state: AppState, kind: DestinationKind, row: Connection | None, change: EnteredConnection
) -> None:
    if row is None:
        body = CreateConnectionRequest.model_validate(
            {
                "kind": kind.name,
                "name": _NAME,
                "settings": {name: one for name, one in change.settings.items() if one is not None},
                "credentials": {name: one for name, one in change.secrets.items() if one is not None},
            }
        )
        await api.create_connection(body, unit_of_work, state, _QUERY)
        return
    fields: dict[str, Any] = {"settings": dict(change.settings)} if change.settings else {}
    if change.secrets:
        fields["credentials"] = dict(change.secrets)
    await api.update_connection(row.id, UpdateConnectionRequest.model_validate(fields), unit_of_work, state, _QUERY)


async def _overtaken(  # what it compares
    tx: AsyncConnection,
    session: Session,
    state: AppState,
    kind: DestinationKind,
    known: KnownConnection,
    entered: Mapping[str, str],
) -> Overtaken:
    """Return what is stored now and was not what the form showed: the form keeps that in `was.…`."""
    assert known.row is not None, "only what is stored can be overtaken"
    form, stored = form_of(kind), form_values(form_of(kind), known.settings)
    before = {one.name: shown_value(one, entered, prefix="was.") for one in form.settings}
    now = {one.name: shown_value(one, stored) for one in form.settings}
    labels = {one.name: one.label for one in form.settings}
    about = name_in_log(known.row.kind, known.row.name)
    newest = await settings_log_store.find_newest(tx, session.workspace.id, about)
    actor = "somebody" if newest is None else newest.actor
    at = newest.at if newest is not None else known.changed_at or state.clock()
    return overtaken_by(actor, at, changed(before, now), labels)


def _faults_of(refusal: Refusal, kind: DestinationKind) -> dict[str, str]:
    """Return a refusal beside its field; one of no field stands above the form."""
    names = {f"settings.{one.name}": f"s.{one.name}" for one in form_of(kind).settings}
    names |= {f"credentials.{one.name}": f"c.{one.name}" for one in form_of(kind).secrets}
    faults = {}
    for one in refusal.errors or ():
        field = names.get(one["field"], "")
        faults[field] = fault_words(field.removeprefix("s."), one["detail"]) if field else one["detail"]
    return faults or {"": refusal.detail or "It was not saved."}
