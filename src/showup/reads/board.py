"""Reads the pipeline board: which deals each stage shows, and what was closed this month.

Each read is bounded: the columns come from the soonest meetings and from one page of deals for each stage.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.database.engine import driver_connection
from showup.reads.deal_sums import NOBODY, SAMPLE_DEALS

MAX_CARDS: Final = 500
_SOONEST_MEETINGS: Final = 2_000
"""The meetings ahead by which deals are ordered; deals with later ones only are ordered by their days in a stage."""
_LONGEST_MEETING: Final = timedelta(hours=12)
_MAX_CLOSED: Final = 10
_MAX_CAMPAIGNS: Final = 100
_MAX_CAMPAIGN_DEALS: Final = 20_000


class BoardFilter(Struct, frozen=True, kw_only=True):
    """Which active deals to show; None does not filter. `owner`: an email address or NOBODY."""

    owner: str | None = None
    campaign_id: int | None = None
    without_meeting: bool = False


class BoardPlace(Struct, frozen=True, kw_only=True):
    """A deal in its column. `ahead`: how many real deals of the stage have a meeting ahead; None if too many do."""

    stage: str
    deal_id: UUID
    ahead: int | None


class ClosedDeal(Struct, frozen=True, kw_only=True):
    """A deal that was closed; `reason` of a lost one."""

    id: UUID
    status: str
    stage: str
    company: str
    amount: Decimal | None
    currency: str | None
    reason: str | None
    closed_at: datetime


class Closed(Struct, frozen=True, kw_only=True):
    """What was closed with one status: how many deals, their amounts by currency, the most frequent reason."""

    status: str
    deals: int
    amounts: dict[str, Decimal]
    reason: str | None
    reasons: int
    latest: Sequence[ClosedDeal]


async def campaign_deals(tx: AsyncConnection, permission: Permission, campaign_id: int) -> list[UUID]:
    """Returns the active deals with a meeting that the campaign brought, up to 20,000."""
    connection = await driver_connection(tx)
    rows = await connection.fetch(_CAMPAIGN_DEALS, permission.workspace_id, campaign_id, _MAX_CAMPAIGN_DEALS)
    return [row["deal_id"] for row in rows]


async def board_places(  # each by its name
    tx: AsyncConnection,
    permission: Permission,
    filters: BoardFilter,
    *,
    deal_ids: Sequence[UUID] | None,
    limits: dict[str, int],
    now: datetime,
) -> list[BoardPlace]:
    """Returns the deals of each stage in order: the soonest meeting first, then the longest in the stage.

    `deal_ids` of the campaign, None for all; `limits`: how many of each stage.
    """
    connection = await driver_connection(tx)
    # To compile the statement would take longer than to run it.
    await connection.execute("SET LOCAL jit = off")
    rows = await connection.fetch(
        _PLACES,
        permission.workspace_id,
        deal_ids,
        filters.owner,
        now,
        now - _LONGEST_MEETING,
        _SOONEST_MEETINGS,
        list(limits),
        list(limits.values()),
        filters.without_meeting,
    )
    return [BoardPlace(**row) for row in rows]


async def closed_since(tx: AsyncConnection, permission: Permission, since: datetime, owner: str | None) -> list[Closed]:
    """Returns what was won, lost and cancelled since then, each with its latest deals; the sample is left out."""
    connection = await driver_connection(tx)
    sums = await connection.fetch(_CLOSED, permission.workspace_id, since, owner)
    latest = await connection.fetch(_LATEST_CLOSED, permission.workspace_id, since, owner, _MAX_CLOSED)
    return [_closed(status, sums, latest) for status in ("won", "lost", "cancelled")]


async def list_campaigns(tx: AsyncConnection, permission: Permission) -> list[tuple[int, str]]:
    """Returns the newest campaigns, by id and name."""
    rows = await (await driver_connection(tx)).fetch(_CAMPAIGNS, permission.workspace_id, _MAX_CAMPAIGNS)
    return [(row["id"], row["name"]) for row in rows]


async def owner_names(tx: AsyncConnection, permission: Permission, emails: Sequence[str]) -> dict[str, str]:
    """Returns the names of the teammates, by address, among these owners of deals."""
    rows = await (await driver_connection(tx)).fetch(_NAMES, permission.workspace_id, list(emails))
    return {row["email"]: row["name"] for row in rows}


def _closed(status: str, sums: Sequence[Any], latest: Sequence[Any]) -> Closed:
    own = [row for row in sums if row["status"] == status]
    amounts: dict[str, Decimal] = {}
    reasons: dict[str, int] = {}
    for row in own:
        if row["currency"] and row["amount"]:
            amounts[row["currency"]] = amounts.get(row["currency"], Decimal(0)) + row["amount"]
        if row["reason"]:
            reasons[row["reason"]] = reasons.get(row["reason"], 0) + row["deals"]
    reason = max(reasons, key=lambda one: (reasons[one], one), default=None)
    return Closed(
        status=status,
        deals=sum(row["deals"] for row in own),
        amounts=amounts,
        reason=reason,
        reasons=reasons[reason] if reason else 0,
        latest=[ClosedDeal(**row) for row in latest if row["status"] == status],
    )


_CAMPAIGN_DEALS: Final = """
    SELECT d.id AS deal_id FROM campaign_deals c JOIN deals d ON d.id = c.deal_id AND d.status = 'active'
    WHERE c.workspace_id = $1 AND c.campaign_id = $2 AND c.seats > 0 LIMIT $3
