"""Pipeline statistics; `campaigns.funnel` defines their rates (CA5)."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.campaigns.funnel import HELD_MEETINGS, SHOW_MEETINGS, rate_item
from showup.database.tables import companies, people
from showup.reads.follow_ups import count_follow_ups
from showup.reads.rows import Item
from showup.reads.simulated import SimulatedFilter, simulated_company, simulated_person
from showup.reads.stats_counts import count_deals, count_meetings, count_records
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
    counted = await count_meetings(tx, permission, starts_from, starts_before, now, simulated)
    reported_showed, reported, booked = (counted.pop(name) for name in ("reported_showed", "reported", "booked"))
    held, shown = Proportion(reported_showed, reported), Proportion(counted["showed"], booked)
    return {
        "held_rate": held.rate,
        "held_rate_of": rate_item(held, "meetings", HELD_MEETINGS),
        "show_rate": shown.rate,
        "show_rate_of": rate_item(shown, "meetings", SHOW_MEETINGS),
        "companies": await count_records(tx, permission, companies, simulated_company(), simulated),
        "people": await count_records(tx, permission, people, simulated_person(), simulated),
        "bookings": counted,
        "deals": await count_deals(tx, permission, simulated),
        "follow_ups": await count_follow_ups(tx, permission, simulated),
    }
