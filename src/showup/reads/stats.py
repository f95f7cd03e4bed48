"""Pipeline statistics; `campaigns.funnel` defines their rates (CA5)."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.campaigns.funnel import HELD_MEETINGS, SHOW_MEETINGS, rate_item
from showup.database.tables import bookings, companies, deals, people
from showup.reads.follow_ups import count_follow_ups
from showup.reads.rows import Item, visible_to
from showup.reads.simulated import (
    SimulatedFilter,
    if_simulated,
    simulated_booking,
    simulated_company,
    simulated_deal,
    simulated_person,
)
from showup.values.proportion import Proportion


async def stats(
    tx: AsyncConnection,
    permission: Permission,
    *,
    starts_from: datetime | None,
    starts_before: datetime | None,
    now: datetime,
    simulated: SimulatedFilter = "false",
) -> Item:
    """Returns counts of visible data as of `now`; the times (the later exclusive) filter bookings.

    Without sample and simulated data by default: see `reads.simulated`.
    """
    meetings = _meetings(permission, starts_from, starts_before, now).where(
        if_simulated(simulated, simulated_booking())
    )
    counted = dict((await tx.execute(meetings)).mappings().one())
    reported_showed, reported, booked = (counted.pop(name) for name in ("reported_showed", "reported", "booked"))
    entity_counts = select(
        _count_of(permission, companies, if_simulated(simulated, simulated_company())).label("companies"),
        _count_of(permission, people, if_simulated(simulated, simulated_person())).label("people"),
    )
    held, shown = Proportion(reported_showed, reported), Proportion(counted["showed"], booked)
    return {
        "held_rate": held.rate,
        "held_rate_of": rate_item(held, "meetings", HELD_MEETINGS),
        "show_rate": shown.rate,
        "show_rate_of": rate_item(shown, "meetings", SHOW_MEETINGS),
        **(await tx.execute(entity_counts)).mappings().one(),
        "bookings": counted,
        "deals": await _deals(tx, permission, simulated),
        "follow_ups": await count_follow_ups(tx, permission, simulated),
    }


def _meetings(
    permission: Permission, starts_from: datetime | None, starts_before: datetime | None, now: datetime
) -> Select[*tuple[Any, ...]]:
    b = bookings.c
    is_accepted, is_unreported = b.status == "ACCEPTED", and_(b.attended.is_(None), ~b.host_absent)
    is_over = func.coalesce(b.end_time, b.start_time) <= now
    is_reported = and_(is_over, b.attended.is_not(None), b.attendance_evidence == "reported")
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
        "unreported": and_(is_accepted, is_over, is_unreported),
        "booked": or_(is_accepted, b.attended.is_(True)),
        "reported_showed": and_(is_reported, b.attended.is_(True)),
        "reported": is_reported,
    }
    columns = (_counted(condition).label(name) for name, condition in counts.items())
    query: Select[*tuple[Any, ...]] = select(*columns).where(visible_to(permission, bookings))
    if starts_from is not None:
        query = query.where(b.start_time >= starts_from)
    return query if starts_before is None else query.where(b.start_time < starts_before)


def _counted(condition: ColumnElement[bool] | None) -> ColumnElement[int]:
    return func.count() if condition is None else func.count().filter(condition)


def _count_of(permission: Permission, table: Any, condition: ColumnElement[bool]) -> ColumnElement[int]:
    return select(func.count()).select_from(table).where(visible_to(permission, table), condition).scalar_subquery()


async def _deals(tx: AsyncConnection, permission: Permission, simulated: SimulatedFilter) -> Item:
    """Returns counts by status, active deals by stage, and the value of active deals by currency."""
    columns = (deals.c.status, deals.c.stage, deals.c.currency)
    query = select(*columns, func.count().label("deals"), func.sum(deals.c.amount).label("worth"))
    query = query.where(visible_to(permission, deals), if_simulated(simulated, simulated_deal())).group_by(*columns)
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
