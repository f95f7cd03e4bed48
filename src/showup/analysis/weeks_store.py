"""Store the counts of facts by week: which weeks must be counted again, and their cells for each filter.

A week is counted in one snapshot with its version, and its count is valid for this version only. So a change of facts
during the count, or after it, can't leave a wrong count: the analysis then counts the facts of that week itself.
"""

from datetime import date, datetime
from typing import Final
from uuid import UUID

import asyncpg
from msgspec import Struct

from showup.analysis.subjects import FILTERS, SUBJECTS, Subject, count_sql

_SUBJECTS: Final = {subject.name: subject for subject in SUBJECTS}
_REMINDERS_AT_ONCE: Final = 2_000

IS_VALID: Final = "s.version = w.version AND (s.valid_until IS NULL OR s.valid_until > {now})"
"""The SQL condition that a summary `s` of a week `w` is valid at a time."""


class StaleWeek(Struct, frozen=True, kw_only=True):
    """A week to count; `week` is its Monday."""

    workspace_id: UUID
    subject: str
    week: date


async def count_reminders(connection: asyncpg.Connection, now: datetime) -> int:
    """Count the delivered reminders of meetings that are over; return how many meetings were counted.

    Each meeting is counted once, and again if it moved. An email and a text message of one reminder count once.
    """
    status: str = await connection.execute(
        """
        WITH due AS (
            SELECT booking_id FROM booking_facts
            WHERE counted_version IS DISTINCT FROM version AND ends_at <= $1
            ORDER BY ends_at LIMIT $2 FOR UPDATE SKIP LOCKED
        )
        UPDATE booking_facts f SET counted_version = f.version, reminders = (
            SELECT count(DISTINCT d.due_at) FROM deliveries d
            WHERE d.booking_id = f.booking_id AND d.kind = 'reminder' AND d.state = 'delivered'
            AND d.booking_version = f.version
        )
        FROM due WHERE f.booking_id = due.booking_id
        """,
        now,
        _REMINDERS_AT_ONCE,
    )
    return int(status.rpartition(" ")[2])


async def find_stale_weeks(
    connection: asyncpg.Connection, now: datetime, *, counted_before: datetime, limit: int
) -> list[StaleWeek]:
    """Return weeks without a valid count, those that were counted longest ago first.

    It leaves out weeks that were counted since `counted_before`: one that changes all the time is counted once a run.
    """
    rows = await connection.fetch(
        f"""
        SELECT w.workspace_id, w.subject, w.week
        FROM fact_weeks w LEFT JOIN week_summaries s USING (workspace_id, subject, week)
        WHERE NOT coalesce({IS_VALID.format(now="$1")}, false)
        AND (s.counted_at IS NULL OR s.counted_at < $2)
        ORDER BY s.counted_at NULLS FIRST, w.week DESC LIMIT $3
        """,  # noqa: S608  # constants
        now,
        counted_before,
        limit,
    )
    return [StaleWeek(**row) for row in rows]


async def count_week(connection: asyncpg.Connection, stale: StaleWeek, now: datetime) -> None:
    """Count a week. The transaction must see one snapshot."""
    subject = _SUBJECTS[stale.subject]
    key = (stale.workspace_id, stale.subject, stale.week)
    await connection.execute("SET LOCAL jit = off")
    await connection.execute("SET LOCAL work_mem = '32MB'")
    version = await connection.fetchval(
        "SELECT version FROM fact_weeks WHERE workspace_id = $1 AND subject = $2 AND week = $3", *key
    )
    await connection.execute("DELETE FROM week_counts WHERE workspace_id = $1 AND subject = $2 AND week = $3", *key)
    await connection.execute(_count_statement(subject), *key, now)
    valid_until = None
    if subject.ends_at is not None:
        valid_until = await connection.fetchval(
            f"SELECT min(ends_at) FROM (SELECT {subject.ends_at} AS ends_at {_facts(subject)}) f WHERE ends_at > $3",  # noqa: S608  # constants
            stale.workspace_id,
            stale.week,
            now,
        )
    await connection.execute(
        """
        INSERT INTO week_summaries (workspace_id, subject, week, version, valid_until, counted_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (workspace_id, subject, week)
        DO UPDATE SET version = excluded.version, valid_until = excluded.valid_until, counted_at = excluded.counted_at
        """,
        *key,
        version,
        valid_until,
        now,
    )


def _facts(subject: Subject, week: str = "$2") -> str:
    return (
        f"FROM {subject.table} f WHERE f.workspace_id = $1 "  # our own names
        f"AND f.{subject.day} >= {week}::date AND f.{subject.day} < {week}::date + 7"
    )


def _count_statement(subject: Subject) -> str:
    keys = ", ".join(("simulated", *FILTERS))
    # Stages don't depend on the time, which is a parameter all the same.
    chosen = f"{_facts(subject, '$3')} AND $4::timestamptz IS NOT NULL"
    counted = count_sql(subject, chosen=chosen, now="$4::timestamptz", by_filters=True)
    return f"""
        INSERT INTO week_counts (workspace_id, subject, week, {keys}, cells)
        SELECT $1::uuid, $2::text, $3::date, {keys}, jsonb_object_agg(cell, n)
        FROM ({counted}) counted GROUP BY {keys}
    """  # noqa: S608  # our own names
