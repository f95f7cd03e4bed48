"""Keeps an erased person erased: a late webhook about their old bookings is redacted before it is applied.

A booking that they make afterwards is a new person's: it is none of the bookings that their pseudonym attends.
"""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final
from uuid import UUID

import asyncpg

from showup.access import erased_addresses_store
from showup.access.erased_addresses_store import ErasedAddress
from showup.access.secrets_at_rest import Seal
from showup.events.booking import alternate_booking_names, booking_names
from showup.events.envelope import is_booking_record
from showup.inbox import store
from showup.inbox.redaction import learn_names, redact_events
from showup.inbox.screen import Screen
from showup.inbox.store import InboxEvent
from showup.inbox.translation import translate_event
from showup.values.email_address import is_email, normalize_email
from showup.values.redaction import Pseudonym, Redactor

# Wider than an address can be: each find is parsed.
_ADDRESS: Final = re.compile(rb"[^\s\"\\<>()\[\],;:]{1,64}@[^\s\"\\<>()\[\],;:]{1,255}")


def screen_with(seal: Seal) -> Screen:
    """Returns the screen that recognises erased addresses by the workspace's key."""
    return partial(_screen, seal)


async def _screen(
    seal: Seal, connection: asyncpg.Connection, workspace_id: UUID, events: Sequence[InboxEvent]
) -> list[InboxEvent]:
    if not await erased_addresses_store.has_any(connection, workspace_id):
        return list(events)
    named = {event.id: _addresses(event.body) for event in events}
    erased = await erased_addresses_store.find(connection, seal, workspace_id, set().union(*named.values()))
    redacted: list[UUID] = []
    for event in events:
        hits = {email: erased[email] for email in named[event.id] if email in erased}
        for pseudonym in await _old_people(connection, workspace_id, event, hits):
            redactor = await learn_names(connection, [event.id], Redactor(pseudonym))
            await redact_events(connection, workspace_id, [event.id], redactor)
            redacted.append(event.id)
    return await _read_again(connection, events, redacted)


def _addresses(body: bytes) -> set[str]:
    found = (one.decode(errors="replace") for one in _ADDRESS.findall(body))
    return {normalize_email(one) for one in found if is_email(one)}


async def _old_people(
    connection: asyncpg.Connection, workspace_id: UUID, event: InboxEvent, hits: Mapping[str, Sequence[ErasedAddress]]
) -> list[Pseudonym]:
    """Returns the pseudonyms that the event's erased addresses have in it; none if it is about a new booking."""
    if not hits:
        return []
    _, record = translate_event(event)
    if record is None or not is_booking_record(record):
        return await _without_booking(connection, workspace_id, hits)
    names = (
        *booking_names(record.event, record.account_id),
        *alternate_booking_names(record.event, record.account_id),
    )
    rows = await connection.fetch(
        "SELECT DISTINCT s.email FROM booking_refs r JOIN booking_attendees s ON s.booking_id = r.booking_id "
        "WHERE r.workspace_id = $1 AND r.ref = ANY($2::text[]) AND s.email IS NOT NULL",
        workspace_id,
        list(names),
    )
    attending = {row["email"] for row in rows}
    return [
        Pseudonym(addresses={email: one.address}, name=one.name)
        for email, found in hits.items()
        for one in found
        if one.address in attending
    ]


async def _without_booking(
    connection: asyncpg.Connection, workspace_id: UUID, hits: Mapping[str, Sequence[ErasedAddress]]
) -> list[Pseudonym]:
    """A report about a mail or a lead is about the erased person, unless the address booked again since."""
    rows = await connection.fetch(
        "SELECT email FROM people WHERE workspace_id = $1 AND email = ANY($2::text[])", workspace_id, list(hits)
    )
    back = {row["email"] for row in rows}
    return [
        Pseudonym(addresses={email: found[0].address}, name=found[0].name)
        for email, found in hits.items()
        if email not in back
    ]


async def _read_again(
    connection: asyncpg.Connection, events: Sequence[InboxEvent], redacted: Sequence[UUID]
) -> list[InboxEvent]:
    if not redacted:
        return list(events)
    fresh = {one.id: one for one in await store.read_events(connection, redacted)}
    return [fresh.get(event.id, event) for event in events if event.id in fresh or event.id not in redacted]
