"""Matches attendees to leads: finds the matches that current data require, and stores each change as an event.

It runs under the workspace's lock, after bookings changed or leads were imported, and compares with the stored matches.
So the order in which bookings and leads come does not matter. A rebuild replays the events and matches nothing itself.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeAlias
from uuid import UUID

import asyncpg

from showup.campaigns import candidates
from showup.campaigns.candidates import BookingSeats, SeatRow
from showup.campaigns.leads_store import SavedLeads
from showup.campaigns.match import AttendeeSeat, FoundMatch, LeadCandidate, Match, find_match
from showup.events.booking import LeadMatched, MatchWithdrawn
from showup.events.manual import ManualEvent
from showup.inbox.manual_store import insert_manual_events
from showup.inbox.name_matches import NamedSeat, find_by_name
from showup.inbox.store import InboxEvent
from showup.pipeline.merges import Identities, identities
from showup.projector import merge_store
from showup.sources.manual.translate import encode
from showup.values.email_address import match_key

ACTOR: Final = "showup"
"""The actor of events that Showup causes by itself."""

_TICK: Final = timedelta(microseconds=1)

_SeatKey: TypeAlias = tuple[UUID, str]


async def store_changes(
    connection: asyncpg.Connection, workspace_id: UUID, booking_ids: Sequence[UUID], now: datetime
) -> list[InboxEvent]:
    """Stores an event for each match of these bookings that is missing, changed or without evidence; returns them."""
    bookings = await candidates.seats_of(connection, booking_ids)
    if not bookings:
        return []
    found = await _find_matches(connection, workspace_id, bookings)
    bodies = []
    for one in bookings:
        at = max([now, *(match.at + _TICK for match in one.matches)])
        bodies += [encode(event, at=at, actor=ACTOR) for event in _changes(one, found)]
    if not bodies:
        return []
    return await insert_manual_events(connection, workspace_id, bodies, actor=ACTOR, received_at=now)


async def bookings_of_leads(connection: asyncpg.Connection, workspace_id: UUID, saved: SavedLeads) -> list[UUID]:
    """Returns the bookings whose matches these leads may change: by an address, or by a name or company."""
    # Of the stored leads, not of the import: a lead may have further addresses that only an earlier import gave.
    keys, name_keys = await candidates.keys_of(connection, workspace_id, saved.lead_ids)
    known = identities((await merge_store.in_force(connection, workspace_id)).values())
    for kind, gone in known.edges:
        names = known.all_names("people", gone) if kind == "people" else ()
        merged_keys = {match_key(name) for name in names}
        if not merged_keys.isdisjoint(keys):
            keys |= merged_keys
    by_address = await candidates.bookings_with_keys(connection, workspace_id, keys)
    by_name = await candidates.bookings_with_name_keys(connection, workspace_id, name_keys | {*saved.earlier_keys})
    return sorted({*by_address, *by_name})


async def _find_matches(
    connection: asyncpg.Connection, workspace_id: UUID, bookings: Sequence[BookingSeats]
) -> dict[_SeatKey, FoundMatch]:
    """Returns the match of each attendee who has one: by address, else by name and company."""
    known = identities((await merge_store.in_force(connection, workspace_id)).values())
    unlinked = [
        (one, row, _addresses(row, known)) for one in bookings for row in one.seats if not _is_linked(one, row.key)
    ]
    keys = {match_key(address) for _, _, addresses in unlinked for address in addresses}
    leads = _by_key(await candidates.of_keys(connection, workspace_id, keys))
    found: dict[_SeatKey, FoundMatch] = {}
    others: list[NamedSeat] = []
    for one, row, addresses in unlinked:
        near = {lead.email: lead for address in addresses for lead in leads.get(match_key(address), ())}
        ruled_out = frozenset(match.lead for match in one.matches if _is_undone(match, row.key))
        match = _match_by_address(row, addresses, near.values(), ruled_out)
        if match is not None:
            found[one.booking_id, row.key] = match
        elif row.may_match_by_name:
            others.append(NamedSeat(booking_id=one.booking_id, row=row, ruled_out=ruled_out))
    return found | await find_by_name(connection, workspace_id, others)


def _addresses(row: SeatRow, known: Identities) -> Sequence[str]:
    """Returns the attendee's address, then those of people who were merged with them; nothing without an address."""
    if row.email is None:
        return ()
    merged = known.all_names("people", row.email) - {row.email} if known.edges else ()
    return (row.email, *merged)


def _match_by_address(
    row: SeatRow, addresses: Sequence[str], leads: Iterable[LeadCandidate], ruled_out: frozenset[str]
) -> FoundMatch | None:
    if not addresses:
        return None
    email, *merged = addresses
    seat = AttendeeSeat(email=email, booked_at=row.booked_at, merged_names=frozenset(merged))
    return find_match(seat, leads, ruled_out)


def _is_undone(match: Match, attendee: str) -> bool:
    return match.attendee == attendee and match.state == "undone"


def _current(booking: BookingSeats, attendee: str) -> Match | None:
    return next((one for one in booking.matches if one.attendee == attendee and one.state == "matched"), None)


def _is_linked(booking: BookingSeats, attendee: str) -> bool:
    """Returns whether a person said which lead the attendee is: no evidence changes that."""
    current = _current(booking, attendee)
    return current is not None and current.method == "manual"


def _by_key(leads: Iterable[LeadCandidate]) -> dict[str, list[LeadCandidate]]:
    by_key: dict[str, list[LeadCandidate]] = {}
    for one in leads:
        for key in {match_key(email) for email in (one.email, *one.other_emails)}:
            by_key.setdefault(key, []).append(one)
    return by_key


def _changes(booking: BookingSeats, found: Mapping[_SeatKey, FoundMatch]) -> list[ManualEvent]:
    events: list[ManualEvent] = []
    for key in (row.key for row in booking.seats if not _is_linked(booking, row.key)):
        current, required = _current(booking, key), found.get((booking.booking_id, key))
        if required is not None and not _is_same(required, current):
            events.append(_matched(booking.name, required))
        elif required is None and current is not None:
            events.append(MatchWithdrawn(subject=booking.name, attendee=key, lead=current.lead))
    return events


def _is_same(found: FoundMatch, current: Match | None) -> bool:
    return current is not None and all(
        getattr(found, name) == getattr(current, name) for name in FoundMatch.__struct_fields__
    )


def _matched(name: str, found: FoundMatch) -> LeadMatched:
    return LeadMatched(
        subject=name,
        attendee=found.attendee,
        lead=found.lead,
        campaign_id=found.campaign_id,
        method=found.method,
        score=found.score,
        evidence=found.evidence,
    )


def chunks(ids: Collection[UUID], size: int) -> Iterable[list[UUID]]:
    """Yields the ids in lists of at most this size."""
    ordered = list(ids)
    for start in range(0, len(ordered), size):
        yield ordered[start : start + size]
