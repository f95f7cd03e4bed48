"""Translates inbox events into event records, with their place in source order."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Final
from uuid import UUID

import asyncpg
from msgspec.structs import replace

from showup.events.envelope import (
    SIMULATED_ORIGINS,
    AnyRecord,
    BookingRecord,
    EventRecord,
    is_booking_record,
    order_key,
)
from showup.events.translation import Translated, Translation
from showup.inbox import store
from showup.inbox.inbox_event import Source
from showup.inbox.long_texts import shorten_texts
from showup.inbox.store import InboxEvent
from showup.sources.calcom.translate import translate as translate_calcom
from showup.sources.emailbison.translate import translate as translate_emailbison
from showup.sources.manual.translate import translate as translate_manual
from showup.sources.resend.translate import translate as translate_resend

_TRANSLATORS: Final[Mapping[Source, Callable[[bytes], Translation]]] = {
    "calcom": translate_calcom,
    "manual": translate_manual,
    "resend": translate_resend,
    "emailbison": translate_emailbison,
}

# A history is read again with each of its events, and most of them come within hours; some 7 KB each. Larger bodies are
# translated each time: thousands of them would fill the memory.
_CACHE_SIZE: Final = 8_192
_LARGEST_CACHED_BYTES: Final = 24 * 1024


def translate_event(event: InboxEvent) -> tuple[Translation, AnyRecord | None]:
    """Returns the inbox event's content and its event record; None if it is ignored or unreadable.

    An event that does not say when it happened happened when it arrived: the log has that time too, so every replay
    gives the same history.
    """
    return _translate_and_cache(event) if len(event.body) <= _LARGEST_CACHED_BYTES else _translate(event)


@lru_cache(maxsize=_CACHE_SIZE)
def _translate_and_cache(event: InboxEvent) -> tuple[Translation, AnyRecord | None]:
    return _translate(event)


def _translate(event: InboxEvent) -> tuple[Translation, AnyRecord | None]:
    content = _TRANSLATORS[event.source](event.body)
    if not isinstance(content, Translated):
        return content, None
    if event.source != "manual" and len(event.body) > _LARGEST_CACHED_BYTES:
        content = replace(content, event=shorten_texts(content.event))
    source_at = content.source_at or event.received_at
    record = EventRecord(
        event_id=event.id,
        account_id=event.account_id,
        event=content.event,
        source_at=source_at,
        # An event that was processed again counts as received then: it may be too late to notify anyone (PI13).
        received_at=event.replayed_at or event.received_at,
        order_key=order_key(source_at, content.event, event.order_digest or event.digest),
        actor=content.actor,
        simulated=event.origin in SIMULATED_ORIGINS,
        is_history=event.origin == "backfill",
    )
    return content, record


class InboxLog:
    """The log as the projection reads it: past events, by booking and by name."""

    async def of_bookings(
        self, connection: asyncpg.Connection, booking_ids: Iterable[UUID]
    ) -> dict[UUID, list[BookingRecord]]:
        """Returns all event records of these bookings."""
        histories: dict[UUID, list[BookingRecord]] = defaultdict(list)
        async for booking_id, event in store.of_bookings(connection, booking_ids):
            _, record = translate_event(event)
            if record is not None and is_booking_record(record):
                histories[booking_id].append(record)
        return histories

    async def of_names(
        self, connection: asyncpg.Connection, workspace_id: UUID, names: Iterable[str]
    ) -> list[tuple[str, AnyRecord]]:
        """Returns event records that have, or wait under, one of these names beside their own booking."""
        name_list = list(names)
        if not name_list:
            return []
        records = [
            (ref, translate_event(event)[1]) async for ref, event in store.of_names(connection, workspace_id, name_list)
        ]
        return [(name, record) for name, record in records if record is not None]

    async def in_feed_order(self, connection: asyncpg.Connection, event_ids: Iterable[UUID]) -> list[UUID]:
        """Returns these events; the one that was applied first comes first."""
        return await store.in_feed_order(connection, list(event_ids))
