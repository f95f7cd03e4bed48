"""Compares replayed tables with the current ones: which rows differ, how many, and some examples."""

from typing import Any, Final, Literal, TypeAlias

import asyncpg
import msgspec
from msgspec import Struct

from showup.inbox.rebuild.compared_tables import COMPARED_TABLES, ComparedTable

# Seconds that one statement over a whole table may take.
STATEMENT_TIMEOUT: Final = 4 * 3600.0

DifferenceKind: TypeAlias = Literal["missing", "extra", "changed"]


class TableCount(Struct, frozen=True, kw_only=True):
    """One table of one workspace: how many rows it has, how many the log produces, and how they differ.

    `missing` rows exist only in the replay, `extra` rows only in the current data, and `changed` rows in both with
    other values.
    """

    workspace: str
    table: str
    current: int
    replayed: int
    missing: int
    extra: int
    changed: int

    @property
    def differing(self) -> int:
        """Returns how many rows differ in any way."""
        return self.missing + self.extra + self.changed


class RowPair(Struct, frozen=True, kw_only=True):
    """A differing row, by column: its current values, and the replayed ones (None where there is no row)."""

    workspace: str
    table: ComparedTable
    current: dict[str, Any] | None
    replayed: dict[str, Any] | None

    @property
    def kind(self) -> DifferenceKind:
        """Returns how the row differs."""
        if self.current is None:
            return "missing"
        return "extra" if self.replayed is None else "changed"


async def mark_differences(connection: asyncpg.Connection, live_schema: str) -> None:
    """Marks every differing row and replaces the earlier marks. `live_schema`: the schema of the current data."""
    await connection.execute("TRUNCATE pg_temp.differing")
    for table in COMPARED_TABLES:
        await connection.execute(_mark_sql(table).format(real=live_schema), timeout=STATEMENT_TIMEOUT)
    await connection.execute("ANALYZE pg_temp.differing")


async def count_differences(connection: asyncpg.Connection, live_schema: str) -> list[TableCount]:
    """Counts the differences in every table of every workspace of the rebuild."""
    counts: list[TableCount] = []
    for table in COMPARED_TABLES:
        rows = await connection.fetch(_count_sql(table).format(real=live_schema), table.name, timeout=STATEMENT_TIMEOUT)
        counts += [TableCount(table=table.name, **dict(row)) for row in rows]
    return sorted(counts, key=lambda count: count.workspace)


async def fetch_examples(connection: asyncpg.Connection, live_schema: str, limit: int) -> list[RowPair]:
    """Returns differing rows, at most so many per table; rows that exist on both sides come first."""
    pairs: list[RowPair] = []
    for table in COMPARED_TABLES:
        rows = await connection.fetch(
            _examples_sql(table).format(real=live_schema), table.name, limit, timeout=STATEMENT_TIMEOUT
        )
        pairs += [_row_pair(table, row) for row in rows]
    return pairs


async def has_misplaced_events(connection: asyncpg.Connection, live_schema: str) -> bool:
    """Returns whether an event is recorded with another booking than the log says."""
    is_misplaced: bool = await connection.fetchval(
        f"SELECT EXISTS (SELECT FROM replayed_events s JOIN {live_schema}.inbox_events e ON e.id = s.id "  # noqa: S608  # a quoted name
        "WHERE s.booking_id IS DISTINCT FROM e.booking_id)",
        timeout=STATEMENT_TIMEOUT,
    )
    return is_misplaced


def _mark_sql(table: ComparedTable) -> str:
    join_condition = " AND ".join(f"s.{name} = f.{name}" for name in table.key)
    current, replayed = (", ".join(f"{side}.{name}" for name in table.state) for side in "sf")
    state_condition = f"OR ({current}) IS DISTINCT FROM ({replayed})" if table.state else ""
    exclusion = f"AND NOT coalesce({table.ignored_when}, false)" if table.ignored_when else ""
    columns = f"t.ctid AS at_row, r.workspace_id AS in_workspace, t.*{table.extra_columns}"
    return f"""
        INSERT INTO differing (about, workspace_id, current_row, replayed_row)
        SELECT '{table.name}', coalesce(s.in_workspace, f.in_workspace), s.at_row, f.at_row
        FROM (SELECT {columns} FROM {table.current_from}) s FULL JOIN (SELECT {columns} FROM {table.replayed_from}) f
        ON {join_condition}
        WHERE (s.at_row IS NULL OR f.at_row IS NULL {state_condition}) {exclusion}
    """  # noqa: S608  # constants


def _count_sql(table: ComparedTable) -> str:
    return f"""
        WITH current_rows AS (SELECT r.workspace_id, count(*) AS many FROM {table.current_from} GROUP BY 1),
        replayed_rows AS (SELECT r.workspace_id, count(*) AS many FROM {table.replayed_from} GROUP BY 1),
        differ AS (
            SELECT workspace_id, count(*) FILTER (WHERE current_row IS NULL) AS missing,
                   count(*) FILTER (WHERE replayed_row IS NULL) AS extra, count(*) AS many
            FROM differing WHERE about = $1 GROUP BY 1
        )
        SELECT w.slug AS workspace, coalesce(current_rows.many, 0) AS current,
               coalesce(replayed_rows.many, 0) AS replayed,
               coalesce(missing, 0) AS missing, coalesce(extra, 0) AS extra,
               coalesce(differ.many - missing - extra, 0) AS changed
        FROM rebuilding r JOIN workspaces w ON w.id = r.workspace_id LEFT JOIN current_rows USING (workspace_id)
        LEFT JOIN replayed_rows USING (workspace_id) LEFT JOIN differ USING (workspace_id)
    """  # noqa: S608  # constants


def _examples_sql(table: ComparedTable) -> str:
    return f"""
        SELECT w.slug, to_jsonb(s)::text AS current, to_jsonb(f)::text AS replayed
        FROM (SELECT * FROM differing WHERE about = $1
              ORDER BY current_row IS NULL OR replayed_row IS NULL, current_row, replayed_row LIMIT $2) d
        JOIN workspaces w ON w.id = d.workspace_id
        LEFT JOIN {{real}}.{table.name} s ON s.ctid = d.current_row
        LEFT JOIN pg_temp.{table.shadow_name} f ON f.ctid = d.replayed_row
    """  # noqa: S608  # constants


def _row_pair(table: ComparedTable, row: asyncpg.Record) -> RowPair:
    current, replayed = (
        None if row[side] is None else msgspec.json.decode(row[side]) for side in ("current", "replayed")
    )
    return RowPair(workspace=row["slug"], table=table, current=current, replayed=replayed)
