"""Pipeline statistics."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.database.tables import bookings, companies, deals, people
from showup.reads.follow_ups import count_follow_ups
from showup.reads.rows import Item, visible_to


async def stats(
    tx: AsyncConnection,
    permission: Permission,
    *,
    starts_from: datetime | None,
    starts_before: datetime | None,
    now: datetime,
) -> Item:
    """Returns counts of visible data as of `now`; the times (the later exclusive) filter bookings."""
    meetings = _meetings(permission, starts_from, starts_before, now)
    counted = dict((await tx.execute(meetings)).mappings().one())
    accepted_showed, reported_showed = counted.pop("accepted_showed"), counted.pop("reported_showed")
    entity_counts = select(
        _count_of(permission, companies).label("companies"), _count_of(permission, people).label("people")
    )
    return {
        **(await tx.execute(entity_counts)).mappings().one(),
        "bookings": counted,
        "deals": await _deals(tx, permission),
        "follow_ups": await count_follow_ups(tx, permission),
        "show_rate": rate(accepted_showed, counted["accepted"]),
        "held_rate": rate(reported_showed, reported_showed + counted["no_show"]),
        "as_of": now,
    }


def rate(part: int, total: int) -> float | None:
    """Returns `part` of `total` in percent, to two places; None if the total is zero (CA5)."""
    return round(100 * part / total, 2) if total else None


def _meetings(
    permission: Permission, starts_from: datetime | None, starts_before: datetime | None, now: datetime
) -> Select[*tuple[Any, ...]]:
    b = bookings.c
    is_accepted, is_unreported = b.status == "ACCEPTED", and_(b.attended.is_(None), ~b.host_absent)
    counts: dict[str, ColumnElement[bool] | None] = {
        "total": None,
        "upcoming": and_(is_accepted, b.start_time > now),
        "accepted": is_accepted,
        "cancelled": b.status == "CANCELLED",
        "pending": b.status == "PENDING",
        "rejected": b.status == "REJECTED",
        "showed": b.attended.is_(True),
        "no_show": b.attended.is_(False),
        "host_absent": and_(b.attended.is_(None), b.host_absent),
        "unreported": and_(is_accepted, func.coalesce(b.end_time, b.start_time) <= now, is_unreported),
        "accepted_showed": and_(is_accepted, b.attended.is_(True)),
        "reported_showed": and_(b.attended.is_(True), b.attendance_evidence == "reported"),
    }
    columns = (_counted(condition).label(name) for name, condition in counts.items())
    query: Select[*tuple[Any, ...]] = select(*columns).where(visible_to(permission, bookings))
    if starts_from is not None:
        query = query.where(b.start_time >= starts_from)
    return query if starts_before is None else query.where(b.start_time < starts_before)


def _counted(condition: ColumnElement[bool] | None) -> ColumnElement[int]:
    return func.count() if condition is None else func.count().filter(condition)


def _count_of(permission: Permission, table: Any) -> ColumnElement[int]:
    return select(func.count()).select_from(table).where(visible_to(permission, table)).scalar_subquery()


async def _deals(tx: AsyncConnection, permission: Permission) -> Item:
    """Returns counts by status, active deals by stage, and the value of active deals by currency."""
    columns = (deals.c.status, deals.c.stage, deals.c.currency)
    query = select(*columns, func.count().label("deals"), func.sum(deals.c.amount).label("worth"))
    query = query.where(visible_to(permission, deals)).group_by(*columns)
    by_status = dict.fromkeys(("active", "won", "lost", "cancelled"), 0)
    by_stage: dict[str, int] = {}
    active_value: dict[str, Decimal] = {}
    for row in await tx.execute(query):
        by_status[row.status] += row.deals
        if row.status != "active":
            continue
        by_stage[row.stage] = by_stage.get(row.stage, 0) + row.deals
        if row.currency is not None and row.worth is not None:
            active_value[row.currency] = active_value.get(row.currency, Decimal(0)) + row.worth
    return {"by_status": by_status, "by_stage": by_stage, "active_value": active_value}
