"""Reads how long deals usually stay in a stage, how many go on from there, and how long a won deal takes."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.analysis.movement import Stage, build_stages
from showup.analysis.subjects import STAGES
from showup.database.engine import driver_connection
from showup.reads.analysis.counts import AnalysisFilter, read_cells
from showup.reads.rates import FEW

_FOR: Final = timedelta(days=365)
_COUNTED_WEEKS: Final = 52
_COUNTED_DEALS: Final = 500


async def stage_stays(tx: AsyncConnection, permission: Permission, now: datetime) -> dict[str, Stage]:
    """Returns how deals left each stage in the last 52 weeks and how long they stayed, by stage."""
    # Whole weeks are counted already.
    monday = now.date() - timedelta(days=now.weekday())
    since = AnalysisFilter(since=monday - timedelta(weeks=_COUNTED_WEEKS))
    cells = await read_cells(tx, permission, STAGES, since, now)
    return {one.stage: one for one in build_stages(cells).stages}


async def days_to_win(tx: AsyncConnection, permission: Permission, now: datetime) -> int | None:
    """Returns after how many days half of the deals won in the last year were won; None if they are too few."""
    row = await (await driver_connection(tx)).fetchrow(_WON, permission.workspace_id, now - _FOR, _COUNTED_DEALS)
    return row["days"] if row["number"] >= FEW else None


_WON: Final = """
    SELECT count(*)::int AS number,
           (extract(epoch FROM percentile_disc(0.5) WITHIN GROUP (ORDER BY took)) / 86400)::int AS days
    FROM (
        SELECT d.closed_at - d.opened_at AS took FROM deals d
        WHERE d.workspace_id = $1 AND d.status = 'won' AND d.closed_at > $2
          AND NOT EXISTS (SELECT 1 FROM bookings b WHERE b.deal_id = d.id AND b.simulated)
        ORDER BY d.closed_at DESC LIMIT $3
    ) newest
"""
