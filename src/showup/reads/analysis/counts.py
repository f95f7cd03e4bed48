"""Reads the counts of an analysis: those by week where they are valid, and the facts themselves for all other days."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final, TypeAlias
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.analysis.subjects import FILTERS, Subject, count_sql
from showup.analysis.weeks_store import IS_VALID
from showup.database.engine import driver_connection
from showup.reads.simulated import SimulatedFilter

Cells: TypeAlias = Mapping[str, int]
"""How many facts each cell has, as `analysis.subjects` names cells."""

_WEEK: Final = timedelta(days=7)
_SIMULATED: Final[Mapping[SimulatedFilter, list[bool]]] = {"true": [True], "false": [False], "all": [True, False]}


class AnalysisFilter(Struct, frozen=True, kw_only=True):
    """Which facts to count; an empty condition does not filter.

    `since` is the first day and `until` the day after the last one, in each workspace's time zone.
    """

    since: date | None = None
    until: date | None = None
    organizer: Sequence[str] = ()
    source: Sequence[str] = ()
    event_type: Sequence[str] = ()
    simulated: SimulatedFilter = "false"

    def values_of(self, name: str) -> list[str]:
        """Return the accepted values of a filter."""
        return list(getattr(self, name))


async def read_cells(
    tx: AsyncConnection, permission: Permission, subject: Subject, filters: AnalysisFilter, now: datetime
) -> Cells:
    """Return the cells of the facts that the permission and the filters allow, as of `now`."""
    connection = await driver_connection(tx)
    # Compiling a plan takes longer than running it.
    await connection.execute("SET LOCAL jit = off")
    weeks = await connection.fetch(_WEEKS, permission.workspace_id, subject.name, filters.since, filters.until, now)
    cells: Counter[str] = Counter()
    for text in await _counted_weeks(connection, permission, subject, filters, now):
        for cell, count in msgspec.json.decode(text, type=dict[str, int]).items():
            cells[cell] += count
    ranges = _ranges(weeks, filters)
    for row in await _count_facts(connection, subject, filters, ranges, now) if ranges else ():
        cells[row["cell"]] += row["n"]
    return cells


# A week that the period contains only in part is counted from its facts too.
_WEEKS: Final = f"""
    SELECT w.workspace_id, w.week
    FROM fact_weeks w LEFT JOIN week_summaries s USING (workspace_id, subject, week)
    WHERE ($1::uuid IS NULL OR w.workspace_id = $1) AND w.subject = $2
    AND ($3::date IS NULL OR w.week + 7 > $3) AND ($4::date IS NULL OR w.week < $4)
    AND NOT (coalesce({IS_VALID.format(now="$5")}, false)
             AND ($3::date IS NULL OR w.week >= $3) AND ($4::date IS NULL OR w.week + 7 <= $4))
    ORDER BY w.workspace_id, w.week
"""  # noqa: S608  # constants


async def _counted_weeks(
    connection: asyncpg.Connection, permission: Permission, subject: Subject, filters: AnalysisFilter, now: datetime
) -> list[str]:
    arguments: list[Any] = [permission.workspace_id, subject.name, filters.since, filters.until, now]
    arguments.append(_SIMULATED[filters.simulated])
    conditions = []
    for name in FILTERS:
        if values := filters.values_of(name):
            arguments.append(values)
            conditions.append(f"c.{name} = ANY(${len(arguments)}::text[])")
        else:
            conditions.append(f"c.{name} IS NULL")
    rows = await connection.fetch(
        f"""
        SELECT c.cells::text AS cells
        FROM fact_weeks w JOIN week_summaries s USING (workspace_id, subject, week)
        JOIN week_counts c USING (workspace_id, subject, week)
        WHERE ($1::uuid IS NULL OR w.workspace_id = $1) AND w.subject = $2
        AND ($3::date IS NULL OR w.week >= $3) AND ($4::date IS NULL OR w.week + 7 <= $4)
        AND {IS_VALID.format(now="$5")} AND c.simulated = ANY($6::bool[]) AND {" AND ".join(conditions)}
        """,  # noqa: S608  # our own names
        *arguments,
    )
    return [row["cells"] for row in rows]


def _ranges(weeks: Sequence[asyncpg.Record], filters: AnalysisFilter) -> list[tuple[UUID, date, date]]:
    """Return the days to count from facts, by workspace, as long ranges."""
    found: list[tuple[UUID, date, date]] = []
    for workspace_id, week in weeks:
        since = week if filters.since is None else max(week, filters.since)
        until = week + _WEEK if filters.until is None else min(week + _WEEK, filters.until)
        if found and found[-1][0] == workspace_id and found[-1][2] == since:
            found[-1] = (workspace_id, found[-1][1], until)
        else:
            found.append((workspace_id, since, until))
    return found


async def _count_facts(
    connection: asyncpg.Connection,
    subject: Subject,
    filters: AnalysisFilter,
    ranges: Sequence[tuple[UUID, date, date]],
    now: datetime,
) -> list[asyncpg.Record]:
    workspace_ids, since, until = (list(values) for values in zip(*ranges, strict=True))
    arguments: list[Any] = [workspace_ids, since, until, now, _SIMULATED[filters.simulated]]
    # Stages don't depend on the time, which is a parameter all the same.
    conditions = ["f.simulated = ANY($5::bool[])", "$4::timestamptz IS NOT NULL"]
    for name in FILTERS:
        if values := filters.values_of(name):
            arguments.append(values)
            conditions.append(f"f.{name} = ANY(${len(arguments)}::text[])")
    chosen = f"""
        FROM unnest($1::uuid[], $2::date[], $3::date[]) AS counted(workspace_id, since, until)
        JOIN {subject.table} f ON f.workspace_id = counted.workspace_id
        AND f.{subject.day} >= counted.since AND f.{subject.day} < counted.until
        WHERE {" AND ".join(conditions)}
    """  # our own names
    rows: list[asyncpg.Record] = await connection.fetch(
        count_sql(subject, chosen=chosen, now="$4::timestamptz"), *arguments
    )
    return rows
