"""Reads the pipeline board: which deals each stage shows, and what was closed this month.

Each read is bounded: the columns come from the soonest meetings and from one page of deals for each stage.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import asyncpg
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.database.engine import driver_connection
from showup.reads.deal_sums import NOBODY, SAMPLE_DEALS, SUMS_OF_CHOSEN, Sum, active_sums

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


class BoardPage(Struct, frozen=True, kw_only=True):
    """How many `cards` each stage shows at most, and how many one `stage` shows instead."""

    cards: int
    stage: str | None = None
    stage_cards: int = 0


class BoardDeals(Struct, frozen=True, kw_only=True):
    """The sums of all deals of the campaign, or of all, of every owner, and the deals that are shown.

    The places are in order: the soonest meeting first, then the longest in the stage.
    """

    sums: Sequence[Sum]
    places: Sequence[BoardPlace]


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


async def read_board(
    tx: AsyncConnection, permission: Permission, filters: BoardFilter, page: BoardPage, now: datetime
) -> BoardDeals:
    """Returns the board's deals: those of the rules' stages, and of stages that only deals have."""
    connection = await driver_connection(tx)
    # To compile the statement would take longer than to run it.
    await connection.execute("SET LOCAL jit = off")
    if filters.campaign_id is not None:
        return await _read_campaign(connection, permission, filters, page, now)
    sums = await active_sums(tx, permission)
    stages = list({one.stage for one in sums})
    rows = await connection.fetch(_PLACES, *_arguments(permission, stages, filters, page, now))
    return BoardDeals(sums=sums, places=[BoardPlace(**row) for row in rows])


async def _read_campaign(
    connection: asyncpg.Connection, permission: Permission, filters: BoardFilter, page: BoardPage, now: datetime
) -> BoardDeals:
    """Return the same for a campaign, from one look at its deals, up to 20,000."""
    rows = await connection.fetch(
        _OF_CAMPAIGN, *_arguments(permission, filters.campaign_id, filters, page, now), _MAX_CAMPAIGN_DEALS
    )
    places, sums = BoardPlace.__struct_fields__, Sum.__struct_fields__
    return BoardDeals(
        places=[BoardPlace(**{name: row[name] for name in places}) for row in rows if row["deal_id"] is not None],
        sums=[Sum(**{name: row[name] for name in sums}) for row in rows if row["deal_id"] is None],
    )


def _arguments(
    permission: Permission, chosen: Sequence[str] | int | None, filters: BoardFilter, page: BoardPage, now: datetime
) -> Sequence[Any]:
    """Return the parameters $1 to $10. `chosen`: the stages that have deals, or the campaign."""
    return (
        *(permission.workspace_id, chosen, filters.owner, now, now - _LONGEST_MEETING, _SOONEST_MEETINGS),
        *(page.stage, page.stage_cards, page.cards, filters.without_meeting),
    )


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


# A deal of seats has its meetings through `deal_events`.
_BOARD: Final = """
    soonest AS MATERIALIZED (
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
    stages AS (SELECT stage, CASE WHEN stage = $7::text THEN $8::int ELSE $9::int END AS most FROM {stages} found),
    ahead AS MATERIALIZED (
        SELECT d.stage, d.id, f.start_time,
               row_number() OVER (PARTITION BY d.stage ORDER BY f.start_time, d.id)::int AS position,
               (count(*) FILTER (WHERE NOT f.simulated) OVER (PARTITION BY d.stage))::int AS ahead
        FROM first_ones f JOIN {deals} d ON d.id = f.deal_id
        WHERE {is_chosen} AND ($3::text IS NULL OR coalesce(d.owner_email, '{nobody}') = $3)
    ),
    rest AS (
        SELECT w.stage, page.id, page.position FROM stages w CROSS JOIN LATERAL (
            SELECT d.id, row_number() OVER (ORDER BY d.stage_entered_at, d.id)::int AS position FROM {deals} d
            WHERE {is_chosen} AND d.stage = w.stage
              AND ($3::text IS NULL OR coalesce(d.owner_email, '{nobody}') = $3)
              AND d.id NOT IN (SELECT deal_id FROM first_ones)
              AND NOT ($10::bool AND EXISTS (
                  SELECT 1 FROM bookings later WHERE later.deal_id = d.id AND later.start_time > $4
                    AND later.status IN ('ACCEPTED', 'PENDING')))
            ORDER BY d.stage_entered_at, d.id LIMIT w.most
        ) page
    ),
    listed AS (
        SELECT stage, id, 0 AS part, position FROM ahead WHERE NOT $10::bool
        UNION ALL SELECT stage, id, 1, position FROM rest
    ),
    numbered AS (
        SELECT l.*, row_number() OVER (PARTITION BY stage ORDER BY part, position) AS place FROM listed l
    ),
    placed AS (
        SELECT n.stage, n.id AS deal_id, n.place,
               CASE WHEN (SELECT count(*) FROM soonest) < $6
                    THEN coalesce((SELECT max(a.ahead) FROM ahead a WHERE a.stage = n.stage), 0) END AS ahead
        FROM numbered n JOIN stages w ON w.stage = n.stage AND n.place <= w.most
    )
"""
_PLACES: Final = f"""
    WITH {
    _BOARD.format(
        stages="(SELECT unnest($2::text[]) AS stage)",
        deals="deals",
        is_chosen="d.workspace_id = $1 AND d.status = 'active'",
        nobody=NOBODY,
    )
}
    SELECT stage, deal_id, ahead FROM placed ORDER BY stage, place
"""  # noqa: S608  # constants
_OF_CAMPAIGN: Final = f"""
    WITH chosen AS MATERIALIZED (
        SELECT d.id, d.stage, d.stage_entered_at, d.owner_email, d.currency, d.amount
        FROM campaign_deals c JOIN deals d ON d.id = c.deal_id AND d.workspace_id = $1 AND d.status = 'active'
        WHERE c.workspace_id = $1 AND c.campaign_id = $2::bigint AND c.seats > 0 LIMIT $11
    ),
    {
    _BOARD.format(
        stages="(SELECT DISTINCT stage FROM chosen)",
        deals="chosen",
        is_chosen="true",
        nobody=NOBODY,
    )
}
    SELECT stage, deal_id, ahead, place, NULL AS owner, NULL AS currency, NULL AS simulated, NULL AS deals,
           NULL AS priced, NULL AS amount
    FROM placed
    UNION ALL
    SELECT stage, NULL, NULL, NULL, owner, currency, simulated, deals, priced, amount FROM ({SUMS_OF_CHOSEN}) sums
    ORDER BY stage, place
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
