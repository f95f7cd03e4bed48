"""Store when EmailBison's campaigns wrote to each lead, and which leads' mails are still to be read."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final, Literal, TypeAlias
from uuid import UUID

import asyncpg
from msgspec import Struct

from showup.campaigns.campaign import FIRST_OWN_ID

UnreadKind: TypeAlias = Literal["answered", "booked", "other"]
"""Leads who replied or were interested, leads with a booking, and all others."""

# The conditions of the index ix_campaign_leads_unread_mails, word for word: the planner compares them.
_ANSWERS: Final = "(m.replied IS TRUE)::integer + (m.interested IS TRUE)::integer"
_IS_UNREAD: Final = f"""
    m.campaign_id < {FIRST_OWN_ID} AND (coalesce(m.sent, 0) > coalesce(m.mails_read, 0)
    OR {_ANSWERS} > coalesce(m.answers_read, 0))
"""


class LeadMails(Struct, frozen=True, kw_only=True):
    """The mails of a campaign to a lead. `step` and `answered_sender` are those of the mail that was answered."""

    lead_id: UUID
    campaign_id: int
    count: int
    first_sent_at: datetime
    last_sent_at: datetime
    step: int | None
    answered_sender: str | None
    last_sender: str | None


async def list_unread(
    connection: asyncpg.Connection, workspace_id: UUID, kind: UnreadKind, limit: int
) -> dict[UUID, int]:
    """Return leads of EmailBison's campaigns whose mails were not read since the last mail or answer: its numbers."""
    if kind == "booked":
        source = "matches x JOIN campaign_leads m ON m.lead_id = x.lead_id"
        where = "x.workspace_id = $1 AND x.state = 'matched'"
    else:
        source, where = "campaign_leads m", "true" if kind == "other" else f"{_ANSWERS} > 0"
    rows = await connection.fetch(
        f"""
        SELECT m.lead_id, m.import_line FROM {source}
        WHERE m.workspace_id = $1 AND m.import_line IS NOT NULL AND {where} AND {_IS_UNREAD}
        ORDER BY {_ANSWERS} DESC, m.lead_id LIMIT $2
        """,  # noqa: S608  # constants
        workspace_id,
        limit,
    )
    return {row["lead_id"]: row["import_line"] for row in rows}


async def save_mails(
    connection: asyncpg.Connection, workspace_id: UUID, lead_ids: Collection[UUID], mails: Sequence[LeadMails]
) -> None:
    """Save what was read of these leads' mails; leads without any are read too. Needs `lock_leads`.

    A lead's answer is one that its replies brought: EmailBison counts automatic answers to a mail as well.
    """
    await connection.execute(
        """
        UPDATE campaign_leads m
        SET first_sent_at = least(m.first_sent_at, given.first_sent_at),
            last_sent_at = greatest(m.last_sent_at, given.last_sent_at),
            step = CASE WHEN m.replied OR m.interested THEN given.step END,
            sender_email = coalesce(CASE WHEN m.replied OR m.interested THEN given.answered_sender END,
                                    given.last_sender, m.sender_email),
            mails_read = given.count
        FROM unnest($2::uuid[], $3::bigint[], $4::int[], $5::timestamptz[], $6::timestamptz[], $7::int[], $8::text[],
                    $9::text[])
             AS given(lead_id, campaign_id, count, first_sent_at, last_sent_at, step, answered_sender, last_sender)
        WHERE m.workspace_id = $1 AND m.lead_id = given.lead_id AND m.campaign_id = given.campaign_id
        """,
        workspace_id,
        *([getattr(one, name) for one in mails] for name in LeadMails.__struct_fields__),
    )
    await connection.execute(
        f"""
        UPDATE campaign_leads m
        SET mails_read = greatest(coalesce(m.sent, 0), coalesce(m.mails_read, 0)), answers_read = {_ANSWERS}
        WHERE m.workspace_id = $1 AND m.lead_id = ANY($2::uuid[]) AND m.campaign_id < {FIRST_OWN_ID}
        """,  # noqa: S608  # constants
        workspace_id,
        list(lead_ids),
    )


async def load_senders(
    connection: asyncpg.Connection, workspace_id: UUID, numbers: Collection[int]
) -> dict[int, str | None]:
    """Return the addresses of those of these mailboxes that were read before; None for one that has none."""
    rows = await connection.fetch(
        "SELECT number, email FROM mail_senders WHERE workspace_id = $1 AND number = ANY($2::bigint[])",
        workspace_id,
        list(numbers),
    )
    return {row["number"]: row["email"] for row in rows}


async def save_senders(connection: asyncpg.Connection, workspace_id: UUID, senders: Mapping[int, str | None]) -> None:
    """Save the addresses of mailboxes that write to leads."""
    await connection.execute(
        """
        INSERT INTO mail_senders (workspace_id, number, email)
        SELECT $1, number, email FROM unnest($2::bigint[], $3::text[]) AS given(number, email)
        ON CONFLICT (workspace_id, number) DO NOTHING
        """,
        workspace_id,
        list(senders),
        list(senders.values()),
    )
