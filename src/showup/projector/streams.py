"""Group a batch's events into event streams, one per booking: events that share or link a name belong together.

One lookup for the whole batch loads the bookings with these names, the waiting events, and the earlier events.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol
from uuid import UUID

import asyncpg
from msgspec import Struct
from msgspec.structs import replace

from showup.bookings import store as bookings
from showup.events.booking import SeatMoved, alternate_booking_names, booking_names, seat_left_event
from showup.events.envelope import AnyRecord, BookingRecord, is_booking_record, order_key
from showup.pipeline.decide import can_create_booking


class EventLog(Protocol):
    """Source of past events; the inbox implements it."""

    async def of_bookings(
        self, connection: asyncpg.Connection, booking_ids: Iterable[UUID]
    ) -> dict[UUID, list[BookingRecord]]:
        """Return all events that were processed with these bookings."""

    async def of_names(
        self, connection: asyncpg.Connection, workspace_id: UUID, names: Iterable[str]
    ) -> list[tuple[str, AnyRecord]]:
        """Return events that have, or wait under, one of these names, or concern it besides their own booking."""

    async def in_feed_order(self, connection: asyncpg.Connection, event_ids: Iterable[UUID]) -> list[UUID]:
        """Return these events in the order they were first applied."""


class ReplayRequest(Struct, frozen=True, kw_only=True):
    """Bookings to replay without a new event.

    `is_complete`: the request covers all bookings, so stored data of people and companies must not be trusted.
    """

    booking_ids: frozenset[UUID] = frozenset()
    is_complete: bool = False


# No rules changed.
NO_REPLAY = ReplayRequest()


class EventStream(Struct, kw_only=True):
    """The events of one booking. `booking_id` is None while no event can create the booking: it waits.

    `merged` are bookings that turn out to be this one. `won_numbers` are names that another booking may have had.
    `is_unlogged`: the booking is stored, and the log has no event that could have created it, as after a log was lost:
    its events wait, and what is stored stays. `has_lost_events`: another booking got some of its events, so stored data
    may still contain details from them.
    """

    booking_id: UUID | None
    records: list[BookingRecord]
    history: list[BookingRecord] = []
    merged: list[UUID] = []
    names: set[str] = set()
    won_numbers: set[str] = set()
    has_lost_events: bool = False
    is_unlogged: bool = False


async def load_streams(
    connection: asyncpg.Connection,
    workspace_id: UUID,
    log: EventLog,
    records: Sequence[BookingRecord],
    replay_booking_ids: Iterable[UUID] = (),
) -> list[EventStream]:
    """Load the workspace's event streams that the batch touches, and those of the bookings to replay."""
    batch = list(records)
    departures: dict[tuple[str, UUID], BookingRecord] = {}
    known: dict[str, UUID] = {}
    looked_up: set[str] = set()
    new_records: Sequence[BookingRecord] = batch
    while new_records:
        departures |= {
            (departed[0], record.event_id): departed[1]
            for record in new_records
            if (departed := _departure(record)) is not None
        }
        lookup = {name for record in new_records for name in _record_names(record)} | {name for name, _ in departures}
        known |= await bookings.sibling_names(connection, workspace_id, lookup - looked_up)
        lookup |= known.keys() | {name for record in new_records for name in _alternate_names(record)}
        found = _booking_records(await log.of_names(connection, workspace_id, lookup - looked_up))
        looked_up |= lookup
        departures |= {
            (name, one.event_id): left_seat for name, one in found if (left_seat := _left_seat(name, one)) is not None
        }
        batch_ids = {record.event_id for record in batch}
        joined = {one.event_id: one for name, one in found if _left_seat(name, one) is None}
        new_records = [one for event_id, one in joined.items() if event_id not in batch_ids]
        batch += new_records
    streams = _build_streams(batch, [(name, departed) for (name, _), departed in departures.items()], known)
    await _order_merged(connection, log, streams)
    loaded_ids = {one for stream in streams for one in (stream.booking_id, *stream.merged)}
    replayed = [EventStream(booking_id=one, records=[]) for one in sorted(set(replay_booking_ids) - loaded_ids)]
    streams = await _with_history(connection, log, [*streams, *replayed])
    await _add_departures(connection, workspace_id, log, [one for one in replayed if not one.is_unlogged])
    return streams


async def _add_departures(
    connection: asyncpg.Connection, workspace_id: UUID, log: EventLog, streams: Sequence[EventStream]
) -> None:
    """Add events about seats left for another booking: they were processed there and belong to this stream too."""
    if not streams:
        return
    by_id = {stream.booking_id: stream for stream in streams if stream.booking_id is not None}
    refs = await bookings.names_of(connection, by_id)
    for name, record in _booking_records(await log.of_names(connection, workspace_id, refs)):
        left_seat = _left_seat(name, record)
        if left_seat is not None:
            by_id[refs[name]].history.append(left_seat)


