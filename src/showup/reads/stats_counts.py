"""The counts of statistics, from sums: meetings by week, and records by kind.

Triggers keep the sums, so they are exact at any time. Few records are simulated, and those are counted one by one.
"""

from collections import Counter
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import ColumnElement, Table, and_, case, false, func, literal_column, or_, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.database.tables import booking_weeks, bookings, deals, record_counts
from showup.reads.rows import Item, if_set, visible_to
from showup.reads.simulated import SimulatedFilter, if_simulated, simulated_booking, simulated_deal
from showup.reads.whole_weeks import Weeks, whole_weeks

_SUMMED: Final = tuple(
    column.name for column in booking_weeks.columns if column.name not in ("workspace_id", "simulated", "week")
)


async def count_meetings(
    tx: AsyncConnection,
    permission: Permission,
    starts_from: datetime | None,
    starts_before: datetime | None,
    now: datetime,
    simulated: SimulatedFilter,
) -> dict[str, int]:
    """Returns how many meetings start in the period, by what became of them as of `now`."""
    weeks = whole_weeks(starts_from, starts_before)
    found = Counter(await _summed(tx, permission, weeks, simulated))
    found["upcoming"] = 0
    if starts_from is not None or starts_before is not None:
        found.update(await _counted(tx, permission, _at_edges(weeks, starts_from, starts_before), now, simulated))
    ahead = await _ahead(tx, permission, weeks, now, simulated)
    found["upcoming"] += ahead.pop("upcoming")
    found.subtract(ahead)
    return dict(found)


async def _summed(
    tx: AsyncConnection, permission: Permission, weeks: Weeks, simulated: SimulatedFilter
) -> dict[str, int]:
    """Returns the sums of whole weeks, which count as if all meetings were over."""
    w = booking_weeks.c
    params = weeks.params()
    query = select(*(func.coalesce(func.sum(w[name]), 0).label(name) for name in _SUMMED)).where(
        visible_to(permission, booking_weeks),
        if_simulated(simulated, w.simulated),
        if_set(params["first_week"], lambda day: w.week >= day),
        if_set(params["end_week"], lambda day: w.week < day),
    )
    return {name: int(count) for name, count in (await tx.execute(query)).mappings().one().items()}


def _at_edges(weeks: Weeks, since: datetime | None, until: datetime | None) -> ColumnElement[bool]:
    """Returns the condition that a meeting starts in the period, and in none of its whole weeks."""
    at = bookings.c.start_time
    if weeks.is_empty:
        return and_(at >= since, at < until)
    first = false() if since is None else and_(at >= since, at < weeks.since)
    last = false() if until is None else and_(at >= weeks.until, at < until)
    return or_(first, last)


