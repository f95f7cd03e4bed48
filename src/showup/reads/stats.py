"""The pipeline in numbers."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permit import Permit
from showup.database.tables import bookings, companies, deals, people
from showup.reads.follow_ups import follow_ups
from showup.reads.rows import Found, seen_by


async def stats(
    tx: AsyncConnection,
    permit: Permit,
    *,
    starts_from: datetime | None,
    starts_before: datetime | None,
    now: datetime,
) -> Found:
    """Counts of what the permit sees as of `now`; the times (the later exclusive) choose among bookings."""
    meetings = _meetings(permit, starts_from, starts_before, now)
    counted = dict((await tx.execute(meetings)).mappings().one())
    accepted_showed, reported_showed = counted.pop("accepted_showed"), counted.pop("reported_showed")
    nouns = select(_count_of(permit, companies).label("companies"), _count_of(permit, people).label("people"))
    return {
        **(await tx.execute(nouns)).mappings().one(),
        "bookings": counted,
        "deals": await _deals(tx, permit),
        "follow_ups": await follow_ups(tx, permit),
        "show_rate": rate(accepted_showed, counted["accepted"]),
        "held_rate": rate(reported_showed, reported_showed + counted["no_show"]),
        "as_of": now,
    }


def rate(part: int, whole: int) -> float | None:
    """`part` of `whole` in percent, to two places; None of nothing (CA5)."""
    return round(100 * part / whole, 2) if whole else None


def _meetings(
    permit: Permit, starts_from: datetime | None, starts_before: datetime | None, now: datetime
) -> Select[*tuple[Any, ...]]:
    b = bookings.c
    accepted, unsaid = b.status == "ACCEPTED", and_(b.attended.is_(None), ~b.host_absent)
    counts: dict[str, ColumnElement[bool] | None] = {
        "total": None,
        "upcoming": and_(accepted, b.start_time > now),
        "accepted": accepted,
        "cancelled": b.status == "CANCELLED",
        "pending": b.status == "PENDING",
        "rejected": b.status == "REJECTED",
        "showed": b.attended.is_(True),
        "no_show": b.attended.is_(False),
        "host_absent": and_(b.attended.is_(None), b.host_absent),
        "unreported": and_(accepted, func.coalesce(b.end_time, b.start_time) <= now, unsaid),
        "accepted_showed": and_(accepted, b.attended.is_(True)),
        "reported_showed": and_(b.attended.is_(True), b.attendance_evidence == "reported"),
    }
    columns = (_counted(condition).label(name) for name, condition in counts.items())
    query: Select[*tuple[Any, ...]] = select(*columns).where(seen_by(permit, bookings))
    if starts_from is not None:
        query = query.where(b.start_time >= starts_from)
    return query if starts_before is None else query.where(b.start_time < starts_before)


def _counted(condition: ColumnElement[bool] | None) -> ColumnElement[int]:
    return func.count() if condition is None else func.count().filter(condition)


def _count_of(permit: Permit, table: Any) -> ColumnElement[int]:
    return select(func.count()).select_from(table).where(seen_by(permit, table)).scalar_subquery()


async def _deals(tx: AsyncConnection, permit: Permit) -> Found:
    """Counts by status, active ones by stage, and what the active ones are worth by currency."""
    columns = (deals.c.status, deals.c.stage, deals.c.currency)
    query = select(*columns, func.count().label("deals"), func.sum(deals.c.amount).label("worth"))
    query = query.where(seen_by(permit, deals)).group_by(*columns)
    by_status = dict.fromkeys(("active", "won", "lost", "cancelled"), 0)
    by_stage: dict[str, int] = {}
    worth: dict[str, Decimal] = {}
    for row in await tx.execute(query):
        by_status[row.status] += row.deals
        if row.status != "active":
            continue
        by_stage[row.stage] = by_stage.get(row.stage, 0) + row.deals
        if row.currency is not None and row.worth is not None:
            worth[row.currency] = worth.get(row.currency, Decimal(0)) + row.worth
    return {"by_status": by_status, "by_stage": by_stage, "active_value": worth}
