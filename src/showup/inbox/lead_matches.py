"""Matches attendees to leads: finds the matches that current data require, and stores each change as an event.

It runs under the workspace's lock, after bookings changed or leads were imported, and compares with the stored matches.
So the order in which bookings and leads come does not matter. A rebuild replays the events and matches nothing itself.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg

from showup.campaigns import candidates
from showup.campaigns.candidates import BookingSeats
from showup.campaigns.match import AttendeeSeat, FoundMatch, LeadCandidate, Match, find_match
from showup.events.booking import LeadMatched, MatchWithdrawn
from showup.events.manual import ManualEvent
from showup.inbox.manual_store import insert_manual_events
from showup.inbox.store import InboxEvent
from showup.pipeline.merges import Identities, identities
from showup.projector import merge_store
from showup.sources.manual.translate import encode
from showup.values.email_address import match_key

ACTOR: Final = "showup"
"""The actor of events that Showup causes by itself."""

_TICK: Final = timedelta(microseconds=1)


async def store_changes(
    connection: asyncpg.Connection, workspace_id: UUID, booking_ids: Sequence[UUID], now: datetime
) -> list[InboxEvent]:
    """Stores an event for each match of these bookings that is missing, changed or without evidence; returns them."""
    bookings = await candidates.seats_of(connection, booking_ids)
    if not bookings:
        return []
    known = identities((await merge_store.in_force(connection, workspace_id)).values())
    seats = {(one.booking_id, seat.email): seat for one in bookings for seat in _seats(one, known)}
    keys = {match_key(name) for seat in seats.values() for name in (seat.email, *seat.merged_names)}
    leads = _by_key(await candidates.of_keys(connection, workspace_id, keys))
    bodies = []
    for one in bookings:
        at = max([now, *(match.at + _TICK for match in one.matches)])
        bodies += [encode(event, at=at, actor=ACTOR) for event in _changes(one, seats, leads)]
    if not bodies:
        return []
    return await insert_manual_events(connection, workspace_id, bodies, actor=ACTOR, received_at=now)


async def bookings_of_leads(connection: asyncpg.Connection, workspace_id: UUID, emails: Iterable[str]) -> list[UUID]:
    """Returns the bookings that have an attendee with one of these addresses, or with one of the same mailbox."""
    keys = {match_key(email) for email in emails}
    known = identities((await merge_store.in_force(connection, workspace_id)).values())
    for kind, gone in known.edges:
        names = known.all_names("people", gone) if kind == "people" else ()
        merged_keys = {match_key(name) for name in names}
        if not merged_keys.isdisjoint(keys):
            keys |= merged_keys
    return await candidates.bookings_with_keys(connection, workspace_id, keys)


def _seats(booking: BookingSeats, known: Identities) -> list[AttendeeSeat]:
    return [
        AttendeeSeat(
            email=email,
            booked_at=booked_at,
            merged_names=frozenset(known.all_names("people", email) - {email}) if known.edges else frozenset(),
        )
        for email, booked_at in booking.booked_at.items()
    ]


def _by_key(leads: Iterable[LeadCandidate]) -> dict[str, list[LeadCandidate]]:
    by_key: dict[str, list[LeadCandidate]] = {}
    for one in leads:
        for key in {match_key(email) for email in (one.email, *one.other_emails)}:
            by_key.setdefault(key, []).append(one)
    return by_key


def _changes(
    booking: BookingSeats, seats: dict[tuple[UUID, str], AttendeeSeat], leads: dict[str, list[LeadCandidate]]
) -> list[ManualEvent]:
    events: list[ManualEvent] = []
    for email in booking.booked_at:
        own = [one for one in booking.matches if one.attendee == email]
        current = next((one for one in own if one.state == "matched"), None)
        if current is not None and current.method == "manual":
            continue
        seat = seats[booking.booking_id, email]
        keys = {match_key(name) for name in (seat.email, *seat.merged_names)}
        near = {one.email: one for key in keys for one in leads.get(key, ())}
        found = find_match(seat, near.values(), [one.lead for one in own if one.state == "undone"])
        if found is not None and not _is_same(found, current):
            events.append(_matched(booking.name, found))
        elif found is None and current is not None:
            events.append(MatchWithdrawn(subject=booking.name, attendee=email, lead=current.lead))
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
