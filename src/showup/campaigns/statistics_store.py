"""Store campaigns that another system numbered, and their statistics."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

import asyncpg
from msgspec import Struct


class CampaignTotals(Struct, frozen=True, kw_only=True):
    """A campaign's totals since its start: mails in `sent` and `bounced`, people in the others."""

    campaign_id: int
    name: str
    sent: int
    bounced: int
    contacted: int
    replied: int
    interested: int
    unsubscribed: int
    leads: int


class CampaignDay(Struct, frozen=True, kw_only=True):
    """What a campaign did on one day."""

    day: date
    sent: int = 0
    bounced: int = 0
    replied: int = 0
    interested: int = 0
    unsubscribed: int = 0


_COUNTS = tuple(name for name in CampaignTotals.__struct_fields__ if name not in ("campaign_id", "name"))
_DAY_COUNTS = tuple(name for name in CampaignDay.__struct_fields__ if name != "day")


async def save_numbered_campaigns(
    connection: asyncpg.Connection, workspace_id: UUID, names: Mapping[int, str], now: datetime
) -> None:
    """Save EmailBison's campaigns under its own numbers; a new name replaces the old one."""
    await connection.execute(
        """
        INSERT INTO campaigns AS c (workspace_id, id, source, name, created_at)
        SELECT $1, id, 'emailbison', name, $4 FROM unnest($2::bigint[], $3::text[]) AS given(id, name)
        ON CONFLICT (workspace_id, id) DO UPDATE SET name = excluded.name WHERE c.name <> excluded.name
        """,
        workspace_id,
        sorted(names),
        [names[number] for number in sorted(names)],
        now,
    )


async def ensure_campaigns(
    connection: asyncpg.Connection, workspace_id: UUID, numbers: Iterable[int], now: datetime
) -> None:
    """Save campaigns that EmailBison names without listing them, such as deleted ones."""
    await connection.execute(
        """
        INSERT INTO campaigns (workspace_id, id, source, name, created_at)
        SELECT $1, id, 'emailbison', 'EmailBison campaign ' || id, $3 FROM unnest($2::bigint[]) AS given(id)
        ON CONFLICT (workspace_id, id) DO NOTHING
        """,
        workspace_id,
        sorted(set(numbers)),
        now,
    )


async def save_totals(
    connection: asyncpg.Connection, workspace_id: UUID, totals: Sequence[CampaignTotals], now: datetime
) -> None:
    """Save the totals of campaigns, which must exist."""
    columns = ", ".join(_COUNTS)
    arrays = ", ".join(f"${number}::int[]" for number in range(4, 4 + len(_COUNTS)))
    await connection.execute(
        f"""
        INSERT INTO campaign_totals (workspace_id, campaign_id, read_at, {columns})
        SELECT $1, id, $3, {columns} FROM unnest($2::bigint[], {arrays}) AS given(id, {columns})
        ON CONFLICT (workspace_id, campaign_id)
        DO UPDATE SET read_at = excluded.read_at, {", ".join(f"{name} = excluded.{name}" for name in _COUNTS)}
        """,  # noqa: S608  # constants
        workspace_id,
        [one.campaign_id for one in totals],
        now,
        *([getattr(one, name) for one in totals] for name in _COUNTS),
    )


async def load_totals(connection: asyncpg.Connection, workspace_id: UUID) -> dict[int, CampaignTotals]:
    """Return the totals of the workspace's campaigns, by number."""
    rows = await connection.fetch(
        f"""
        SELECT t.campaign_id, c.name, {", ".join(f"t.{name}" for name in _COUNTS)}
        FROM campaign_totals t JOIN campaigns c ON c.workspace_id = t.workspace_id AND c.id = t.campaign_id
        WHERE t.workspace_id = $1
        """,  # noqa: S608  # constants
        workspace_id,
    )
    return {row["campaign_id"]: CampaignTotals(**row) for row in rows}


async def last_day(connection: asyncpg.Connection, workspace_id: UUID, campaign_id: int) -> date | None:
    """Return the last day that has counts; None if there is none."""
    found: date | None = await connection.fetchval(
        "SELECT max(day) FROM campaign_days WHERE workspace_id = $1 AND campaign_id = $2", workspace_id, campaign_id
    )
    return found


async def replace_days(
    connection: asyncpg.Connection,
    workspace_id: UUID,
    campaign_id: int,
    span: tuple[date, date],
    days: Sequence[CampaignDay],
) -> None:
    """Save the counts of a span, its last day included; they replace those that are known."""
    await connection.execute(
        "DELETE FROM campaign_days WHERE workspace_id = $1 AND campaign_id = $2 AND day BETWEEN $3 AND $4",
        workspace_id,
        campaign_id,
        *span,
    )
    columns = ", ".join(_DAY_COUNTS)
    arrays = ", ".join(f"${number}::int[]" for number in range(4, 4 + len(_DAY_COUNTS)))
    await connection.execute(
        f"""
        INSERT INTO campaign_days (workspace_id, campaign_id, day, {columns})
        SELECT $1, $2, day, {columns} FROM unnest($3::date[], {arrays}) AS given(day, {columns})
        """,  # noqa: S608  # constants
        workspace_id,
        campaign_id,
        [one.day for one in days],
        *([getattr(one, name) for one in days] for name in _DAY_COUNTS),
    )
