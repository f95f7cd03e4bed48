"""Gives the leads of an erased person the pseudonym: they stay in their campaigns, whose numbers don't change."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import asyncpg

from showup.campaigns.lead import lead_id
from showup.campaigns.name_match.keys import lead_keys
from showup.values.email_address import match_key
from showup.values.redaction import FIRST_NAME, Redactor

_REFERENCING: Final = ("campaign_leads",)


async def redact_leads(
    connection: asyncpg.Connection, workspace_id: UUID, ids: Sequence[UUID], redactor: Redactor
) -> int:
    """Redacts these leads; returns how many. A lead's id follows from its address, so each gets a new one."""
    rows = await connection.fetch("SELECT * FROM leads WHERE id = ANY($1::uuid[])", list(ids))
    for row in rows:
        email = redactor.replacement_of(row["email"]) or row["email"]
        await _copy(connection, workspace_id, row, email, redactor)
        new_id = lead_id(workspace_id, email)
        for table in _REFERENCING:
            await connection.execute(f"UPDATE {table} SET lead_id = $2 WHERE lead_id = $1", row["id"], new_id)  # noqa: S608
        await connection.execute("DELETE FROM leads WHERE id = $1", row["id"])
    return len(rows)


async def _copy(
    connection: asyncpg.Connection, workspace_id: UUID, row: asyncpg.Record, email: str, redactor: Redactor
) -> None:
    pseudonym = redactor.pseudonym
    first_name = FIRST_NAME if row["first_name"] else None
    last_name = pseudonym.last_name if row["last_name"] else None
    name = pseudonym.name if row["name"] else None
    others = [redactor.text(one, words=False) for one in row["other_emails"] or ()] or None
    keys = lead_keys(first_name, last_name, name, row["company"])
    key = match_key(email)
    await connection.execute(
        """
        INSERT INTO leads (id, workspace_id, email, match_key, first_name, last_name, name, company, names_from,
                           other_emails, other_keys, family_key, first_key, company_key, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
        """,
        *(lead_id(workspace_id, email), workspace_id, email, None if key == email else key),
        *(first_name, last_name, name, row["company"], row["names_from"], others),
        None if others is None else list(dict.fromkeys(match_key(one) for one in others)),
        *(keys.family, keys.first, keys.company, row["created_at"]),
    )