"""
_CHOSEN: Final = "chosen AS MATERIALIZED (SELECT unnest($2::uuid[]) AS id)"
# A subquery that depends on nothing becomes a hash; an array would be searched from its start for each deal.
_OF_CAMPAIGN: Final = "($2::uuid[] IS NULL OR d.id IN (SELECT id FROM chosen))"
_ACTIVE: Final = "d.workspace_id = $1 AND d.status = 'active'"
# A deal of seats has its meetings through `deal_events`.
_PLACES: Final = f"""
    WITH {_CHOSEN}, soonest AS MATERIALIZED (
        SELECT b.id, b.deal_id, b.start_time, b.simulated FROM bookings b
        WHERE b.workspace_id = $1 AND b.start_time > $5 AND coalesce(b.end_time, b.start_time) > $4
          AND b.status IN ('ACCEPTED', 'PENDING')
        ORDER BY b.start_time LIMIT $6
    ),
    first_ones AS MATERIALIZED (
        SELECT deal_id, min(start_time) AS start_time, bool_and(simulated) AS simulated FROM (
            SELECT deal_id, start_time, simulated FROM soonest WHERE deal_id IS NOT NULL
            UNION ALL
            SELECT e.deal_id, s.start_time, s.simulated FROM soonest s
            JOIN deal_events e ON e.booking_id = s.id AND e.booking_id IS NOT NULL WHERE e.deal_id IS NOT NULL
        ) found GROUP BY deal_id
    ),
    stages AS (SELECT * FROM unnest($7::text[], $8::int[]) AS wanted(stage, most)),
    ahead AS MATERIALIZED (
        SELECT d.stage, d.id, f.start_time,
               row_number() OVER (PARTITION BY d.stage ORDER BY f.start_time, d.id)::int AS position,
               (count(*) FILTER (WHERE NOT f.simulated) OVER (PARTITION BY d.stage))::int AS ahead
        FROM first_ones f JOIN deals d ON d.id = f.deal_id
        WHERE {_ACTIVE} AND {_OF_CAMPAIGN} AND ($3::text IS NULL OR coalesce(d.owner_email, '{NOBODY}') = $3)
    ),
    rest AS (
        SELECT w.stage, page.id, page.position FROM stages w CROSS JOIN LATERAL (
            SELECT d.id, row_number() OVER (ORDER BY d.stage_entered_at, d.id)::int AS position FROM deals d
            WHERE {_ACTIVE} AND d.stage = w.stage AND {_OF_CAMPAIGN}
              AND ($3::text IS NULL OR coalesce(d.owner_email, '{NOBODY}') = $3)
              AND d.id NOT IN (SELECT deal_id FROM first_ones)
              AND NOT ($9::bool AND EXISTS (
                  SELECT 1 FROM bookings later WHERE later.deal_id = d.id AND later.start_time > $4
                    AND later.status IN ('ACCEPTED', 'PENDING')))
            ORDER BY d.stage_entered_at, d.id LIMIT w.most
        ) page
    ),
    listed AS (
        SELECT stage, id, 0 AS part, position FROM ahead WHERE NOT $9::bool
        UNION ALL SELECT stage, id, 1, position FROM rest
    ),
    numbered AS (
        SELECT l.*, row_number() OVER (PARTITION BY stage ORDER BY part, position) AS place FROM listed l
    )
    SELECT n.stage, n.id AS deal_id,
           CASE WHEN (SELECT count(*) FROM soonest) < $6
                THEN coalesce((SELECT max(a.ahead) FROM ahead a WHERE a.stage = n.stage), 0) END AS ahead
    FROM numbered n JOIN stages w ON w.stage = n.stage AND n.place <= w.most
    ORDER BY n.stage, n.place
"""  # noqa: S608  # constants
_CLOSED: Final = f"""
    SELECT d.status, d.currency, d.lost_reason AS reason, count(*)::int AS deals, sum(d.amount) AS amount FROM deals d
    WHERE d.workspace_id = $1 AND d.closed_at >= $2 AND d.status <> 'active'
      AND ($3::text IS NULL OR coalesce(d.owner_email, '{NOBODY}') = $3)
      AND d.id NOT IN ({SAMPLE_DEALS})
    GROUP BY d.status, d.currency, d.lost_reason
"""  # noqa: S608  # constants
_LATEST_CLOSED: Final = f"""
    SELECT d.id, d.status, d.stage, c.name AS company, d.amount, d.currency, d.lost_reason AS reason, d.closed_at
    FROM unnest(ARRAY['won', 'lost', 'cancelled']) AS wanted(status) CROSS JOIN LATERAL (
        SELECT * FROM deals one
        WHERE one.workspace_id = $1 AND one.closed_at >= $2 AND one.status <> 'active' AND one.status = wanted.status
          AND ($3::text IS NULL OR coalesce(one.owner_email, '{NOBODY}') = $3)
        ORDER BY one.closed_at DESC LIMIT $4
    ) d JOIN companies c ON c.id = d.company_id
    ORDER BY d.status, d.closed_at DESC
"""  # noqa: S608  # constants
_CAMPAIGNS: Final = """
    SELECT id, name FROM campaigns WHERE workspace_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2
"""
_NAMES: Final = """
    SELECT t.email, t.name FROM teammates t WHERE t.email = ANY($2::text[]) AND EXISTS (
        SELECT 1 FROM memberships m WHERE m.teammate_id = t.id AND (m.workspace_id = $1 OR m.workspace_id IS NULL))
"""
