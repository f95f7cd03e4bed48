"""Erases one person from a workspace, in one transaction: an interrupted erasure changed nothing and is run again.

What follows from their bookings stays, under a pseudonym: deals, outcomes, the funnel and every total. The log gets
bodies without the person, the current data is replayed from them, and all other tables are redacted row by row.
"""

import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.access import erased_addresses_store
from showup.access.secrets_at_rest import Seal
from showup.database.engine import driver_connection, transaction
from showup.database.tables import metadata
from showup.inbox.rebuild.options import RebuildOptions
from showup.inbox.rebuild.run import rebuild
from showup.inbox.redaction import find_events, learn_names, redact_events
from showup.outbox import suppressions
from showup.outbox.suppressions import Suppression
from showup.privacy import actions_store
from showup.privacy.catalogue import person_tables
from showup.privacy.leads import redact_leads
from showup.privacy.person_rows import redact_rows, rows_about
from showup.privacy.person_scope import PersonScope, PersonUnknown, find_scope, refuse_own_side
from showup.values.redaction import Redactor, make_pseudonym

ERASED: Final = "the person was erased"
_TOKEN_BYTES: Final = 5

Progress = Callable[[int], None]


class Erased(Struct, kw_only=True):
    """How much an erasure changed: rows by kind. `addresses`: how many addresses the person had."""

    addresses: int = 0
    bookings: int = 0
    events: int = 0
    leads: int = 0
    deliveries: int = 0
    rows: int = 0


def _ignore(_: int) -> None:
    pass


async def erase_person(  # noqa: PLR0913  # each by its name
    engine: AsyncEngine,
    seal: Seal,
    workspace_id: UUID,
    email: str,
    *,
    actor: str,
    at: datetime,
    request_id: UUID | None = None,
    on_start: Progress = _ignore,
    on_progress: Progress = _ignore,
) -> Erased:
    """Erases the person with this normalized address. Raises PersonUnknown or NotErasable, and then changed nothing.

    Meanwhile the workspace's events wait, as in a rebuild. `request_id`: the request that is done with it.
    """
    erased = Erased()

    async def prepare(connection: asyncpg.Connection) -> None:
        # A replay may take longer between two statements of this transaction than an import does.
        await connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        await _erase(connection, seal, workspace_id, email, at, erased)
        await connection.execute("DELETE FROM requested_erasures WHERE id = $1", request_id)
        counts = {name: getattr(erased, name) for name in erased.__struct_fields__}
        await actions_store.add(connection, "erased", workspace_id=workspace_id, actor=actor, at=at, counts=counts)

    options = RebuildOptions(workspace_ids=[workspace_id], applied=True, with_leads=True, max_examples=0)
    await rebuild(engine, options, on_start=on_start, on_progress=on_progress, prepare=prepare)
    await forget_statistics(engine)
    return erased


async def _erase(
    connection: asyncpg.Connection, seal: Seal, workspace_id: UUID, email: str, at: datetime, erased: Erased
) -> None:
    scope = await find_scope(connection, workspace_id, email)
    await refuse_own_side(connection, workspace_id, scope)
    redactor = Redactor(
        make_pseudonym(scope.emails, secrets.token_hex(_TOKEN_BYTES)), names=scope.names, phones=scope.phones
    )
    events = await find_events(connection, workspace_id, scope.ids["bookings"], redactor.search_terms(with_names=False))
    if not (events or scope.is_known):
        raise PersonUnknown
    redactor = await learn_names(connection, events, redactor)
    await erased_addresses_store.add(connection, seal, workspace_id, redactor.pseudonym, at=at)
    await _stop_messages(connection, workspace_id, scope, at)
    erased.addresses, erased.bookings = len(scope.emails), len(scope.ids["bookings"])
    erased.deliveries = await _delete_contents(connection, workspace_id, scope, redactor)
    await _delete_files(connection, workspace_id, scope)
    erased.events = await redact_events(connection, workspace_id, events, redactor, scope.ids["bookings"])
    erased.rows = await _redact_tables(connection, workspace_id, scope, events, redactor)
    erased.leads = await redact_leads(connection, workspace_id, scope.ids["leads"], redactor)
    for address in redactor.pseudonym.addresses.values():
        stop = Suppression(scope="all", reason="unsubscribed", because=ERASED)
        await suppressions.add(connection, workspace_id, address, stop, at=at)


async def _stop_messages(connection: asyncpg.Connection, workspace_id: UUID, scope: PersonScope, at: datetime) -> None:
    """Withdraws what was going to be sent to the person; a history never plans it again."""
    await connection.execute(
        """
        UPDATE deliveries SET state = 'withdrawn', because = $3, withdrawn_by = 'showup', updated_at = $4
        WHERE workspace_id = $1 AND recipient = ANY($2::text[]) AND state IN ('scheduled', 'sending')
        """,
        workspace_id,
        [*scope.emails, *scope.phones],
        ERASED,
        at,
    )


async def _delete_contents(
    connection: asyncpg.Connection, workspace_id: UUID, scope: PersonScope, redactor: Redactor
) -> int:
    """Deletes what was rendered for the person's deliveries, and whatever else names them; returns how many."""
    status: str = await connection.execute(
        """
        DELETE FROM delivery_contents c USING deliveries d WHERE d.id = c.delivery_id AND d.workspace_id = $1
        AND (d.id = ANY($2::uuid[]) OR lower(c.content::text) LIKE ANY($3::text[]))
        """,
        workspace_id,
        scope.ids["deliveries"],
        [f"%{term.replace('%', '_')}%" for term in redactor.search_terms(with_names=True)],
    )
    return int(status.rpartition(" ")[2])


async def _delete_files(connection: asyncpg.Connection, workspace_id: UUID, scope: PersonScope) -> None:
    """Deletes the files of proposals that were made after the person's meetings, or sent to the person."""
    await connection.execute(
        """
        DELETE FROM proposal_files f USING proposals p WHERE p.id = f.proposal_id AND p.workspace_id = $1
        AND (p.booking_id = ANY($2::uuid[]) OR p.recipient = ANY($3::text[]))
        """,
        workspace_id,
        scope.ids["bookings"],
        scope.emails,
    )


async def _redact_tables(
    connection: asyncpg.Connection, workspace_id: UUID, scope: PersonScope, events: list[UUID], redactor: Redactor
) -> int:
    changed = 0
    ids = {**scope.ids, "events": events}
    for table, columns in person_tables():
        async for page in rows_about(connection, table, workspace_id, ids, redactor, columns, locked=True):
            changed += await redact_rows(connection, table, page, columns, redactor)
    return changed


async def forget_statistics(engine: AsyncEngine) -> None:
    """Lets PostgreSQL count all tables again: its statistics hold examples of their values."""
    async with transaction(engine) as tx:
        connection = await driver_connection(tx)
        for table in metadata.sorted_tables:
            await connection.execute(f"ANALYZE {table.name}")
