"""Does the log still prove itself? Everything is read in order and computed anew; nothing is changed."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import asyncpg

from showup.inbox import chain_store
from showup.inbox.chain import Head
from showup.inbox.chain_store import Stray
from showup.inbox.chain_walk import Break, Place, Walk

MOST_SHOWN: Final = 1_000


class Findings:
    """What was found in one workspace: the first MOST_SHOWN broken places, and how many there are of each kind."""

    def __init__(self) -> None:
        self.places: list[Place] = []
        self.counts: Counter[Break] = Counter()
        self.links = 0
        self.erased = 0
        self.head: Head | None = None

    def add(self, places: Iterable[Place]) -> None:
        """Takes in more."""
        for place in places:
            self.counts[place.broken] += 1
            if len(self.places) < MOST_SHOWN:
                self.places.append(place)

    @property
    def broken(self) -> int:
        """How many places are broken."""
        return self.counts.total()

    def told(self) -> dict[str, Any]:
        """The same as JSON knows it."""
        return {
            "links": self.links,
            "erased": self.erased,
            "head": None if self.head is None else str(self.head),
            "broken": self.counts,
            "places": self.places,
        }


class Verdict:
    """What was found, by the workspace's slug, and the heads that are part of no chain."""

    def __init__(self, found: Mapping[str, Findings], unknown: Sequence[Head]) -> None:
        self.found = found
        self.unknown = unknown

    @property
    def broken(self) -> int:
        """How many places are broken, a head that is unknown among them."""
        return sum(one.broken for one in self.found.values()) + len(self.unknown)

    def told(self) -> dict[str, Any]:
        """The same as JSON knows it."""
        return {
            "ok": not self.broken,
            "workspaces": [{"workspace": slug} | one.told() for slug, one in self.found.items()],
            "unknown_heads": [str(head) for head in self.unknown],
        }


async def count(connection: asyncpg.Connection, workspace_ids: Sequence[UUID]) -> int:
    """How many links there are to read in these workspaces."""
    return await chain_store.count(connection, workspace_ids)


async def verify(
    connection: asyncpg.Connection,
    workspaces: Mapping[str, UUID],
    heads: Sequence[Head],
    advance: Callable[[int], None] = lambda _: None,
) -> Verdict:
    """What is broken in these workspaces, and which of the `heads` are part of none of their chains.

    The connection is in a transaction that sees one moment; `advance` hears how many links have been read on.
    """
    sought, found = set(heads), dict[str, Findings]()
    for slug, workspace_id in workspaces.items():
        walk = Walk(workspace_id)
        found[slug] = findings = Findings()
        async for rows in chain_store.read(connection, workspace_id):
            findings.add(walk.take(rows))
            if sought:
                sought -= {Head(row.linked.number, row.linked.link) for row in rows}
            advance(len(rows))
        findings.links, findings.erased, findings.head = walk.links, walk.erased, walk.head
        findings.add(await _end(connection, workspace_id, walk.head))
        findings.add(map(_stray, await chain_store.strays(connection, workspace_id, MOST_SHOWN)))
    return Verdict(found, [head for head in heads if head in sought])


async def _end(connection: asyncpg.Connection, workspace_id: UUID, head: Head | None) -> list[Place]:
    if await chain_store.newest(connection, workspace_id) == (None if head is None else head.link):
        return []
    says = "the chain does not end with the workspace's newest link"
    return [Place(broken=Break.CUT, number=None if head is None else head.number, says=says)]


def _stray(one: Stray) -> Place:
    if one.number is None:
        return Place(broken=Break.UNNUMBERED, event_id=one.event_id, says="it is settled and was never linked")
    if one.linked_at is None:
        return Place(
            broken=Break.UNLINKED, number=one.number, event_id=one.event_id, says="it has a number and no link"
        )
    says = f"it was linked as number {one.linked_at}"
    return Place(broken=Break.REORDERED, number=one.number, event_id=one.event_id, says=says)
