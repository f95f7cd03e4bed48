"""What was folded beside what stands: which rows differ, how many, and what some of them say."""

from typing import Any, Final, Literal, TypeAlias

import asyncpg
import msgspec
from msgspec import Struct

from showup.inbox.rebuild.compared import COMPARED, Compared

# Seconds that one statement over a whole table may take.
PATIENCE: Final = 4 * 3600.0

Kind: TypeAlias = Literal["missing", "extra", "changed"]


class Count(Struct, frozen=True, kw_only=True):
    """One table of one workspace: how many rows stand, how many the log makes, and how they differ.

    `missing` rows don't stand, `extra` ones shouldn't, and `changed` ones say something else.
    """

    workspace: str
    table: str
    stand: int
    folded: int
    missing: int
    extra: int
    changed: int

    @property
    def differing(self) -> int:
        """How many rows differ in one way or another."""
        return self.missing + self.extra + self.changed


class Pair(Struct, frozen=True, kw_only=True):
    """A row that differs, by column: as it stands, and as the log makes it (None: there is none)."""

    workspace: str
    compared: Compared
    stands: dict[str, Any] | None
    folded: dict[str, Any] | None

    @property
    def kind(self) -> Kind:
        """How it differs."""
        if self.stands is None:
            return "missing"
        return "extra" if self.folded is None else "changed"


async def mark(connection: asyncpg.Connection, real: str) -> None:
    """Notes the place of every row that differs, instead of what was noted before. `real`: the schema that stands."""
    await connection.execute("TRUNCATE pg_temp.differing")
    for compared in COMPARED:
        await connection.execute(_marking(compared).format(real=real), timeout=PATIENCE)
    await connection.execute("ANALYZE pg_temp.differing")


async def counted(connection: asyncpg.Connection, real: str) -> list[Count]:
    """Every table of every workspace in question."""
    found: list[Count] = []
    for compared in COMPARED:
        rows = await connection.fetch(_counting(compared).format(real=real), compared.name, timeout=PATIENCE)
        found += [Count(table=compared.name, **dict(row)) for row in rows]
    return sorted(found, key=lambda one: one.workspace)


async def examples(connection: asyncpg.Connection, real: str, most: int) -> list[Pair]:
    """Some of the rows that differ, at most so many of each table, those that are on both sides first."""
    found: list[Pair] = []
    for compared in COMPARED:
        rows = await connection.fetch(_showing(compared).format(real=real), compared.name, most, timeout=PATIENCE)
        found += [_pair(compared, row) for row in rows]
    return found


async def misplaced(connection: asyncpg.Connection, real: str) -> bool:
    """Whether an event was settled with another booking than the log says."""
    found: bool = await connection.fetchval(
        f"SELECT EXISTS (SELECT FROM settled s JOIN {real}.calcom_events e ON e.id = s.id "  # noqa: S608  # a quoted name
        "WHERE s.booking_id IS DISTINCT FROM e.booking_id)",
        timeout=PATIENCE,
    )
    return found


def _marking(compared: Compared) -> str:
    same = " AND ".join(f"s.{name} = f.{name}" for name in compared.key)
    stands, folded = (", ".join(f"{side}.{name}" for name in compared.state) for side in "sf")
    apart = f"OR ({stands}) IS DISTINCT FROM ({folded})" if compared.state else ""
    unless = f"AND NOT coalesce({compared.unless}, false)" if compared.unless else ""
    chosen = f"t.ctid AS at_row, r.workspace_id AS in_workspace, t.*{compared.also}"
    return f"""
        INSERT INTO differing (about, workspace_id, stands_at, folds_at)
        SELECT '{compared.name}', coalesce(s.in_workspace, f.in_workspace), s.at_row, f.at_row
        FROM (SELECT {chosen} FROM {compared.stands}) s FULL JOIN (SELECT {chosen} FROM {compared.folded}) f ON {same}
        WHERE (s.at_row IS NULL OR f.at_row IS NULL {apart}) {unless}
    """  # noqa: S608  # constants


def _counting(compared: Compared) -> str:
    return f"""
        WITH stand AS (SELECT r.workspace_id, count(*) AS many FROM {compared.stands} GROUP BY 1),
        folded AS (SELECT r.workspace_id, count(*) AS many FROM {compared.folded} GROUP BY 1),
        differ AS (
            SELECT workspace_id, count(*) FILTER (WHERE stands_at IS NULL) AS missing,
                   count(*) FILTER (WHERE folds_at IS NULL) AS extra, count(*) AS many
            FROM differing WHERE about = $1 GROUP BY 1
        )
        SELECT w.slug AS workspace, coalesce(stand.many, 0) AS stand, coalesce(folded.many, 0) AS folded,
               coalesce(missing, 0) AS missing, coalesce(extra, 0) AS extra,
               coalesce(differ.many - missing - extra, 0) AS changed
        FROM rebuilding r JOIN workspaces w ON w.id = r.workspace_id LEFT JOIN stand USING (workspace_id)
        LEFT JOIN folded USING (workspace_id) LEFT JOIN differ USING (workspace_id)
    """  # noqa: S608  # constants


def _showing(compared: Compared) -> str:
    return f"""
        SELECT w.slug, to_jsonb(s)::text AS stands, to_jsonb(f)::text AS folded
        FROM (SELECT * FROM differing WHERE about = $1
              ORDER BY stands_at IS NULL OR folds_at IS NULL, stands_at, folds_at LIMIT $2) d
        JOIN workspaces w ON w.id = d.workspace_id
        LEFT JOIN {{real}}.{compared.name} s ON s.ctid = d.stands_at
        LEFT JOIN pg_temp.{compared.shadow} f ON f.ctid = d.folds_at
    """  # noqa: S608  # constants


def _pair(compared: Compared, row: asyncpg.Record) -> Pair:
    stands, folded = (None if row[side] is None else msgspec.json.decode(row[side]) for side in ("stands", "folded"))
    return Pair(workspace=row["slug"], compared=compared, stands=stands, folded=folded)