def _booking_records(found: Iterable[tuple[str, AnyRecord]]) -> list[tuple[str, BookingRecord]]:
    return [(name, record) for name, record in found if is_booking_record(record)]


def _record_names(record: BookingRecord) -> tuple[str, ...]:
    return booking_names(record.event, record.account_id)


def _alternate_names(record: BookingRecord) -> tuple[str, ...]:
    return alternate_booking_names(record.event, record.account_id)


def _departure(record: BookingRecord) -> tuple[str, BookingRecord] | None:
    if not isinstance(record.event, SeatMoved):
        return None
    left_seat = seat_left_event(record.event)
    digest = bytes.fromhex(record.order_key.rpartition(".")[2])
    key = order_key(record.source_at, left_seat, digest)
    return booking_names(left_seat, record.account_id)[0], replace(record, event=left_seat, order_key=key)


def _left_seat(name: str, record: BookingRecord) -> BookingRecord | None:
    """Return what an event means under an alternate name: a seat that was left, or None."""
    departed = _departure(record)
    return departed[1] if departed is not None and departed[0] == name else None


class _DisjointSets:
    """Names that turn out to mean the same booking (a disjoint-set forest)."""

    def __init__(self) -> None:
        self._parent: dict[object, object] = {}

    def find(self, node: object) -> object:
        parent = self._parent.setdefault(node, node)
        while parent != node:
            self._parent[node] = self._parent[parent]
            node, parent = parent, self._parent[parent]
        return node

    def union(self, one: object, other: object) -> None:
        self._parent[self.find(one)] = self.find(other)

    def union_records(self, records: Sequence[BookingRecord], known: Mapping[str, UUID]) -> None:
        numbered: dict[str, str] = {}
        for record in records:
            first, *linked = _record_names(record)
            for other in linked:
                self.union(first, other)
            for number in _alternate_names(record):
                # An event known only by its number waits to be joined; it joins nothing itself.
                if number != first:
                    numbered.setdefault(number, first)
        for name, booking_id in known.items():
            self.union(name, booking_id)
        for record in records:
            name = _record_names(record)[0]
            if name not in known and name in numbered:
                self.union(name, numbered[name])


def _build_streams(
    batch: Sequence[BookingRecord], departures: Sequence[tuple[str, BookingRecord]], known: Mapping[str, UUID]
) -> list[EventStream]:
    sets = _DisjointSets()
    sets.union_records(batch, known)
    by_root: dict[object, list[BookingRecord]] = defaultdict(list)
    ids: dict[object, set[UUID]] = defaultdict(set)
    for booking_id in known.values():
        ids[sets.find(booking_id)].add(booking_id)
    for record in batch:
        by_root[sets.find(_record_names(record)[0])].append(record)
    for name, departed in departures:
        root = sets.find(name)
        if root in by_root or root in ids:
            by_root[root].append(departed)
    return [_build_stream(records, sorted(ids.get(root, ()))) for root, records in by_root.items()]


def _build_stream(records: list[BookingRecord], booking_ids: list[UUID]) -> EventStream:
    creating_id = next((record.event_id for record in records if can_create_booking(record.event)), None)
    return EventStream(
        # A booking's id is the id of the first event in the feed that can create it.
        booking_id=booking_ids[0] if booking_ids else creating_id,
        records=records,
        merged=booking_ids[1:],
        names={name for record in records for name in (*_record_names(record), *_alternate_names(record))},
    )


async def _order_merged(connection: asyncpg.Connection, log: EventLog, streams: list[EventStream]) -> None:
    """Order merged bookings: the one that came first in the feed remains."""
    for stream in streams:
        if stream.booking_id is not None and stream.merged:
            stream.booking_id, *stream.merged = await log.in_feed_order(connection, [stream.booking_id, *stream.merged])


async def _with_history(connection: asyncpg.Connection, log: EventLog, streams: list[EventStream]) -> list[EventStream]:
    ids = [one for stream in streams for one in (stream.booking_id, *stream.merged) if one is not None]
    history = await log.of_bookings(connection, ids)
    for stream in streams:
        if stream.booking_id is not None:
            new = {record.event_id for record in stream.records}
            records = [record for one in (stream.booking_id, *stream.merged) for record in history.get(one, ())]
            stream.history = [record for record in records if record.event_id not in new]
            if not stream.merged and not records and not any(can_create_booking(one.event) for one in stream.records):
                stream.booking_id, stream.is_unlogged = None, True
    # Without an event there is nothing to replay.
    return [stream for stream in streams if stream.records or not stream.is_unlogged]
