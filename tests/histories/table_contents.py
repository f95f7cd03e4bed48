"""Applies a history to a workspace, and reads every column of every table with names in place of ids."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.container import event_handlers
from showup.database.engine import driver_connection, transaction
from showup.database.tables import metadata
from showup.deals.deal import deal_id
from showup.inbox import store
from showup.inbox.apply import BATCH_SIZE, apply_pending
from showup.inbox.inbox_event import IncomingEvent
from showup.pipeline.seat_deals import seat_stream_id
from tests.histories.calcom_week import ReceivedBody

TableContents = dict[str, list[str]]

WORKSPACE = UUID("5700d0c5-0000-4000-8000-000000000000")
ACCOUNTS = (UUID("acc0a700-0000-4000-8000-000000000000"), UUID("acc0a701-0000-4000-8000-000000000000"))

# Columns that may depend on the order and the batches in which a history is applied.
_IGNORED_COLUMNS = {
    "audit_log": ("number",),
    "inbox_events": ("number", "processed_at", "received_at", "body", "digest", "attempts"),
}
_BY_WORKSPACE = "t.workspace_id = $1"
_FILTERS: dict[str, str] = {
    "bookings": _BY_WORKSPACE,
    "booking_attendees": "t.booking_id IN (SELECT id FROM bookings WHERE workspace_id = $1)",
    "booking_refs": _BY_WORKSPACE,
    "booking_facts": _BY_WORKSPACE,
    "stage_visits": _BY_WORKSPACE,
    "people": _BY_WORKSPACE,
    "companies": _BY_WORKSPACE,
    "deals": _BY_WORKSPACE,
    # Rows of zeros may be left of what was there for a while.
    "booking_weeks": f"{_BY_WORKSPACE} AND t.total <> 0",
    "record_counts": f"{_BY_WORKSPACE} AND t.records <> 0",
    "campaign_deals": f"{_BY_WORKSPACE} AND t.seats <> 0",
    "deal_events": "t.company_id IN (SELECT id FROM companies WHERE workspace_id = $1)",
    "merges": _BY_WORKSPACE,
    "rules": _BY_WORKSPACE,
    "audit_log": _BY_WORKSPACE,
    "deliveries": _BY_WORKSPACE,
    "inbox_events": f"{_BY_WORKSPACE} AND t.duplicate_of IS NULL",
    "event_refs": "t.event_id IN (SELECT id FROM inbox_events WHERE workspace_id = $1)",
}
_SELECT_ALL = " UNION ALL ".join(
    f"SELECT '{name}' AS name, (to_jsonb(t) - 'search')::text AS row FROM {name} t WHERE {where}"  # noqa: S608  # constants
    for name, where in _FILTERS.items()
)
_DELETE_ALL = "; ".join(f"DELETE FROM {name}" for name in sorted(metadata.tables))  # noqa: S608  # our own names
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# Columns that contain the id of a booking. It is also the id of the event that created the booking, so only the column
# distinguishes the two.
_BOOKING_COLUMNS = frozenset({"booking_id", "stream_id", "opened_by", "cancelled_by"})


async def new_account(engine: AsyncEngine) -> IncomingEvent:
    """Creates a workspace with one Cal.com account; returns an incoming event of that account to copy."""
    workspace_id, account_id = uuid4(), uuid4()
    async with transaction(engine) as tx:
        await _new_workspace(await driver_connection(tx), workspace_id, [account_id])
    now = datetime.fromisoformat("2026-01-01T00:00:00Z")
    return IncomingEvent(account_id=account_id, workspace_id=workspace_id, body=b"", received_at=now)


async def _new_workspace(connection: asyncpg.Connection, workspace_id: UUID, account_ids: Sequence[UUID]) -> None:
    await connection.execute(
        "INSERT INTO workspaces (id, slug, name) VALUES ($1, $2, 'Test')", workspace_id, str(workspace_id)
    )
    await connection.executemany(
        "INSERT INTO connections (id, workspace_id, kind, name) VALUES ($1, $2, 'calcom', $3)",
        [(one, workspace_id, str(one)) for one in account_ids],
    )


async def reset_database(engine: AsyncEngine) -> None:
    """Empties the database and adds a workspace with two Cal.com accounts, so that the same ids can be used again."""
    async with transaction(engine) as tx:
        connection = await driver_connection(tx)
        # Triggers protect the log from changes; the role turns them off.
        await connection.execute(f"SET LOCAL session_replication_role = replica; {_DELETE_ALL}")
        await _new_workspace(connection, WORKSPACE, ACCOUNTS)


async def apply_history(engine: AsyncEngine, bodies: Sequence[ReceivedBody], batches: Sequence[int] = ()) -> None:
    """Stores and applies bodies in this order, in batches of these sizes (then one by one), in an emptied database.

    Each body has its own time of receipt, which is part of the history and does not depend on the order.
    """
    await reset_database(engine)
    remaining = list(bodies)
    sizes = [*batches, *([1] * len(remaining))]
    while remaining:
        size = max(1, sizes.pop(0))
        await apply_batch(engine, remaining[:size])
        del remaining[:size]


async def apply_batch(engine: AsyncEngine, bodies: Sequence[ReceivedBody]) -> None:
    """Stores the bodies and applies them in one batch."""
    async with transaction(engine) as tx:
        connection = await driver_connection(tx)
        if webhooks := [_incoming_event(one) for one in bodies if one.account is not None]:
            await store.insert_events(connection, webhooks)
        await _insert_commands(connection, [one for one in bodies if one.account is None])
    now = max(one.received_at for one in bodies)
    applied = 0
    # A batch takes several calls only when an event fails. A last call that finds nothing would cost as much as half
    # a call that applies an event.
    while applied < len(bodies) and (
        count := await apply_pending(engine, WORKSPACE, lambda: now, event_handlers(), limit=BATCH_SIZE)
    ):
        applied += count


async def _insert_commands(connection: asyncpg.Connection, commands: Iterable[ReceivedBody]) -> None:
    """Stores commands as the application does, but with the ids of the history; ignores repeated commands."""
    await connection.executemany(
        """
        INSERT INTO inbox_events (id, workspace_id, source, origin, actor, received_at, digest, body, content_type)
        VALUES ($1, $2, 'manual', 'manual', 'key:ops', $3, sha256($4), $4, 'application/json') ON CONFLICT DO NOTHING
        """,
        [(one.id, WORKSPACE, one.received_at, one.body) for one in commands],
    )


def _incoming_event(one: ReceivedBody) -> IncomingEvent:
    assert one.account is not None, "a command comes from no account"
    account_id = ACCOUNTS[one.account]
    return IncomingEvent(account_id=account_id, workspace_id=WORKSPACE, body=one.body, received_at=one.received_at)


async def table_contents(engine: AsyncEngine, workspace_id: UUID = WORKSPACE) -> TableContents:
    """Returns all rows of the workspace; each id is replaced with a name that is the same in any order."""
    rows = await _rows(engine, workspace_id)
    names = _names(rows)
    events = _event_names(rows, names)
    names |= {row["booking_id"]: row["ref"] for row in sorted(rows["booking_refs"], key=_ref, reverse=True)}
    names |= _seat_stream_names(rows, names)
    deals = {deal: f"deal of {names.get(opener) or events[opener]}" for deal, opener in _opened_by(rows).items()}
    return _render(rows, {**names, **deals}, events)


async def table_contents_with_ids(engine: AsyncEngine, workspace_id: UUID = WORKSPACE) -> TableContents:
    """Returns all rows of the workspace; each id is replaced with the inbox event, email or key that determines it.

    An id that nothing in the log determines is not replaced, so two runs never agree on it.
    """
    rows = await _rows(engine, workspace_id)
    names = _names(rows)
    events = _event_names(rows, names)
    seats = _seat_stream_names(rows, events)
    deals = {str(deal_id(UUID(event))): f"deal of {name}" for event, name in (events | seats).items()}
    names |= seats
    return _render(rows, {**names, **deals}, events)


async def _rows(engine: AsyncEngine, workspace_id: UUID) -> dict[str, list[dict[str, Any]]]:
    async with transaction(engine) as tx:
        found = await (await driver_connection(tx)).fetch(_SELECT_ALL, workspace_id)
        accounts = await (await driver_connection(tx)).fetch(
            "SELECT id FROM connections WHERE workspace_id = $1 ORDER BY name", workspace_id
        )
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in _FILTERS}
    for name, row in found:
        rows[name].append(json.loads(row))
    rows["connections"] = [{"id": str(one["id"])} for one in accounts]
    rows["workspaces"] = [{"id": str(workspace_id)}]
    return rows


def _ref(row: Mapping[str, Any]) -> str:
    return str(row["ref"])


def _names(rows: Mapping[str, list[dict[str, Any]]]) -> dict[str, str]:
    """Returns names for the ids that can't be mistaken for the id of an event."""
    names = {row["id"]: f"person {row['email']}" for row in rows["people"]}
    names |= {row["id"]: row["key"] for row in rows["companies"]}
    names |= {row["gone_id"]: f"merged {row['gone']}" for row in rows["merges"]}
    names |= {row["id"]: f"delivery {row['key']}" for row in rows["deliveries"]}
    names |= {row["id"]: f"account {index}" for index, row in enumerate(rows.pop("connections"))}
    names |= {row["id"]: "the workspace" for row in rows.pop("workspaces")}
    return names


