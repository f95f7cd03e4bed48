"""Verifies the log against its hash chain: reads and recomputes everything in order, and changes nothing."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import asyncpg

from showup.inbox import chain_store
from showup.inbox.chain import ChainHead
from showup.inbox.chain_store import UnlinkedEvent
from showup.inbox.chain_walk import BreakKind, ChainBreak, ChainWalk

MAX_BREAKS: Final = 1_000


class ChainReport:
    """The result for one workspace: the first MAX_BREAKS breaks, and how many there are of each kind."""

    def __init__(self) -> None:
        self.breaks: list[ChainBreak] = []
        self.counts: Counter[BreakKind] = Counter()
        self.link_count = 0
        self.erased_count = 0
        self.redacted_count = 0
        self.head: ChainHead | None = None

    def add(self, breaks: Iterable[ChainBreak]) -> None:
        """Adds breaks."""
        for chain_break in breaks:
            self.counts[chain_break.kind] += 1
            if len(self.breaks) < MAX_BREAKS:
                self.breaks.append(chain_break)

    @property
    def break_count(self) -> int:
        """Returns how many places are broken."""
        return self.counts.total()

    def to_dict(self) -> dict[str, Any]:
        """Returns the report as JSON types."""
        return {
            "links": self.link_count,
            "erased": self.erased_count,
            "redacted": self.redacted_count,
            "head": None if self.head is None else str(self.head),
            "broken": self.counts,
            "breaks": self.breaks,
        }


class VerificationReport:
    """The result by workspace slug, and the heads that are part of no chain."""

    def __init__(self, chains: Mapping[str, ChainReport], unknown_heads: Sequence[ChainHead]) -> None:
        self.chains = chains
        self.unknown_heads = unknown_heads

    @property
    def break_count(self) -> int:
        """Returns how many places are broken; each unknown head counts as one."""
        return sum(chain.break_count for chain in self.chains.values()) + len(self.unknown_heads)

    def to_dict(self) -> dict[str, Any]:
        """Returns the report as JSON types."""
        return {
            "ok": not self.break_count,
            "workspaces": [{"workspace": slug} | chain.to_dict() for slug, chain in self.chains.items()],
            "unknown_heads": [str(head) for head in self.unknown_heads],
        }


async def count_links(connection: asyncpg.Connection, workspace_ids: Sequence[UUID]) -> int:
    """Returns how many links these workspaces have."""
    return await chain_store.count_links(connection, workspace_ids)


async def verify(
    connection: asyncpg.Connection,
    workspaces: Mapping[str, UUID],
    heads: Sequence[ChainHead],
    on_progress: Callable[[int], None] = lambda _: None,
) -> VerificationReport:
    """Returns the breaks in these workspaces, and which of the `heads` are part of none of their chains.

    The connection must be in a transaction with one snapshot; `on_progress` gets the number of links read in each step.
    """
    missing_heads, chains = set(heads), dict[str, ChainReport]()
    for slug, workspace_id in workspaces.items():
        walk = ChainWalk(workspace_id)
        chains[slug] = chain = ChainReport()
        async for rows in chain_store.read_links(connection, workspace_id):
            chain.add(walk.check(rows))
            if missing_heads:
                missing_heads -= {ChainHead(row.link.number, row.link.link) for row in rows}
            on_progress(len(rows))
        chain.add(walk.finish())
        chain.link_count, chain.head = walk.link_count, walk.head
        chain.erased_count, chain.redacted_count = walk.erased_count, walk.redacted_count
        chain.add(await _check_end(connection, workspace_id, walk.head))
        chain.add(map(_unlinked_break, await chain_store.find_unlinked(connection, workspace_id, MAX_BREAKS)))
    return VerificationReport(chains, [head for head in heads if head in missing_heads])


async def _check_end(connection: asyncpg.Connection, workspace_id: UUID, head: ChainHead | None) -> list[ChainBreak]:
    if await chain_store.newest_link(connection, workspace_id) == (None if head is None else head.link):
        return []
    message = "the chain does not end with the workspace's newest link"
    return [ChainBreak(kind=BreakKind.CUT, number=None if head is None else head.number, message=message)]


def _unlinked_break(event: UnlinkedEvent) -> ChainBreak:
    if event.number is None:
        return ChainBreak(
            kind=BreakKind.UNNUMBERED, event_id=event.event_id, message="it was processed but never linked"
        )
    if event.linked_at is None:
        return ChainBreak(
            kind=BreakKind.UNLINKED, number=event.number, event_id=event.event_id, message="it has a number but no link"
        )
    message = f"it was linked as number {event.linked_at}"
    return ChainBreak(kind=BreakKind.REORDERED, number=event.number, event_id=event.event_id, message=message)
