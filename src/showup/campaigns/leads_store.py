"""Store campaigns and leads in PostgreSQL, in batches: each statement takes any number of rows."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
from msgspec import Struct

from showup.campaigns import lead_rows_store
from showup.campaigns.campaign import CampaignSource
from showup.campaigns.lead import Lead, Signals, lead_id
from showup.campaigns.lead_names import filled

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
    # The numbers are unique in all workspaces; one that an aborted transaction took stays unused.
    await connection.execute(
        """
        INSERT INTO campaigns (workspace_id, id, source, name, created_at)
        SELECT $1, nextval('campaign_numbers'), $2, name, $4 FROM unnest($3::text[]) AS given(name)
        """,
        workspace_id,
        source,
        new,
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


async def memberships(
    connection: asyncpg.Connection, workspace_id: UUID, source: CampaignSource, wanted: Collection[tuple[UUID, str]]
) -> dict[tuple[UUID, str], Signals]:
    """Return what campaigns know of leads, for those of these pairs of a lead and a campaign's name that exist."""
    rows = await connection.fetch(
        f"""
        SELECT m.lead_id, c.name, {", ".join(f"m.{name}" for name in _SIGNALS)}
        FROM unnest($3::uuid[], $4::text[]) AS wanted(lead_id, name)
        JOIN campaigns c ON c.workspace_id = $1 AND c.source = $2 AND c.name = wanted.name
        JOIN campaign_leads m ON m.lead_id = wanted.lead_id AND m.campaign_id = c.id
        """,  # noqa: S608  # constants
        workspace_id,
        source,
        [lead for lead, _ in wanted],
        [name for _, name in wanted],
    )
    found: dict[tuple[UUID, str], Signals] = {}
    for row in rows:
        values = dict(row)
        pair = (values.pop("lead_id"), values.pop("name"))
        found[pair] = Signals(**values)
    return found


async def save_leads(
    connection: asyncpg.Connection,
    workspace_id: UUID,
    imported: Sequence[ImportedLead],
    import_id: UUID,
    now: datetime,
    *,
    is_source: bool = False,
) -> SavedLeads:
    """Save the leads in their campaigns. Needs `lock_leads`. `is_source`: no file, but a system such as EmailBison.

    `lead_names` says whose names win. What a campaign reported only grows: more mails, a later mail, an earlier reply,
    the first sender in alphabetical order. So the order of imports does not matter for it.
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
        leads[lead.email] = lead if lead.email not in leads else filled(leads[lead.email], lead)
    ids = {email: lead_id(workspace_id, email) for email in leads}
    earlier_keys = await lead_rows_store.save(
        connection,
        workspace_id,
        {ids[email]: lead for email, lead in leads.items()},
        import_id,
        now,
        is_source=is_source,
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
        lead=filled(first.lead, later.lead),
        signals=grown(first.signals, later.signals),
        campaign_id=first.campaign_id,
        line=first.line,
    )


def grown(first: Signals, later: Signals) -> Signals:
    """Return what a campaign knows of a lead after it reported this too: signals only grow."""

    def either(name: str) -> list[object]:
        return [value for one in (first, later) if (value := getattr(one, name)) is not None]

    greater = {name: max(either(name), default=None) for name in _GREATER}  # type: ignore[type-var]
    earlier = {name: min(either(name), default=None) for name in _EARLIER}  # type: ignore[type-var]
    return Signals(**greater, **earlier)  # type: ignore[arg-type]
