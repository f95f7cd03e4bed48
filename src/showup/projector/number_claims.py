"""Decide which booking a number of Cal.com means if events of several bookings state it.

Numbers are unique within one Cal.com instance, so two uids with one number in one account come from a relay of several
instances, or from a hostile sender. The booking whose event stated the number first, in source order, keeps it. Events
that name a booking by its number only belong to that booking, so a later sender can't take them away.
"""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

import asyncpg

from showup.bookings import store as bookings
from showup.events.booking import alternate_booking_names, booking_names
from showup.events.envelope import BookingRecord
from showup.events.manual import ManualBookingEvent
from showup.pipeline.decide import can_create_booking
from showup.projector.streams import EventLog, EventStream, load_streams


async def resolve_numbers(
    connection: asyncpg.Connection, workspace_id: UUID, log: EventLog, streams: list[EventStream]
) -> list[EventStream]:
    """Return the streams with each event by number in the right one, and those of the bookings that lose a number."""
    claims = _claims(streams)
    holders = await bookings.ids_by_name(connection, workspace_id, claims.keys())
    contested = {number for number, ids in claims.items() if len(ids | _holder(holders.get(number), streams)) > 1}
    if not contested:
        return streams
    loaded = {one for stream in streams for one in (stream.booking_id, *stream.merged)}
    rivals = {holders[number] for number in contested if number in holders} - loaded
    streams = [*streams, *await load_streams(connection, workspace_id, log, [], rivals)]
    for number in sorted(contested):
        owner = _give_to_first(number, streams)
        for emptied in [one for one in streams if one.booking_id is not None and not _can_exist(one)]:
            await _merge(connection, log, emptied, owner)
            streams.remove(emptied)
    return streams


def _claims(streams: Iterable[EventStream]) -> dict[str, set[UUID]]:
    """Return, for each number that the new events state, the bookings that they are about."""
    claims: dict[str, set[UUID]] = {}
    for stream in streams:
        if stream.booking_id is not None:
            for number in _first_stated(stream.records):
                claims.setdefault(number, set()).add(stream.booking_id)
    return claims


def _holder(holder: UUID | None, streams: Iterable[EventStream]) -> set[UUID]:
    """Return the current id of the booking that has the number."""
    if holder is None:
        return set()
    merged = {merged_id: stream.booking_id for stream in streams for merged_id in stream.merged}
    return {merged.get(holder) or holder}


def _first_stated(records: Iterable[BookingRecord]) -> Mapping[str, str]:
    """Return the order key of the first of these events that states a number beside a uid, by number."""
    first: dict[str, str] = {}
    for record in records:
        if record.event.booking.uid is not None:
            for number in alternate_booking_names(record.event, record.account_id):
                first[number] = min(record.order_key, first.get(number, record.order_key))
    return first


def _can_exist(stream: EventStream) -> bool:
    return any(can_create_booking(record.event) for record in (*stream.history, *stream.records))


async def _merge(connection: asyncpg.Connection, log: EventLog, emptied: EventStream, owner: EventStream) -> None:
    """Merge a booking that only events by number had created; the one that came first in the feed remains."""
    assert emptied.booking_id is not None, "only a booking is merged"
    assert owner.booking_id is not None, "only a booking has a number"
    ids = [owner.booking_id, *owner.merged, emptied.booking_id, *emptied.merged]
    in_order = await log.in_feed_order(connection, ids)
    stored = await bookings.load_rows(connection, ids)
    owner.booking_id = next((one for one in in_order if one in stored), in_order[0])
    owner.merged = [one for one in in_order if one in stored and one != owner.booking_id]
    owner.records += emptied.records
    owner.history += emptied.history
    owner.names |= emptied.names
    owner.has_lost_events |= emptied.has_lost_events


def _give_to_first(number: str, streams: Sequence[EventStream]) -> EventStream:
    """Move the events by this number to the booking that stated it first, and return that booking's stream."""
    keys = {
        index: key
        for index, stream in enumerate(streams)
        if stream.booking_id is not None
        and (key := _first_stated([*stream.history, *stream.records]).get(number)) is not None
    }
    owner = streams[min(keys, key=lambda index: keys[index])]
    for stream in streams:
        if stream is not owner:
            owner.records += [record for record in stream.records if _is_named_by(record, number)]
            owner.history += [record for record in stream.history if _is_named_by(record, number)]
            stream.records = [record for record in stream.records if not _is_named_by(record, number)]
            remaining = [record for record in stream.history if not _is_named_by(record, number)]
            stream.has_lost_events |= len(remaining) < len(stream.history)
            stream.history = remaining
            stream.names.discard(number)
    owner.names.add(number)
    owner.won_numbers.add(number)
    return owner


def _is_named_by(record: BookingRecord, number: str) -> bool:
    return not isinstance(record.event, ManualBookingEvent) and booking_names(record.event, record.account_id) == (
        number,
    )