async def _counted(
    tx: AsyncConnection, permission: Permission, chosen: ColumnElement[bool], now: datetime, simulated: SimulatedFilter
) -> dict[str, int]:
    b = bookings.c
    is_accepted, is_unreported = b.status == "ACCEPTED", and_(b.attended.is_(None), ~b.host_absent)
    is_over = func.coalesce(b.end_time, b.start_time) <= now
    is_reported = and_(is_over, b.attended.is_not(None), b.attendance_evidence == "reported")
    counts = {
        "total": true(),
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
    return await _count(tx, permission, counts, chosen, simulated)


async def _ahead(
    tx: AsyncConnection, permission: Permission, weeks: Weeks, now: datetime, simulated: SimulatedFilter
) -> dict[str, int]:
    """Returns what the sums of these weeks count too much, since some meetings are not over; and `upcoming` ones."""
    b = bookings.c
    over_at = func.coalesce(b.end_time, b.start_time)
    is_ahead, is_reported = over_at > now, and_(b.attended.is_not(None), b.attendance_evidence == "reported")
    is_unreported = and_(b.status == "ACCEPTED", b.attended.is_(None), ~b.host_absent)
    counts = {
        "upcoming": and_(b.status == "ACCEPTED", b.start_time > now),
        "unreported": and_(is_ahead, is_unreported),
        "reported_showed": and_(is_ahead, is_reported, b.attended.is_(True)),
        "reported": and_(is_ahead, is_reported),
    }
    chosen = and_(
        # The expression of an index.
        func.greatest(b.start_time, b.end_time) > now,
        if_set(weeks.since, lambda at: b.start_time >= at),
        if_set(weeks.until, lambda at: b.start_time < at),
    )
    return await _count(tx, permission, counts, chosen, simulated)


async def _count(
    tx: AsyncConnection,
    permission: Permission,
    counts: dict[str, ColumnElement[bool]],
    chosen: ColumnElement[bool],
    simulated: SimulatedFilter,
) -> dict[str, int]:
    columns = (func.count(case((condition, 1))).label(name) for name, condition in counts.items())
    query = select(*columns).where(
        visible_to(permission, bookings), chosen, if_simulated(simulated, simulated_booking())
    )
    return dict((await tx.execute(query)).mappings().one())


async def count_records(
    tx: AsyncConnection,
    permission: Permission,
    table: Table,
    is_simulated: ColumnElement[bool],
    simulated: SimulatedFilter,
) -> int:
    """Returns how many records of a table there are."""
    c = record_counts.c
    simulated_records = select(func.count()).select_from(table).where(visible_to(permission, table), is_simulated)
    if simulated == "true":
        return int((await tx.execute(simulated_records)).scalar_one())
    query = select(func.coalesce(func.sum(c.records), 0)).where(
        visible_to(permission, record_counts), c.kind == table.name
    )
    total = int((await tx.execute(query)).scalar_one())
    return total if simulated == "all" else total - int((await tx.execute(simulated_records)).scalar_one())


async def count_deals(tx: AsyncConnection, permission: Permission, simulated: SimulatedFilter) -> Item:
    """Returns counts by status, active deals by stage, and the value of active deals by currency."""
    d, c = deals.c, record_counts.c
    columns = (d.status, d.stage, func.coalesce(d.currency, literal_column("''")).label("currency"))
    amounts = (func.count().label("records"), func.count(d.amount).label("amounts"), func.sum(d.amount).label("amount"))
    one_by_one = select(*columns, *amounts).where(visible_to(permission, deals), simulated_deal()).group_by(*columns)
    summed = select(
        *(c.status, c.stage, c.currency, func.sum(c.records).label("records")),
        *(func.sum(c.amounts).label("amounts"), func.sum(c.amount).label("amount")),
    )
    summed = summed.where(visible_to(permission, record_counts), c.kind == "deals")
    summed = summed.group_by(c.status, c.stage, c.currency)
    groups: dict[tuple[str, str, str], list[Any]] = {}
    for query, sign in {"true": ((one_by_one, 1),), "all": ((summed, 1),)}.get(
        simulated, ((summed, 1), (one_by_one, -1))
    ):
        for row in await tx.execute(query):
            group = groups.setdefault((row.status, row.stage, row.currency), [0, 0, Decimal(0)])
            for place, number in enumerate((row.records, row.amounts, row.amount or Decimal(0))):
                group[place] += sign * number
    return _deals_item(groups)


def _deals_item(groups: dict[tuple[str, str, str], list[Any]]) -> Item:
    by_status = dict.fromkeys(("active", "won", "lost", "cancelled"), 0)
    by_stage: dict[str, int] = {}
    active_value: dict[str, Decimal] = {}
    for (status, stage, currency), (records, amounts, amount) in groups.items():
        by_status[status] += int(records)
        if status != "active" or not records:
            continue
        by_stage[stage] = by_stage.get(stage, 0) + int(records)
        if currency and amounts:
            active_value[currency] = active_value.get(currency, Decimal(0)) + amount
    return {"by_status": by_status, "by_stage": by_stage, "active_value": active_value}
