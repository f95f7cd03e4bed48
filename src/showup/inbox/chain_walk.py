"""Walking along a chain: every link and what it was made for are computed anew, and what is broken is named.

Whether something is broken never depends on what stands beyond it. What it is called does: a link that is wrong here
may be right elsewhere, so a few neighbours are tried.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Final
from uuid import UUID

from msgspec import Struct

from showup.inbox import chain
from showup.inbox.chain import Head, Linked
from showup.inbox.chain_store import Standing

_NEAR: Final = 8


class Break(StrEnum):
    """How the log and its chain can disagree."""

    BODY = "body changed"
    RECEIVED = "record changed"
    MISSING = "event missing"
    LINK = "link broken"
    INSERTED = "inserted"
    REORDERED = "reordered"
    UNLINKED = "not linked"
    UNNUMBERED = "without number"
    CUT = "end cut off"


class Place(Struct, frozen=True, kw_only=True):
    """Where something is broken; `number` in the workspace's feed."""

    broken: Break
    says: str
    number: int | None = None
    event_id: UUID | None = None


class Walk:
    """One workspace's chain from its first link on; hand it to `take` in order."""

    def __init__(self, workspace_id: UUID) -> None:
        self._first = chain.first_link(workspace_id)
        self._recent: deque[Linked] = deque(maxlen=_NEAR)
        self._told: deque[int] = deque(maxlen=2 * _NEAR)
        self.links = 0
        self.erased = 0

    @property
    def head(self) -> Head | None:
        """The last link so far."""
        return Head(self._recent[-1].number, self._recent[-1].link) if self._recent else None

    def take(self, rows: Sequence[Standing]) -> Iterator[Place]:
        """Goes on over these; where they are broken."""
        for place, row in enumerate(rows):
            one = row.linked
            if not _follows(one, self._before):
                yield from self._out_of_line(one, [other.linked for other in rows[place + 1 : place + 1 + _NEAR]])
            yield from self._of_event(row)
            self._recent.append(one)
            self.links += 1

    @property
    def _before(self) -> bytes:
        return self._recent[-1].link if self._recent else self._first

    def _out_of_line(self, one: Linked, ahead: Sequence[Linked]) -> Iterator[Place]:
        recent = list(self._recent)
        links = [self._first, *(each.link for each in recent)]
        number = _elsewhere(one, [*recent, *ahead], [*links, *(each.link for each in ahead)])
        follows = next((back for back in range(2, len(links) + 1) if _follows(one, links[-back])), None)
        if number is not None:
            yield self._tell(Break.REORDERED, one, f"it was linked as number {number}")
        elif follows is not None:
            for each in recent[len(recent) - follows + 1 :]:
                if each.number not in self._told:
                    yield self._tell(Break.INSERTED, each, f"link {one.number} follows one before it")
        elif ahead and _follows(ahead[0], self._before):
            yield self._tell(Break.INSERTED, one, f"link {ahead[0].number} follows the one before it")
        elif not recent or not _follows(one, _computed(recent[-1], links[-2])):
            # Else the link before this one was changed, and that is told there.
            yield self._tell(Break.LINK, one, "it does not follow what stands before it: rows are gone or changed")

    def _of_event(self, row: Standing) -> Iterator[Place]:
        if row.received is None:
            yield self._tell(Break.MISSING, row.linked, "the log has no such event")
        elif row.linked.salt is None:
            if row.has_body:
                yield self._tell(Break.BODY, row.linked, "its salt is erased and its body is not")
            # Of an event that was run again each link is erased, and it counts once.
            self.erased += row.is_newest
        elif row.body_digest != row.received.digest:
            yield self._tell(Break.BODY, row.linked, "its body is not what its digest says")
        elif chain.commitment(row.linked.salt, row.received) != row.linked.commitment:
            says = "digest, account, origin, time or headers are not what was linked"
            yield self._tell(Break.RECEIVED, row.linked, says)

    def _tell(self, broken: Break, one: Linked, says: str) -> Place:
        self._told.append(one.number)
        return Place(broken=broken, number=one.number, event_id=one.event_id, says=says)


def _follows(one: Linked, previous: bytes) -> bool:
    return _computed(one, previous) == one.link


def _computed(one: Linked, previous: bytes) -> bytes:
    return chain.link(previous, one.number, one.event_id, one.commitment)


def _elsewhere(one: Linked, near: Sequence[Linked], links: Sequence[bytes]) -> int | None:
    """The number at which the link would be right behind one of `links`; None where there is none nearby."""
    numbers = [each.number for each in near]
    return next(
        (
            number
            for number in numbers
            for previous in links
            if chain.link(previous, number, one.event_id, one.commitment) == one.link
        ),
        None,
    )
