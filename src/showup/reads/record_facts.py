"""Reads what the pages of a person and a company show beyond their meetings: leads, merges, and manual changes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.database.engine import driver_connection
from showup.events.workspace import MergeKind

_MAX_LEADS: Final = 20
_MAX_MERGES: Final = 20
_MAX_CHANGES: Final = 20


class PersonLead(Struct, frozen=True, kw_only=True):
    """A campaign that brought a person, and how the lead was found; `at` is when it was matched."""

    campaign: str
    method: str
    at: datetime


class RecordMerge(Struct, frozen=True, kw_only=True):
    """A merge in force into a record: an email address, or a company's key, was merged into it."""

    id: UUID
    gone: str
    gone_id: UUID
    actor: str
    actor_name: str | None
    at: datetime


class RecordChange(Struct, frozen=True, kw_only=True):
    """A change that somebody made to a record: new values by field."""

    at: datetime
    what: str
    because: str
    actor: str
    actor_name: str | None
    change: dict[str, Any]


async def leads_of_person(tx: AsyncConnection, permission: Permission, person_id: UUID) -> list[PersonLead]:
    """Returns the campaigns whose leads a person's seats were matched to, latest first."""
    rows = await (await driver_connection(tx)).fetch(_LEADS, permission.workspace_id, person_id, _MAX_LEADS)
    return [PersonLead(**row) for row in rows]


async def merges_into(
    tx: AsyncConnection, permission: Permission, kind: MergeKind, record_id: UUID
) -> list[RecordMerge]:
    """Returns the merges in force into a person or company, latest first."""
    rows = await (await driver_connection(tx)).fetch(_MERGES, permission.workspace_id, kind, record_id, _MAX_MERGES)
    return [RecordMerge(**row) for row in rows]


async def changes_of_person(
    tx: AsyncConnection, permission: Permission, person_ids: Sequence[UUID]
) -> list[RecordChange]:
    """Returns what somebody changed of a person, latest first; `person_ids` with those merged into them."""
    return await _changes(tx, permission, _OF_PERSON, person_ids)


async def changes_of_company(
    tx: AsyncConnection, permission: Permission, company_ids: Sequence[UUID]
) -> list[RecordChange]:
    """Returns what somebody changed of a company, latest first; `company_ids` with those merged into it."""
    return await _changes(tx, permission, _OF_COMPANY, company_ids)


async def _changes(tx: AsyncConnection, permission: Permission, query: str, ids: Sequence[UUID]) -> list[RecordChange]:
    rows = await (await driver_connection(tx)).fetch(query, permission.workspace_id, list(ids), _MAX_CHANGES)
    return [RecordChange(**dict(row) | {"change": msgspec.json.decode(row["change"])}) for row in rows]


_LEADS: Final = """
    SELECT c.name AS campaign, m.method, m.at
    FROM booking_attendees s
    JOIN matches m ON m.booking_id = s.booking_id AND m.attendee = s.email AND m.state = 'matched'
    JOIN campaigns c ON c.workspace_id = m.workspace_id AND c.id = m.campaign_id
    WHERE s.person_id = $2 AND m.workspace_id = $1 ORDER BY m.at DESC, m.id LIMIT $3
"""
_MERGES: Final = """
    SELECT m.id, m.gone, m.gone_id, m.actor, t.name AS actor_name, m.at
    FROM merges m LEFT JOIN teammates t ON 'teammate:' || t.email = m.actor
    WHERE m.workspace_id = $1 AND m.kind = $2 AND m.stays = CASE $2
        WHEN 'people' THEN (SELECT p.email FROM people p WHERE p.id = $3)
        ELSE (SELECT c.key FROM companies c WHERE c.id = $3) END
    ORDER BY m.at DESC, m.id LIMIT $4
"""
_CHANGES: Final = """
    SELECT l.at, l.what, l.because, l.actor, t.name AS actor_name, l.change::text AS change
    FROM (
        SELECT * FROM audit_log l WHERE l.workspace_id = $1 AND {column} = ANY($2::uuid[]) AND l.what = ANY({kinds})
        ORDER BY l.number DESC LIMIT $3
    ) l
    LEFT JOIN teammates t ON 'teammate:' || t.email = l.actor
    ORDER BY l.number DESC
"""
_OF_PERSON: Final = _CHANGES.format(column="l.person_id", kinds="'{person.recorded,people.merged}'::text[]")
_OF_COMPANY: Final = _CHANGES.format(column="l.company_id", kinds="'{company.recorded,companies.merged}'::text[]")
