"""Store campaigns and leads in PostgreSQL, in batches: each statement takes any number of rows."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
from msgspec import Struct

from showup.campaigns.campaign import FIRST_OWN_ID, CampaignSource
from showup.campaigns.lead import Lead, Signals, lead_id
from showup.campaigns.name_match.keys import LeadKeys, lead_keys
from showup.values.email_address import match_key

# The lock that gives out campaigns' numbers; the number is arbitrary.
_NUMBERS_LOCK: Final = 6_120_733_944_120_871
# Longer than an import takes between two statements.
IDLE_TIMEOUT: Final = "60s"


class ImportedLead(Struct, frozen=True, kw_only=True):
    """A lead of one campaign, as an import brings it; `line` of its file."""

    lead: Lead
    signals: Signals
    campaign_id: int
    line: int


class SavedLeads(Struct, frozen=True, kw_only=True):
    """What a batch saved: the rows that repeat one of the same import, and the leads' ids.

    `earlier_keys` are keys that leads had before this batch filled their names.
    """

    repeated: Sequence["Repetition"] = ()
    lead_ids: Sequence[UUID] = ()
    earlier_keys: Collection[str] = ()


class Repetition(Struct, frozen=True, kw_only=True):
    """A row of an import that repeats a lead of its campaign: its line, and that of the first row."""

    line: int
    of_line: int


async def lock_leads(connection: asyncpg.Connection, workspace_id: UUID) -> None:
    """Wait until no other transaction writes leads of the workspace, and hold the lock until this one ends.

    Two imports that write the same leads in another order would otherwise wait for each other. PostgreSQL ends a
    transaction that holds the lock and runs no statement for IDLE_TIMEOUT: its process hangs.
    """
    await connection.execute("SELECT set_config('idle_in_transaction_session_timeout', $1, true)", IDLE_TIMEOUT)
    # The lock of the workspace's pipeline has the other half of the id as its key.
    await connection.execute("SELECT pg_advisory_xact_lock($1)", int.from_bytes(workspace_id.bytes[8:], signed=True))


async def save_campaigns(
    connection: asyncpg.Connection, workspace_id: UUID, source: CampaignSource, names: Iterable[str], now: datetime
) -> dict[str, int]:
    """Return the ids of the campaigns with these names; new ones get the next ids. Needs `lock_leads`."""
    wanted = sorted(set(names))
    known = await _campaign_ids(connection, workspace_id, source, wanted)
    new = [name for name in wanted if name not in known]
    if not new:
        return known
    # The numbers are unique in all workspaces.
    await connection.execute("SELECT pg_advisory_xact_lock($1)", _NUMBERS_LOCK)
    await connection.execute(
        """
        INSERT INTO campaigns (workspace_id, id, source, name, created_at)
        SELECT $1, greatest($4, (SELECT max(id) + 1 FROM campaigns)) + place - 1, $2, name, $5
        FROM unnest($3::text[]) WITH ORDINALITY AS given(name, place)
        """,
        workspace_id,
        source,
        new,
        FIRST_OWN_ID,
        now,
    )
    return known | await _campaign_ids(connection, workspace_id, source, new)


async def _campaign_ids(
    connection: asyncpg.Connection, workspace_id: UUID, source: CampaignSource, names: Sequence[str]
) -> dict[str, int]:
    rows = await connection.fetch(
        "SELECT name, id FROM campaigns WHERE workspace_id = $1 AND source = $2 AND name = ANY($3::text[])",
        workspace_id,
        source,
        names,
    )
    return {row["name"]: row["id"] for row in rows}


async def save_leads(
    connection: asyncpg.Connection, workspace_id: UUID, imported: Sequence[ImportedLead], import_id: UUID, now: datetime
) -> SavedLeads:
    """Save the leads in their campaigns. Needs `lock_leads`.

    A lead that exists keeps its values, and only what was empty is filled. What a campaign reported only grows: more
    mails, a later mail, an earlier reply, the first sender in alphabetical order. So the order of imports does not
    matter for it.
    """
    first: dict[tuple[str, int], ImportedLead] = {}
    repeated: list[Repetition] = []
    for one in imported:
        key = (one.lead.email, one.campaign_id)
        known = first.get(key)
        if known is None:
            first[key] = one
        else:
            repeated.append(Repetition(line=one.line, of_line=known.line))
            first[key] = _filled(known, one)
    rows = list(first.values())
    leads: dict[str, Lead] = {}
    for row in rows:
        lead = row.lead
        leads[lead.email] = lead if lead.email not in leads else _filled_lead(leads[lead.email], lead)
    ids = {email: lead_id(workspace_id, email) for email in leads}
    earlier_keys = await _upsert_leads(
        connection, workspace_id, [(ids[email], lead) for email, lead in leads.items()], now
    )
    earlier = await _upsert_memberships(
        connection, workspace_id, [(ids[row.lead.email], row) for row in rows], import_id
    )
    lines = {(ids[row.lead.email], row.campaign_id): row.line for row in rows}
    repeated_rows = {one.line: one for one in repeated}
    for saved, of_line in earlier.items():
        # Rows that repeat one of this batch repeat the earlier one too.
        for line in (lines[saved], *(one.line for one in repeated if one.of_line == lines[saved])):
            if line != of_line:
                repeated_rows[line] = Repetition(line=line, of_line=of_line)
    return SavedLeads(
        repeated=sorted(repeated_rows.values(), key=lambda one: one.line),
        lead_ids=list(ids.values()),
        earlier_keys=earlier_keys,
    )


_LEAD_COLUMNS = ("first_name", "last_name", "name", "company", "other_emails", "other_keys", "match_key")

# Of the leads that were there before and had a field filled: their names, and their keys before.
_UPSERT_LEADS = f"""
    WITH before AS MATERIALIZED (
        SELECT id, family_key, first_key, company_key FROM leads WHERE id = ANY($3::uuid[])
    ),
    saved AS (
        INSERT INTO leads AS l (id, workspace_id, email, match_key, first_name, last_name, name, company, other_emails,
                                other_keys, family_key, first_key, company_key, created_at)
        SELECT id, $1, email, match_key, first_name, last_name, name, company, string_to_array(other_emails, ' '),
               string_to_array(other_keys, ' '), family_key, first_key, company_key, $2
        FROM unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],
                    $11::text[], $12::text[], $13::text[], $14::text[])
             AS given(id, email, match_key, first_name, last_name, name, company, other_emails, other_keys,
                      family_key, first_key, company_key)
        ON CONFLICT (id) DO UPDATE
        SET {", ".join(f"{name} = coalesce(l.{name}, excluded.{name})" for name in _LEAD_COLUMNS)}
        WHERE {" OR ".join(f"l.{name} IS NULL AND excluded.{name} IS NOT NULL" for name in _LEAD_COLUMNS)}
        RETURNING id, first_name, last_name, name, company
    )
    SELECT s.*, b.family_key, b.first_key, b.company_key FROM saved s JOIN before b USING (id)
