"""Reads how long deals usually stay in a stage, and how many go on from there."""

from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.database.engine import driver_connection

ENOUGH: Final = 10
"""Fewer stays that ended than this are too few to say what is usual."""
_FOR: Final = timedelta(days=365)
_COUNTED_STAYS: Final = 2_000
_COUNTED_DEALS: Final = 500


class StageStay(Struct, frozen=True, kw_only=True):
    """The stays in a stage that ended: their number, how many went on, and in hours, half and nine of ten."""

    stage: str
    ended: int
    went_on: int
    median_hours: int
    p90_hours: int

    @property
    def is_enough(self) -> bool:
        """Return whether the stays are enough to say what is usual."""
        return self.ended >= ENOUGH


async def stage_stays(tx: AsyncConnection, permission: Permission, now: datetime) -> dict[str, StageStay]:
    """Returns the stays of the last year by stage, simulated ones left out; the newest 2,000 of all stages."""
    rows = await (await driver_connection(tx)).fetch(
        _STAYS, permission.workspace_id, (now - _FOR).date(), _COUNTED_STAYS
    )
    return {row["stage"]: StageStay(**dict(row)) for row in rows}


async def days_to_win(tx: AsyncConnection, permission: Permission, now: datetime) -> int | None:
    """Returns after how many days half of the deals won in the last year were won; None if they are too few."""
    row = await (await driver_connection(tx)).fetchrow(_WON, permission.workspace_id, now - _FOR, _COUNTED_DEALS)
    return row["days"] if row["number"] >= ENOUGH else None


_STAYS: Final = """
    SELECT stage, count(*)::int AS ended, count(*) FILTER (WHERE outcome IN ('onward', 'won'))::int AS went_on,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY hours) AS median_hours,
           percentile_disc(0.9) WITHIN GROUP (ORDER BY hours) AS p90_hours
    FROM (
        SELECT v.stage, v.outcome, v.hours FROM stage_visits v
        WHERE v.workspace_id = $1 AND v.day > $2 AND v.hours IS NOT NULL AND NOT v.simulated
        ORDER BY v.day DESC LIMIT $3
    ) newest
    GROUP BY stage
"""
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
