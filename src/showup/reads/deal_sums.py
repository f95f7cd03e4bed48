"""Adds up active deals by stage, owner and currency.

The sums of all deals come from the counts that triggers keep (decisions/0017), so they cost the same for any number of
deals. Those of a campaign are added up deal by deal, in the query that reads them.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.database.engine import driver_connection

NOBODY: Final = "-"
"""The owner of deals that have none."""


class Sum(Struct, frozen=True, kw_only=True):
    """How many active deals an owner has in a stage and a currency, and their amount; `simulated`: of the sample."""

    stage: str
    owner: str
    currency: str | None
    simulated: bool
    deals: int
    priced: int
    amount: Decimal


async def active_sums(tx: AsyncConnection, permission: Permission) -> list[Sum]:
    """Returns the sums of all active deals by stage, owner and currency."""
    rows = await (await driver_connection(tx)).fetch(_COUNTED, permission.workspace_id)
    return [Sum(**row) for row in rows]


def amounts_of(sums: Iterable[Sum]) -> dict[str, Decimal]:
    """Return the amounts by currency, without those that are none."""
    amounts: dict[str, Decimal] = {}
    for one in sums:
        if one.currency and one.amount:
            amounts[one.currency] = amounts.get(one.currency, Decimal(0)) + one.amount
    return amounts


SAMPLE_DEALS: Final = """
    SELECT x.deal_id FROM bookings x
    WHERE x.workspace_id = $1 AND x.simulated AND x.deal_id IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM bookings r WHERE r.deal_id = x.deal_id AND NOT r.simulated)
"""
"""The deals of the sample: those that have simulated meetings only."""
_ADDED: Final = """
    SELECT d.stage, coalesce(d.owner_email, '') AS owner_email, coalesce(d.currency, '') AS currency,
           count(*) AS deals, count(d.amount) AS priced, coalesce(sum(d.amount), 0) AS amount
    FROM {deals} GROUP BY 1, 2, 3
"""
# The few deals of the sample are subtracted, so that the many others need no look at their bookings.
_SUMS: Final = """
    WITH sample AS MATERIALIZED (SELECT DISTINCT deal_id FROM ({sample}) s),
    everything AS ({everything}),
    of_sample AS ({of_sample}),
    signed AS (
        SELECT *, false AS simulated FROM everything
        UNION ALL
        SELECT stage, owner_email, currency, -deals, -priced, -amount, false FROM of_sample
        UNION ALL
        SELECT *, true FROM of_sample
    )
    SELECT stage, coalesce(nullif(owner_email, ''), '{nobody}') AS owner, nullif(currency, '') AS currency, simulated,
           sum(deals)::int AS deals, sum(priced)::int AS priced, sum(amount) AS amount
    FROM signed GROUP BY stage, owner_email, currency, simulated HAVING sum(deals) > 0
"""
_COUNTED: Final = _SUMS.format(
    nobody=NOBODY,
    sample=SAMPLE_DEALS,
    everything="""
        SELECT stage, owner_email, currency, records AS deals, amounts AS priced, amount FROM record_counts
        WHERE workspace_id = $1 AND kind = 'deals' AND status = 'active'
    """,
    of_sample=_ADDED.format(
        deals="sample JOIN deals d ON d.id = sample.deal_id WHERE d.workspace_id = $1 AND d.status = 'active'"
    ),
)
SUMS_OF_CHOSEN: Final = _SUMS.format(
    nobody=NOBODY,
    sample=SAMPLE_DEALS,
    everything=_ADDED.format(deals="chosen d"),
    of_sample=_ADDED.format(deals="chosen d JOIN sample ON sample.deal_id = d.id"),
)
"""The sums of the active deals that the statement around it has as `chosen`."""