"""  # noqa: S608  # constants

_GREATER = ("sent", "last_sent_at", "replied", "interested", "bounced", "unsubscribed", "step")
_EARLIER = ("first_sent_at", "replied_at", "interested_at", "bounced_at", "unsubscribed_at", "sender_email")
_SIGNALS = (*_GREATER, *_EARLIER)
_GROWN = {name: f"greatest(m.{name}, excluded.{name})" for name in _GREATER} | {
    name: f"least(m.{name}, excluded.{name})" for name in _EARLIER
}

# Of the rows that the same import has saved before, with their first lines.
_UPSERT_MEMBERSHIPS = f"""
    WITH given AS MATERIALIZED (
        SELECT * FROM unnest($3::uuid[], $4::bigint[], $5::bigint[], $6::int[], $7::timestamptz[], $8::bool[],
                             $9::bool[], $10::bool[], $11::bool[], $12::int[], $13::timestamptz[],
                             $14::timestamptz[], $15::timestamptz[], $16::timestamptz[], $17::timestamptz[],
                             $18::text[])
                      AS t(lead_id, campaign_id, import_line, {", ".join(_SIGNALS)})
    ),
    saved AS (
        INSERT INTO campaign_leads AS m
            (workspace_id, lead_id, campaign_id, import_id, import_line, {", ".join(_SIGNALS)})
        SELECT $1, lead_id, campaign_id, $2, import_line, {", ".join(_SIGNALS)} FROM given
        ON CONFLICT (lead_id, campaign_id)
        DO UPDATE SET {", ".join(f"{name} = {value}" for name, value in _GROWN.items())}
        RETURNING lead_id, campaign_id, import_id, import_line
    )
    SELECT s.lead_id, s.campaign_id, s.import_line FROM saved s JOIN given g USING (lead_id, campaign_id)
    WHERE s.import_id = $2 AND s.import_line <> g.import_line
