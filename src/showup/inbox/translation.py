"""Translates inbox events into event records and manual events, with their place in source order."""

from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from typing import TypeAlias
from uuid import UUID

import asyncpg

from showup.deliveries.feedback import Feedback
from showup.deliveries.record_chosen import RecordChosen
from showup.events import EventRecord, order_key
from showup.inbox import store
from showup.inbox.inbox_event import FROM_RESEND, MANUAL
from showup.inbox.store import InboxEvent
from showup.manual_events import ManualEvent, ManualEventRecord
from showup.sources.calcom.translate import Ignored, Translated, Translation, Unreadable
from showup.sources.calcom.translate import translate as translate_calcom
from showup.sources.manual.translate import TranslatedCommand, UnreadableCommand
from showup.sources.manual.translate import translate as translate_manual
from showup.sources.resend import translate as resend

EventContent: TypeAlias = Translation | TranslatedCommand | Feedback

# A history is read again with each of its events, and most of them come within hours; some 7 KB each.
_CACHE_SIZE = 8_192


@lru_cache(maxsize=_CACHE_SIZE)
def translate_event(event: InboxEvent) -> tuple[EventContent, EventRecord | ManualEventRecord | None]:
    """Returns the inbox event's content, and its event record or manual event; None where it is neither.

    An event that does not say when it happened happened when it arrived: the log has that time too, so every replay
    gives the same history.
    """
    if event.origin == MANUAL:
        return _translate_manual_event(event)
    if event.origin == FROM_RESEND:
        return _translate_feedback(event), None
    content = translate_calcom(event.body)
    if not isinstance(content, Translated):
        return content, None
    source_at = content.source_at or event.received_at
    record = EventRecord(
        event_id=event.id,
        account_id=event.account_id,
        event=content.event,
        source_at=source_at,
        # An event that was processed again counts as received then: it may be too late to notify anyone (PI13).
        received_at=event.replayed_at or event.received_at,
        order_key=order_key(source_at, content.event, event.digest),
        actor="calcom",
        simulated=event.origin == "sample",
        is_history=event.origin == "backfill",
    )
    return content, record


def _translate_manual_event(event: InboxEvent) -> tuple[EventContent, EventRecord | ManualEventRecord | None]:
    translated = translate_manual(event.body)
    if isinstance(translated, UnreadableCommand):
        return Unreadable(because=translated.because), None
    if isinstance(translated.meaning, RecordChosen):
        return translated, None
    source_at, actor = translated.command.at, translated.command.actor
    key = order_key(source_at, translated.meaning, event.digest)
    if isinstance(translated.meaning, ManualEvent):
        return translated, ManualEventRecord(
            event_id=event.id, event=translated.meaning, source_at=source_at, order_key=key, actor=actor
        )
    record = EventRecord(
        event_id=event.id,
        account_id=None,
        event=translated.meaning,
        source_at=source_at,
        received_at=event.received_at,
        order_key=key,
        actor=actor,
    )
    return translated, record


def _translate_feedback(event: InboxEvent) -> EventContent:
    match resend.translate(event.body, event.received_at):
        case resend.IgnoredResendEvent(because=because, trigger=trigger):
            return Ignored(because=because, trigger=trigger)
        case resend.UnreadableResendEvent(because=because, trigger=unread):
            return Unreadable(because=because, trigger=unread)
        case feedback:
            return feedback


class InboxLog:
    """The log as the projection reads it: past events, by booking and by name."""

    async def of_bookings(
        self, connection: asyncpg.Connection, booking_ids: Iterable[UUID]
    ) -> dict[UUID, list[EventRecord]]:
        """Returns all event records of these bookings."""
        histories: dict[UUID, list[EventRecord]] = defaultdict(list)
        for booking_id, event in await store.of_bookings(connection, booking_ids):
            _, record = translate_event(event)
            if isinstance(record, EventRecord):
                histories[booking_id].append(record)
        return histories

    async def of_names(
        self, connection: asyncpg.Connection, workspace_id: UUID, names: Iterable[str]
    ) -> list[tuple[str, EventRecord]]:
        """Returns event records that wait under one of these names, or concern it beside their own booking."""
        rows = [
            (ref, translate_event(event)[1])
            for ref, event in await store.of_names(connection, workspace_id, list(names))
        ]
        return [(name, record) for name, record in rows if isinstance(record, EventRecord)]

    async def of_manual_events(
        self, connection: asyncpg.Connection, workspace_id: UUID, names: Iterable[str]
    ) -> list[ManualEventRecord]:
        """Returns the manual events with these names."""
        name_list = list(names)
        rows = await store.of_names(connection, workspace_id, name_list) if name_list else []
        records = [translate_event(event)[1] for _, event in rows]
        return [record for record in records if isinstance(record, ManualEventRecord)]

    async def in_feed_order(self, connection: asyncpg.Connection, event_ids: Iterable[UUID]) -> list[UUID]:
        """Returns these events; the one that was applied first comes first."""
        return await store.in_feed_order(connection, list(event_ids))
