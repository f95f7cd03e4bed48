"""What a batch changed of deals, for those who listen: each piece of news once, and only while it is fresh (PI13).

No story calls for these deliveries, so none takes them back: a deal that turns out never to have been opened was told
all the same.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg
from msgspec import Struct

from showup.companies import store as companies
from showup.deals.deal import Deal
from showup.deeds import Deed
from showup.deliveries import deal_store
from showup.deliveries.deal_store import DealTold
from showup.deliveries.delivery import Wake
from showup.deliveries.subscribing import Subscription, listening
from showup.events import News
from showup.pipeline import deal_news
from showup.pipeline.advance.deals import Dealt
from showup.pipeline.advance.telling import Told
from showup.pipeline.journal import Entry
from showup.pipeline.rules import RuleBook
from showup.pipeline.telling import is_fresh

_WORTH_TELLING_FOR: Final = timedelta(days=7)


class Fresh(Struct, frozen=True):
    """News of this batch that is told: when it happened, and when we heard of it."""

    source_at: datetime
    received_at: datetime


def fresh(told: Sequence[Told], deeds: Sequence[Deed], rules: RuleBook) -> Mapping[UUID, Fresh]:
    """The events of the batch that are told to the outside: what people do always is, but to a simulated booking."""
    news = {
        item.event_id: Fresh(item.source_at, item.received_at)
        for one in told
        for item in one.group.news
        if not _is_simulated(one, item) and is_fresh(item, rules.at(item.source_at))
    }
    return news | {deed.event_id: Fresh(deed.source_at, deed.source_at) for deed in deeds}


def _is_simulated(told: Told, item: News) -> bool:
    # A simulation comes through the door like any other: only the booking says that it is none.
    return item.simulated or (told.story.booking is not None and told.story.booking.simulated)


async def tell_deals(
    connection: asyncpg.Connection,
    workspace_id: UUID,
    dealt: Dealt,
    fresh_events: Mapping[UUID, Fresh],
    subscriptions: Sequence[Subscription],
) -> list[Wake]:
    """Writes what the deals' new lines tell, for whoever listens; when somebody must look at it."""
    found = [
        (entry, state)
        for entry, state in zip(dealt.entries, dealt.states, strict=True)
        if entry.line.event_id in fresh_events
    ]
    wanted = [
        (entry, state, kind, destinations)
        for entry, state in found
        for kind in deal_news.kinds(entry.line)
        if (destinations := listening(subscriptions, kind, fresh_events[entry.line.event_id].received_at))
    ]
    if not wanted:
        return []
    names = await companies.named(connection, {entry.company_id for entry, *_ in wanted if entry.company_id})
    rows = [
        _told(destination, kind, entry, state, fresh_events[entry.line.event_id], names)
        for entry, state, kind, destinations in wanted
        for destination in destinations
    ]
    return await deal_store.add(connection, workspace_id, rows)


def _told(
    destination: str,
    kind: str,
    entry: Entry,
    state: Deal,
    event: Fresh,
    names: Mapping[UUID, dict[str, str | None]],
) -> DealTold:
    assert entry.company_id is not None, "a deal is a company's"
    return DealTold(
        destination=destination,
        kind=kind,
        deal_id=state.id,
        event_id=entry.line.event_id,
        decided_at=event.received_at,
        expires_at=event.source_at + _WORTH_TELLING_FOR,
        details=deal_news.details(entry.line, state, names[entry.company_id]),
    )
