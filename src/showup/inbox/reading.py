"""Raw events read as news: Cal.com's bytes in our own words, with their place in source order."""

from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

import asyncpg

from showup.events import News, order_key
from showup.inbox import store
from showup.inbox.store import RawEvent
from showup.sources.calcom.translate import Translated, Translation, translate


def read(raw: RawEvent) -> tuple[Translation, News | None]:
    """What the raw event says, and the news it is; None where it is none.

    A body that does not say when it happened happened when it arrived: that time is in the log too, so the same story
    is told every time.
    """
    said = translate(raw.body)
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
    )
    return said, news


class Log:
    """The log as the pipeline looks into it: the news of the past, by booking and by name."""

    async def of_bookings(self, connection: asyncpg.Connection, booking_ids: Iterable[UUID]) -> dict[UUID, list[News]]:
        """All news that was settled with these bookings."""
        found: dict[UUID, list[News]] = defaultdict(list)
        for booking_id, raw in await store.of_bookings(connection, booking_ids):
            _, news = read(raw)
            if news is not None:
                found[booking_id].append(news)
        return found

    async def of_names(
        self, connection: asyncpg.Connection, workspace_id: UUID, wanted: Iterable[str]
    ) -> list[tuple[str, News]]:
        """News that waits under one of these names, or concerns it beside its own booking."""
        rows = [(ref, read(raw)[1]) for ref, raw in await store.of_names(connection, workspace_id, list(wanted))]
        return [(name, news) for name, news in rows if news is not None]