def _seat_stream_names(rows: Mapping[str, list[dict[str, Any]]], bookings: Mapping[str, str]) -> dict[str, str]:
    """Returns names for the deal events of the companies that have seats, from those of their bookings."""
    return {
        str(seat_stream_id(UUID(row["booking_id"]), row["company_key"])): (
            f"seats of {row['company_key']} in {bookings[row['booking_id']]}"
        )
        for row in rows["booking_attendees"]
        if row["company_key"] is not None
    }


def _event_names(rows: Mapping[str, list[dict[str, Any]]], names: Mapping[str, str]) -> dict[str, str]:
    return {
        row["id"]: f"{row['origin']} {row['digest'][2:12]} of {names.get(row['account_id'], 'a person')}"
        for row in rows["inbox_events"]
    }


def _opened_by(rows: Mapping[str, list[dict[str, Any]]]) -> dict[str, str]:
    return {row["id"]: row["opened_by"] for row in rows["deals"]}


def _render(
    rows: Mapping[str, list[dict[str, Any]]],
    names: Mapping[str, str],
    events: Mapping[str, str],
) -> TableContents:
    def replace_ids(column: str, value: Any, table: str) -> str:
        first, second = (
            (names, events) if column in _BOOKING_COLUMNS or (table, column) == ("bookings", "id") else (events, names)
        )
        text = json.dumps(value, sort_keys=True)
        return _UUID.sub(lambda found: first.get(found[0]) or second.get(found[0]) or found[0], text)

    return {
        table: sorted(
            ", ".join(
                f"{column}={replace_ids(column, value, table)}"
                for column, value in row.items()
                if value is not None and column not in _IGNORED_COLUMNS.get(table, ())
            )
            for row in table_rows
        )
        for table, table_rows in rows.items()
    }
