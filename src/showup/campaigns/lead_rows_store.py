"""Store leads' names, addresses and keys: new leads, and those of which an import says something else."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
import msgspec

from showup.campaigns.lead import Lead
from showup.campaigns.lead_names import MAX_EARLIER, KnownLead, RenamedLead, rename
from showup.campaigns.name_match.keys import LeadKeys, lead_keys
from showup.values.email_address import match_key

_NAMES: Final = ("first_name", "last_name", "name", "company")


async def save(
    connection: asyncpg.Connection,
    workspace_id: UUID,
    leads: Mapping[UUID, Lead],
    import_id: UUID,
    now: datetime,
    *,
    is_source: bool,
) -> set[str]:
    """Save the leads, by id; return the keys that leads had before their names changed. Needs `lock_leads`."""
    stored = {row["id"]: row for row in await _rows(connection, leads)}
    new = {one: lead for one, lead in leads.items() if one not in stored}
    await _insert(connection, workspace_id, new, import_id, now)
    changed: dict[UUID, RenamedLead] = {}
    earlier_keys: set[str] = set()
    for one, row in stored.items():
        known = _known(row)
        renamed = rename(known, leads[one], import_id, is_source=is_source)
        if (renamed.lead, renamed.names_from) != (known.lead, known.names_from):
            changed[one] = renamed
            before = LeadKeys(row["family_key"], row["first_key"], row["company_key"])
            if before != _keys(renamed.lead):
                earlier_keys.update(before.shared())
    await _update(connection, changed, now)
    return earlier_keys


async def known_leads(connection: asyncpg.Connection, ids: Collection[UUID]) -> dict[UUID, KnownLead]:
    """Return those of these leads that exist, by id."""
    return {row["id"]: _known(row) for row in await _rows(connection, ids)}


async def _rows(connection: asyncpg.Connection, ids: Collection[UUID]) -> list[asyncpg.Record]:
    rows: list[asyncpg.Record] = await connection.fetch(
        """
        SELECT id, email, first_name, last_name, name, company, other_emails, names_from, family_key, first_key,
               company_key
        FROM leads WHERE id = ANY($1::uuid[])
        """,
        list(ids),
    )
    return rows


def _known(row: asyncpg.Record) -> KnownLead:
    names = {name: row[name] for name in _NAMES}
    return KnownLead(
        lead=Lead(email=row["email"], **names, other_emails=tuple(row["other_emails"] or ())),
        names_from=row["names_from"],
    )


async def _insert(
    connection: asyncpg.Connection, workspace_id: UUID, new: Mapping[UUID, Lead], import_id: UUID, now: datetime
) -> None:
    if not new:
        return
    leads = list(new.values())
    match_keys = [match_key(lead.email) for lead in leads]
    await connection.execute(
        """
        INSERT INTO leads (id, workspace_id, created_at, first_name, last_name, name, company, other_emails, other_keys,
                           family_key, first_key, company_key, names_from, email, match_key)
        SELECT id, $14, $15, first_name, last_name, name, company, string_to_array(other_emails, ' '),
               string_to_array(other_keys, ' '), family_key, first_key, company_key, names_from, email, match_key
        FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                    $9::text[], $10::text[], $11::uuid[], $12::text[], $13::text[])
             AS given(id, first_name, last_name, name, company, other_emails, other_keys, family_key, first_key,
                      company_key, names_from, email, match_key)
        """,
        list(new),
        *_columns(leads),
        [import_id if any(getattr(lead, name) for name in _NAMES) else None for lead in leads],
        [lead.email for lead in leads],
        [key if key != lead.email else None for key, lead in zip(match_keys, leads, strict=True)],
        workspace_id,
        now,
    )


def _columns(leads: Sequence[Lead]) -> Iterator[list[str | None]]:
    """Yield the columns of these leads: names, further addresses with their keys, and the keys of the names."""
    for name in _NAMES:
        yield [getattr(lead, name) for lead in leads]
    # An address contains no blank.
    yield [" ".join(lead.other_emails) or None for lead in leads]
    yield [" ".join(dict.fromkeys(match_key(email) for email in lead.other_emails)) or None for lead in leads]
    keys = [_keys(lead) for lead in leads]
    yield [one.family for one in keys]
    yield [one.first for one in keys]
    yield [one.company for one in keys]


def _keys(lead: Lead) -> LeadKeys:
    return lead_keys(lead.first_name, lead.last_name, lead.name, lead.company)


async def _update(connection: asyncpg.Connection, changed: Mapping[UUID, RenamedLead], now: datetime) -> None:
    """Save what imports changed; the replaced names stay in `earlier_names`, with the time until which they stood."""
    if not changed:
        return
    earlier = [
        msgspec.json.encode({**one.replaced, "until": now}).decode() if one.replaced else None
        for one in changed.values()
    ]
    await connection.execute(
        """
        UPDATE leads l
        SET first_name = g.first_name, last_name = g.last_name, name = g.name, company = g.company,
            other_emails = string_to_array(g.other_emails, ' '), other_keys = string_to_array(g.other_keys, ' '),
            family_key = g.family_key, first_key = g.first_key, company_key = g.company_key, names_from = g.names_from,
            earlier_names = CASE
                WHEN g.earlier IS NULL THEN l.earlier_names
                WHEN jsonb_array_length(l.earlier_names) < $12 THEN l.earlier_names || g.earlier
                ELSE (l.earlier_names - 0) || g.earlier END
        FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                    $9::text[], $10::text[], $11::uuid[], $13::jsonb[])
             AS g(id, first_name, last_name, name, company, other_emails, other_keys, family_key, first_key,
                  company_key, names_from, earlier)
        WHERE l.id = g.id
        """,
        list(changed),
        *_columns([one.lead for one in changed.values()]),
        [one.names_from for one in changed.values()],
        MAX_EARLIER,
        earlier,
    )
