"""Raw events read as news and deeds: what reached us in our own words, with its place in source order."""

from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from typing import TypeAlias
from uuid import UUID

import asyncpg

from showup.deeds import Act, Deed
from showup.deliveries.chosen import RecordChosen
from showup.deliveries.feedback import Feedback
from showup.events import News, order_key
from showup.inbox import store
from showup.inbox.raw_event import BY_HAND, FROM_RESEND
from showup.inbox.store import RawEvent
from showup.sources.calcom.translate import Ignored, Translated, Translation, Unreadable
from showup.sources.calcom.translate import translate as from_calcom
from showup.sources.hand.translate import Done, Garbled
from showup.sources.hand.translate import translate as by_hand
from showup.sources.resend import translate as resend

Said: TypeAlias = Translation | Done | Feedback

# A story is read again with each of its news, and most of those come within hours; some 7 KB each.
_REMEMBERED = 8_192


@lru_cache(maxsize=_REMEMBERED)
def read(raw: RawEvent) -> tuple[Said, News | Deed | None]:
    """What the raw event says, and the news or deed that it is; None where it is neither.

    A body that does not say when it happened happened when it arrived: that time is in the log too, so the same story
    is told every time.
    """
    if raw.origin == BY_HAND:
        return _done(raw)
    if raw.origin == FROM_RESEND:
        return _of_a_mail(raw), None
    said = from_calcom(raw.body)
    if not isinstance(said, Translated):
        return said, None
    source_at = said.source_at or raw.received_at
    news = News(
        event_id=raw.id,
        account_id=raw.account_id,
        event=said.event,
        source_at=source_at,
        # What was run again is heard of anew: it may be too late by now to tell anybody (PI13).
        received_at=raw.replayed_at or raw.received_at,
        order_key=order_key(source_at, said.event, raw.digest),
        actor="calcom",
        simulated=raw.origin == "sample",
        untold=raw.origin == "backfill",
    )
    return said, news


def _done(raw: RawEvent) -> tuple[Said, News | Deed | None]:
    said = by_hand(raw.body)
    if isinstance(said, Garbled):
        return Unreadable(because=said.because), None
    if isinstance(said.means, RecordChosen):
        return said, None
    at, actor = said.command.at, said.command.actor
    key = order_key(at, said.means, raw.digest)
    if isinstance(said.means, Act):
        return said, Deed(event_id=raw.id, act=said.means, source_at=at, order_key=key, actor=actor)
    news = News(
        event_id=raw.id,
        account_id=None,
        event=said.means,
        source_at=at,
        received_at=raw.received_at,
        order_key=key,
        actor=actor,
    )
    return said, news


def _of_a_mail(raw: RawEvent) -> Said:
    match resend.translate(raw.body, raw.received_at):
        case resend.Unheeded(because=because, trigger=trigger):
            return Ignored(because=because, trigger=trigger)
        case resend.Garbled(because=because, trigger=unread):
            return Unreadable(because=because, trigger=unread)
        case feedback:
            return feedback


class Log:
    """The log as the pipeline looks into it: what is past, by booking and by name."""

    async def of_bookings(self, connection: asyncpg.Connection, booking_ids: Iterable[UUID]) -> dict[UUID, list[News]]:
        """All news that was settled with these bookings."""
        found: dict[UUID, list[News]] = defaultdict(list)
        for booking_id, raw in await store.of_bookings(connection, booking_ids):
            _, news = read(raw)
            if isinstance(news, News):
                found[booking_id].append(news)
        return found

    async def of_names(
        self, connection: asyncpg.Connection, workspace_id: UUID, wanted: Iterable[str]
    ) -> list[tuple[str, News]]:
        """News that waits under one of these names, or concerns it beside its own booking."""
        rows = [(ref, read(raw)[1]) for ref, raw in await store.of_names(connection, workspace_id, list(wanted))]
        return [(name, news) for name, news in rows if isinstance(news, News)]

    async def of_deeds(self, connection: asyncpg.Connection, workspace_id: UUID, wanted: Iterable[str]) -> list[Deed]:
        """What people did, and can be found under these names."""
        names = list(wanted)
        rows = await store.of_names(connection, workspace_id, names) if names else []
        deeds = [read(raw)[1] for _, raw in rows]
        return [deed for deed in deeds if isinstance(deed, Deed)]

    async def in_feed_order(self, connection: asyncpg.Connection, event_ids: Iterable[UUID]) -> list[UUID]:
        """These events, the one that was applied first at the head."""
        return await store.in_feed_order(connection, list(event_ids))
