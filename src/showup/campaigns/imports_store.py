"""Store the progress and the report of imports: the same file with the same options is imported once."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct
from uuid_utils.compat import uuid7

from showup.campaigns.leads_store import Repetition

MAX_REPORTED_ROWS: Final = 1_000
"""How many rejected rows, and how many repeated ones, a report lists; it counts all."""


class RejectedLine(Struct, frozen=True, kw_only=True):
    """A row that was not imported."""

    line: int
    reason: str


class LeadImport(Struct, frozen=True, kw_only=True):
    """An import: how far it came, and its report. `position` is the last line whose record it has read."""

    id: UUID
    file_name: str
    campaign: str | None
    state: str
    position: int
    accepted: int
    repeated: int
    ignored: int
    rejected: dict[str, int]
    rejected_rows: list[RejectedLine]
    repeated_rows: list[Repetition]
    started_at: datetime
    ended_at: datetime | None


class BatchReport(Struct, kw_only=True):
    """What one batch adds to an import's report."""

    accepted: int = 0
    ignored: int = 0
    rejected: list[RejectedLine] = []
    repeated: list[Repetition] = []


class ImportTaken(Exception):
    """Another process imports the same file."""


async def open_import(
    connection: asyncpg.Connection,
    workspace_id: UUID,
    *,
    digest: bytes,
    file_name: str,
    campaign: str | None,
    actor: str,
    now: datetime,
) -> LeadImport:
    """Return the import with this digest, new or as far as it came."""
    await connection.execute(
        """
        INSERT INTO lead_imports (id, workspace_id, digest, file_name, campaign, actor, state, started_at)
        VALUES ($1, $2, $3, $4, $5, $6, 'running', $7) ON CONFLICT (workspace_id, digest) DO NOTHING
        """,
        uuid7(),
        workspace_id,
        digest,
        file_name,
        campaign,
        actor,
        now,
    )
    found = await find_import(connection, workspace_id, digest)
    assert found is not None, "it has just been inserted, and none is ever deleted while its file is imported"
    return found


async def find_import(connection: asyncpg.Connection, workspace_id: UUID, digest: bytes) -> LeadImport | None:
    """Return the import with this digest, as far as it came; None if there is none."""
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM lead_imports WHERE workspace_id = $1 AND digest = $2",  # noqa: S608  # a constant
        workspace_id,
        digest,
    )
    return None if row is None else _import(row)


async def add_batch(
    connection: asyncpg.Connection, before: LeadImport, position: int, batch: BatchReport
) -> LeadImport:
    """Add a batch to the import, in the transaction that saves its leads. Raises ImportTaken."""
    rejected = dict(before.rejected)
    for one in batch.rejected:
        rejected[one.reason] = rejected.get(one.reason, 0) + 1
    rejected_rows = [*before.rejected_rows, *batch.rejected][:MAX_REPORTED_ROWS]
    repeated_rows = [*before.repeated_rows, *batch.repeated][:MAX_REPORTED_ROWS]
    row = await connection.fetchrow(
        f"""
        UPDATE lead_imports
        SET position = $3, accepted = accepted + $4, repeated = repeated + $5, ignored = ignored + $6, rejected = $7,
            rejected_rows = $8, repeated_rows = $9
        WHERE id = $1 AND position = $2 AND state = 'running' RETURNING {_COLUMNS}
        """,  # noqa: S608  # a constant
        before.id,
        before.position,
        position,
        batch.accepted,
        len(batch.repeated),
        batch.ignored,
        _json(rejected),
        _json(rejected_rows),
        _json(repeated_rows),
    )
    if row is None:
        raise ImportTaken
    return _import(row)


async def finish(connection: asyncpg.Connection, import_id: UUID, now: datetime) -> LeadImport:
    """Mark the import as done."""
    return _import(
        await connection.fetchrow(
            f"UPDATE lead_imports SET state = 'done', ended_at = $2 WHERE id = $1 RETURNING {_COLUMNS}",  # noqa: S608  # a constant
            import_id,
            now,
        )
    )


_JSON_COLUMNS: Final[Mapping[str, Any]] = {
    "rejected": dict[str, int],
    "rejected_rows": list[RejectedLine],
    "repeated_rows": list[Repetition],
}
_COLUMNS: Final = ", ".join(
    f"{name}::text AS {name}" if name in _JSON_COLUMNS else name for name in LeadImport.__struct_fields__
)


def _json(value: dict[str, int] | Sequence[Struct]) -> str:
    return msgspec.json.encode(value).decode()


def _import(row: asyncpg.Record) -> LeadImport:
    decoded = {name: msgspec.json.decode(row[name], type=kind) for name, kind in _JSON_COLUMNS.items()}
    return LeadImport(**{**dict(row), **decoded})
