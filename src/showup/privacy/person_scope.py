"""Finds what belongs to one person in a workspace: their addresses, names and numbers, and the ids of their records."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

import asyncpg
from msgspec import Struct

from showup.values.email_address import match_key

_MAX_ADDRESSES: Final = 50
_ROUNDS: Final = 10


class PersonUnknown(Exception):
    """Nothing in the workspace names this address."""


class NotErasable(Exception):
    """The address belongs to somebody whom an erasure can't be about; the text says who, and what to do."""


class PersonScope(Struct, frozen=True, kw_only=True):
    """The addresses of a person, as they are stored, with the names and phone numbers beside them.

    `ids`: those of their bookings, deliveries, people, deals, leads and events.
    """

    emails: Sequence[str]
    names: frozenset[str]
    phones: frozenset[str]
    ids: Mapping[str, Sequence[UUID]]

    @property
    def is_known(self) -> bool:
        """Returns whether a record of the pipeline or a lead is the person's."""
        return any(self.ids.values())


# Other addresses of the same person: of the same mailbox, merged by somebody, or of the same lead.
_MORE_EMAILS: Final = """
    SELECT email FROM booking_attendees s JOIN bookings b ON b.id = s.booking_id
    WHERE b.workspace_id = $1 AND coalesce(s.match_key, s.email) = ANY($3::text[]) AND s.email IS NOT NULL
    UNION SELECT unnest(ARRAY[gone, stays]) FROM merges
    WHERE workspace_id = $1 AND kind = 'people' AND (gone = ANY($2::text[]) OR stays = ANY($2::text[]))
    UNION SELECT unnest(email || coalesce(other_emails, '{}')) FROM leads
    WHERE workspace_id = $1 AND (email = ANY($2::text[]) OR coalesce(match_key, email) = ANY($3::text[])
        OR other_emails && $2::text[] OR other_keys && $3::text[])
"""

_NAMES: Final = """
    SELECT name, phone FROM people WHERE workspace_id = $1 AND email = ANY($2::text[])
    UNION SELECT s.name, s.phone FROM booking_attendees s JOIN bookings b ON b.id = s.booking_id
    WHERE b.workspace_id = $1 AND s.email = ANY($2::text[])
    UNION SELECT concat_ws(' ', first_name, last_name), NULL FROM leads
    WHERE workspace_id = $1 AND email = ANY($2::text[])
    UNION SELECT name, NULL FROM leads WHERE workspace_id = $1 AND email = ANY($2::text[])
    UNION SELECT coalesce(e->>'name', concat_ws(' ', e->>'first_name', e->>'last_name')), NULL
    FROM leads, jsonb_array_elements(earlier_names) e WHERE workspace_id = $1 AND email = ANY($2::text[])
"""

_IDS: Final = {
    "bookings": """
        SELECT DISTINCT b.id FROM bookings b JOIN booking_attendees s ON s.booking_id = b.id
        WHERE b.workspace_id = $1 AND s.email = ANY($2::text[])
    """,
    "people": "SELECT id FROM people WHERE workspace_id = $1 AND email = ANY($2::text[])",
    "leads": "SELECT id FROM leads WHERE workspace_id = $1 AND email = ANY($2::text[])",
}
_DELIVERIES: Final = """
    SELECT id FROM deliveries WHERE workspace_id = $1 AND (booking_id = ANY($2::uuid[]) OR recipient = ANY($3::text[]))
"""
_DEALS: Final = "SELECT DISTINCT deal_id AS id FROM bookings WHERE id = ANY($1::uuid[]) AND deal_id IS NOT NULL"


async def find_scope(connection: asyncpg.Connection, workspace_id: UUID, email: str) -> PersonScope:
    """Returns what belongs to the person with this normalized address."""
    emails = await _emails(connection, workspace_id, email)
    rows = await connection.fetch(_NAMES, workspace_id, emails)
    phones = {row["phone"] for row in rows if row["phone"]}
    ids = {name: await _ids(connection, query, workspace_id, emails) for name, query in _IDS.items()}
    recipients = [*emails, *phones]
    ids["deliveries"] = await _ids(connection, _DELIVERIES, workspace_id, ids["bookings"], recipients)
    ids["deals"] = await _ids(connection, _DEALS, ids["bookings"])
    return PersonScope(
        emails=emails,
        names=frozenset(row["name"] for row in rows if row["name"]),
        phones=frozenset(phones),
        ids=ids,
    )


async def refuse_own_side(connection: asyncpg.Connection, workspace_id: UUID, scope: PersonScope) -> None:
    """Raises NotErasable if one of the addresses is a teammate's or a host's."""
    emails = list(scope.emails)
    if await connection.fetchval("SELECT true FROM teammates WHERE email = ANY($1::text[])", emails):
        raise NotErasable(
            "This is a teammate's address. Remove the teammate first, with `showup teammates remove` or in Settings."
        )
    is_host = await connection.fetchval(
        "SELECT true FROM bookings WHERE workspace_id = $1 AND organizer_email = ANY($2::text[]) LIMIT 1",
        workspace_id,
        emails,
    )
    if is_host:
        raise NotErasable("This is the address of a host of meetings. Only people who book can be erased.")


async def _emails(connection: asyncpg.Connection, workspace_id: UUID, email: str) -> list[str]:
    known = {email}
    for _ in range(_ROUNDS):
        rows = await connection.fetch(
            _MORE_EMAILS, workspace_id, sorted(known), sorted({match_key(one) for one in known})
        )
        found = known | {row[0] for row in rows if row[0]}
        if found == known or len(found) > _MAX_ADDRESSES:
            break
        known = found
    return sorted(known)


async def _ids(connection: asyncpg.Connection, query: str, *arguments: object) -> list[UUID]:
    return [row["id"] for row in await connection.fetch(query, *arguments)]