"""  # noqa: S608  # constants


async def _upsert_leads(
    connection: asyncpg.Connection, workspace_id: UUID, rows: Sequence[tuple[UUID, Lead]], now: datetime
) -> set[str]:
    """Save the leads; return the keys that leads had before their names were filled."""
    others = [lead.other_emails for _, lead in rows]
    keys = [match_key(lead.email) for _, lead in rows]
    name_keys = [lead_keys(lead.first_name, lead.last_name, lead.name, lead.company) for _, lead in rows]
    filled = await connection.fetch(
        _UPSERT_LEADS,
        workspace_id,
        now,
        [lead_row_id for lead_row_id, _ in rows],
        [lead.email for _, lead in rows],
        [key if key != lead.email else None for key, (_, lead) in zip(keys, rows, strict=True)],
        [lead.first_name for _, lead in rows],
        [lead.last_name for _, lead in rows],
        [lead.name for _, lead in rows],
        [lead.company for _, lead in rows],
        # An address contains no blank.
        [" ".join(emails) or None for emails in others],
        [" ".join(dict.fromkeys(match_key(email) for email in emails)) or None for emails in others],
        [one.family for one in name_keys],
        [one.first for one in name_keys],
        [one.company for one in name_keys],
    )
    return await _update_keys(connection, filled)


async def _update_keys(connection: asyncpg.Connection, filled: Iterable[asyncpg.Record]) -> set[str]:
    changed: list[tuple[UUID, LeadKeys]] = []
    earlier: set[str] = set()
    for row in filled:
        before = LeadKeys(row["family_key"], row["first_key"], row["company_key"])
        after = lead_keys(row["first_name"], row["last_name"], row["name"], row["company"])
        if after != before:
            changed.append((row["id"], after))
            earlier.update(before.shared())
    if changed:
        await connection.execute(
            """
            UPDATE leads l SET family_key = k.family, first_key = k.first, company_key = k.company
            FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) AS k(id, family, first, company)
            WHERE l.id = k.id
            """,
            [lead_row_id for lead_row_id, _ in changed],
            [keys.family for _, keys in changed],
            [keys.first for _, keys in changed],
            [keys.company for _, keys in changed],
        )
    return earlier


async def _upsert_memberships(
    connection: asyncpg.Connection, workspace_id: UUID, rows: Sequence[tuple[UUID, ImportedLead]], import_id: UUID
) -> dict[tuple[UUID, int], int]:
    """Save the memberships; return the line of the first row, for each that this import has saved before."""
    saved = await connection.fetch(
        _UPSERT_MEMBERSHIPS,
        workspace_id,
        import_id,
        [row_lead_id for row_lead_id, _ in rows],
        [row.campaign_id for _, row in rows],
        [row.line for _, row in rows],
        *([getattr(row.signals, name) for _, row in rows] for name in _SIGNALS),
    )
    await _mark_shared(connection, [row_lead_id for row_lead_id, _ in rows])
    return {(one["lead_id"], one["campaign_id"]): one["import_line"] for one in saved}


async def _mark_shared(connection: asyncpg.Connection, lead_ids: Sequence[UUID]) -> None:
    """Mark the leads who are in several campaigns now: sums count all others by their memberships."""
    shared = await connection.fetch(
        "SELECT lead_id FROM campaign_leads WHERE lead_id = ANY($1::uuid[]) GROUP BY lead_id HAVING count(*) > 1",
        lead_ids,
    )
    if shared:
        await connection.execute(
            "UPDATE campaign_leads SET shared = true WHERE lead_id = ANY($1::uuid[]) AND NOT shared",
            [row["lead_id"] for row in shared],
        )


def _filled(first: ImportedLead, later: ImportedLead) -> ImportedLead:
    return ImportedLead(
        lead=_filled_lead(first.lead, later.lead),
        signals=_grown(first.signals, later.signals),
        campaign_id=first.campaign_id,
        line=first.line,
    )


def _filled_lead(first: Lead, later: Lead) -> Lead:
    return Lead(
        email=first.email,
        first_name=first.first_name or later.first_name,
        last_name=first.last_name or later.last_name,
        name=first.name or later.name,
        company=first.company or later.company,
        other_emails=first.other_emails or later.other_emails,
    )


def _grown(first: Signals, later: Signals) -> Signals:
    def either(name: str) -> list[object]:
        return [value for one in (first, later) if (value := getattr(one, name)) is not None]

    greater = {name: max(either(name), default=None) for name in _GREATER}  # type: ignore[type-var]
    earlier = {name: min(either(name), default=None) for name in _EARLIER}  # type: ignore[type-var]
    return Signals(**greater, **earlier)  # type: ignore[arg-type]
