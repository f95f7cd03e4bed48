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
from showup.deeds import Deed
from showup.events import News, SeatMoved, departure, further_names, names, order_key
from showup.pipeline.decide import founds


class Log(Protocol):
    """Where the news of the past is kept; the inbox is one."""

    async def of_bookings(self, connection: asyncpg.Connection, booking_ids: Iterable[UUID]) -> dict[UUID, list[News]]:
        """All news that was settled with these bookings."""

    async def of_names(
        self, connection: asyncpg.Connection, workspace_id: UUID, wanted: Iterable[str]
    ) -> list[tuple[str, News]]:
        """News that waits under one of these names, or concerns it beside its own booking."""

    async def in_feed_order(self, connection: asyncpg.Connection, event_ids: Iterable[UUID]) -> list[UUID]:
        """These events, the one that was applied first at the head."""

    async def of_deeds(self, connection: asyncpg.Connection, workspace_id: UUID, wanted: Iterable[str]) -> list[Deed]:
        """What people did, and can be found under these names."""


class Retelling(Struct, frozen=True, kw_only=True):
    """Bookings whose stories are to be told anew without news. `everybody`: they are all there are, so what stands of
    people and companies is not to be believed."""

    bookings: frozenset[UUID] = frozenset()
    everybody: bool = False


# No rules changed.
NOTHING_AGAIN = Retelling()


class Group(Struct, kw_only=True):
    """The news of one story. `booking_id` is None while nothing in it can found a booking: it waits.

    `merged` are the bookings that turn out to be this one.
    """

    booking_id: UUID | None
    news: list[News]
    history: list[News] = []
    merged: list[UUID] = []
    names: set[str] = set()


async def gather(
    connection: asyncpg.Connection, workspace_id: UUID, log: Log, news: Sequence[News], retell: Iterable[UUID] = ()
) -> list[Group]:
    """The stories of this workspace that the batch touches, with all their news, and those of the bookings `retell`."""
    batch = list(news)
    departures: dict[tuple[str, UUID], News] = {}
    known: dict[str, UUID] = {}
    asked: set[str] = set()
    fresh: Sequence[News] = batch
    while fresh:
        departures |= {(gone[0], item.event_id): gone[1] for item in fresh if (gone := _departure(item)) is not None}
        asking = {name for item in fresh for name in _names(item)} | {name for name, _ in departures}
        known |= await bookings.names_beside(connection, workspace_id, asking - asked)
        asking |= known.keys() | {name for item in fresh for name in _further_names(item)}
        found = await log.of_names(connection, workspace_id, asking - asked)
        asked |= asking
        departures |= {(name, one.event_id): left for name, one in found if (left := _leaving(name, one)) is not None}
        have = {item.event_id for item in batch}
        joining = {one.event_id: one for name, one in found if _leaving(name, one) is None}
        fresh = [one for event_id, one in joining.items() if event_id not in have]
        batch += fresh
    groups = _groups(batch, [(name, gone) for (name, _), gone in departures.items()], known)
    await _eldest_first(connection, log, groups)
    told = {one for group in groups for one in (group.booking_id, *group.merged)}
    again = [Group(booking_id=one, news=[]) for one in sorted(set(retell) - told)]
    groups = await _with_history(connection, log, [*groups, *again])
    await _remember_departures(connection, workspace_id, log, again)
    return groups


async def _remember_departures(
    connection: asyncpg.Connection, workspace_id: UUID, log: Log, groups: Sequence[Group]
) -> None:
    """Seats that were left for another booking: that news was settled there, and belongs to this story as well."""
    if not groups:
        return
    by_id = {group.booking_id: group for group in groups if group.booking_id is not None}
    refs = await bookings.names_of(connection, by_id)
    for name, item in await log.of_names(connection, workspace_id, refs):
        left = _leaving(name, item)
        if left is not None:
            by_id[refs[name]].history.append(left)


def _names(item: News) -> tuple[str, ...]:
    return names(item.event, item.account_id)


def _further_names(item: News) -> tuple[str, ...]:
    return further_names(item.event, item.account_id)


def _departure(item: News) -> tuple[str, News] | None:
    if not isinstance(item.event, SeatMoved):
        return None
    left = departure(item.event)
    digest = bytes.fromhex(item.order_key.rpartition(".")[2])
    key = order_key(item.source_at, left, digest)
    return names(left, item.account_id)[0], replace(item, event=left, order_key=key)


def _leaving(name: str, item: News) -> News | None:
    """What news found under a further name means there: a seat that was left, or nothing special."""
    gone = _departure(item)
    return gone[1] if gone is not None and gone[0] == name else None


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

    def join_all(self, news: Sequence[News], known: Mapping[str, UUID]) -> None:
        numbered: dict[str, str] = {}
        for item in news:
            first, *linked = _names(item)
            for other in linked:
                self.join(first, other)
            for number in _further_names(item):
                # News that is known by its number alone waits to be joined; it is nothing to join.
                if number != first:
                    numbered.setdefault(number, first)
        for name, booking_id in known.items():
            self.join(name, booking_id)
        for item in news:
            name = _names(item)[0]
            if name not in known and name in numbered:
                self.join(name, numbered[name])


def _groups(batch: Sequence[News], departures: Sequence[tuple[str, News]], known: Mapping[str, UUID]) -> list[Group]:
    together = _Together()
    together.join_all(batch, known)
    by_root: dict[object, list[News]] = defaultdict(list)
    ids: dict[object, set[UUID]] = defaultdict(set)
    for booking_id in known.values():
        ids[together.root(booking_id)].add(booking_id)
    for item in batch:
        by_root[together.root(_names(item)[0])].append(item)
    for name, gone in departures:
        root = together.root(name)
        if root in by_root or root in ids:
            by_root[root].append(gone)
    return [_group(news, sorted(ids.get(root, ()))) for root, news in by_root.items()]


def _group(news: list[News], standing: list[UUID]) -> Group:
    founding = next((item.event_id for item in news if founds(item.event)), None)
    return Group(
        # A booking's id is that of the first event in the feed on which it can stand.
        booking_id=standing[0] if standing else founding,
        news=news,
        merged=standing[1:],
        names={name for item in news for name in (*_names(item), *_further_names(item))},
    )


async def _eldest_first(connection: asyncpg.Connection, log: Log, groups: list[Group]) -> None:
    """Of two bookings that are one, the one that the feed brought first stays."""
    for group in groups:
        if group.booking_id is not None and group.merged:
            group.booking_id, *group.merged = await log.in_feed_order(connection, [group.booking_id, *group.merged])


async def _with_history(connection: asyncpg.Connection, log: Log, groups: list[Group]) -> list[Group]:
    ids = [one for group in groups for one in (group.booking_id, *group.merged) if one is not None]
    history = await log.of_bookings(connection, ids)
    for group in groups:
        if group.booking_id is not None:
            new = {item.event_id for item in group.news}
            told = [item for one in (group.booking_id, *group.merged) for item in history.get(one, ())]
            group.history = [item for item in told if item.event_id not in new]
    return groups
