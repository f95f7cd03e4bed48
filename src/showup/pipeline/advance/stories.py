"""Which bookings a batch of news is about: news that shares a name is one story, and so is whatever it links.

Looked up once for the whole batch: the bookings that have these names, what waited for them, and what was told of them
before.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol
from uuid import UUID

import asyncpg
from msgspec import Struct
from msgspec.structs import replace

from showup.bookings import store as bookings
from showup.bookings.booking import Name
from showup.events import News, SeatMoved, departure, further_names, names, order_key
from showup.pipeline.decide import founds


class Log(Protocol):
    """Where the news of the past is kept; the inbox is one."""

    async def of_bookings(self, connection: asyncpg.Connection, booking_ids: Iterable[UUID]) -> dict[UUID, list[News]]:
        """All news that was settled with these bookings."""

    async def of_names(self, connection: asyncpg.Connection, wanted: Iterable[Name]) -> list[tuple[Name, News]]:
        """News that waits under one of these names, or concerns it beside its own booking."""


class Group(Struct, kw_only=True):
    """The news of one story. `booking_id` is None while nothing in it can found a booking: it waits.

    `merged` are the bookings that turn out to be this one.
    """

    booking_id: UUID | None
    account_id: UUID
    news: list[News]
    history: list[News] = []
    merged: list[UUID] = []
    names: set[Name] = set()


async def gather(connection: asyncpg.Connection, log: Log, news: Sequence[News]) -> list[Group]:
    """The stories that the batch touches, with all their news."""
    together = _Together()
    batch = list(news)
    departures: list[tuple[Name, News]] = []
    known: dict[Name, UUID] = {}
    asked: set[Name] = set()
    fresh: Sequence[News] = batch
    while fresh:
        departures += [gone for item in fresh if (gone := _departure(item)) is not None]
        asking = _names_of(fresh) | {name for name, _ in departures}
        known |= await bookings.names_beside(connection, asking - asked)
        asking |= known.keys() | {(one.account_id, name) for one in fresh for name in further_names(one.event)}
        found = await log.of_names(connection, asking - asked)
        asked |= asking
        have = {item.event_id for item in batch}
        departures += [(name, left) for name, item in found if (left := _leaving(name, item)) is not None]
        fresh = list(
            {one.event_id: one for name, one in found if one.event_id not in have and not _is_echo(name, one)}.values()
        )
        batch += fresh
    together.join_all(batch, known)
    groups = _groups(together, batch, departures, known)
    return await _with_history(connection, log, groups)


def _names_of(news: Iterable[News]) -> set[Name]:
    return {(item.account_id, name) for item in news for name in names(item.event)}


def _departure(item: News) -> tuple[Name, News] | None:
    if not isinstance(item.event, SeatMoved):
        return None
    left = departure(item.event)
    digest = bytes.fromhex(item.order_key.rpartition(".")[2])
    key = order_key(item.source_at, left, digest)
    return (item.account_id, names(left)[0]), replace(item, event=left, order_key=key)


def _leaving(name: Name, item: News) -> News | None:
    """What news found under a further name means there: a seat that was left, or nothing special."""
    gone = _departure(item)
    return gone[1] if gone is not None and gone[0] == name else None


def _is_echo(name: Name, item: News) -> bool:
    return _leaving(name, item) is not None


class _Together:
    """Names that turn out to mean the same booking (a disjoint-set forest)."""

    def __init__(self) -> None:
        self._parent: dict[object, object] = {}

    def root(self, node: object) -> object:
        parent = self._parent.setdefault(node, node)
        while parent != node:
            self._parent[node] = self._parent[parent]
            node, parent = parent, self._parent[parent]
        return node

    def join(self, one: object, other: object) -> None:
        self._parent[self.root(one)] = self.root(other)

    def join_all(self, news: Sequence[News], known: Mapping[Name, UUID]) -> None:
        numbered: dict[Name, Name] = {}
        for item in news:
            first, *linked = ((item.account_id, name) for name in names(item.event))
            for other in linked:
                self.join(first, other)
            for number in further_names(item.event):
                # News that is known by its number alone waits to be joined; it is nothing to join.
                if (item.account_id, number) != first:
                    numbered.setdefault((item.account_id, number), first)
        for name, booking_id in known.items():
            self.join(name, booking_id)
        for item in news:
            name = (item.account_id, names(item.event)[0])
            if name not in known and name in numbered:
                self.join(name, numbered[name])


def _groups(
    together: _Together,
    batch: Sequence[News],
    departures: Sequence[tuple[Name, News]],
    known: Mapping[Name, UUID],
) -> list[Group]:
    by_root: dict[object, list[News]] = defaultdict(list)
    ids: dict[object, set[UUID]] = defaultdict(set)
    for booking_id in known.values():
        ids[together.root(booking_id)].add(booking_id)
    for item in batch:
        by_root[together.root((item.account_id, names(item.event)[0]))].append(item)
    for name, gone in departures:
        root = together.root(name)
        if root in by_root or root in ids:
            by_root[root].append(gone)
    return [_group(news, sorted(ids.get(root, ()))) for root, news in by_root.items()]


def _group(news: list[News], standing: list[UUID]) -> Group:
    founding = next((item.event_id for item in news if founds(item.event)), None)
    return Group(
        # A booking's id is that of the event that first brought it; of two that are one, the earlier stays.
        booking_id=standing[0] if standing else founding,
        account_id=news[0].account_id,
        news=news,
        merged=standing[1:],
        names={(item.account_id, name) for item in news for name in (*names(item.event), *further_names(item.event))},
    )


async def _with_history(connection: asyncpg.Connection, log: Log, groups: list[Group]) -> list[Group]:
    ids = [one for group in groups for one in (group.booking_id, *group.merged) if one is not None]
    history = await log.of_bookings(connection, ids)
    for group in groups:
        if group.booking_id is not None:
            new = {item.event_id for item in group.news}
            told = [item for one in (group.booking_id, *group.merged) for item in history.get(one, ())]
            group.history = [item for item in told if item.event_id not in new]
    return groups
