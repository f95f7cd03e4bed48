"""Checks a chain: recomputes every link and the content it commits to, and names each break.

Whether a place is broken never depends on later links. The kind of break does: a link that is wrong here may be right
elsewhere, so a few neighbours are tried.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Final
from uuid import UUID

from msgspec import Struct

from showup.inbox import chain
from showup.inbox.chain import ChainHead, ChainLink
from showup.inbox.chain_store import LinkedEvent

_NEIGHBOURS: Final = 8


class BreakKind(StrEnum):
    """The ways in which the log and its chain can disagree."""

    BODY = "body changed"
    RECEIVED = "record changed"
    MISSING = "event missing"
    LINK = "link broken"
    INSERTED = "inserted"
    REORDERED = "reordered"
    UNLINKED = "not linked"
    UNNUMBERED = "without number"
    CUT = "end cut off"


class ChainBreak(Struct, frozen=True, kw_only=True):
    """One broken place; `number` is that in the workspace's feed."""

    kind: BreakKind
    message: str
    number: int | None = None
    event_id: UUID | None = None


class ChainWalk:
    """Checks one workspace's chain from its first link; pass the links to `check` in order."""

    def __init__(self, workspace_id: UUID) -> None:
        self._genesis = chain.genesis_link(workspace_id)
        self._recent: deque[ChainLink] = deque(maxlen=_NEIGHBOURS)
        self._reported: deque[int] = deque(maxlen=2 * _NEIGHBOURS)
        # The events that have a body although a link of theirs has no salt: they must be linked again later.
        self._unproven: dict[UUID, ChainLink] = {}
        self.link_count = 0
        self.erased_count = 0
        self.redacted_count = 0

    @property
    def head(self) -> ChainHead | None:
        """Returns the last link so far."""
        return ChainHead(self._recent[-1].number, self._recent[-1].link) if self._recent else None

    def check(self, rows: Sequence[LinkedEvent]) -> Iterator[ChainBreak]:
        """Checks these links; yields each break."""
        for index, row in enumerate(rows):
            link = row.link
            if not _follows(link, self._previous_link):
                yield from self._check_order(
                    link, [neighbour.link for neighbour in rows[index + 1 : index + 1 + _NEIGHBOURS]]
                )
            yield from self._check_event(row)
            self._recent.append(link)
            self.link_count += 1

    def finish(self) -> Iterator[ChainBreak]:
        """Yields the breaks that are known once all links were read."""
        for link in self._unproven.values():
            yield self._report(BreakKind.BODY, link, "its salt is erased, but its body is not")

    @property
    def _previous_link(self) -> bytes:
        return self._recent[-1].link if self._recent else self._genesis

    def _check_order(self, link: ChainLink, ahead: Sequence[ChainLink]) -> Iterator[ChainBreak]:
        recent = list(self._recent)
        links = [self._genesis, *(neighbour.link for neighbour in recent)]
        original_number = _find_original_number(
            link, [*recent, *ahead], [*links, *(neighbour.link for neighbour in ahead)]
        )
        distance = next((steps for steps in range(2, len(links) + 1) if _follows(link, links[-steps])), None)
        if original_number is not None:
            yield self._report(BreakKind.REORDERED, link, f"it was linked as number {original_number}")
        elif distance is not None:
            for neighbour in recent[len(recent) - distance + 1 :]:
                if neighbour.number not in self._reported:
                    yield self._report(
                        BreakKind.INSERTED, neighbour, f"link {link.number} follows an earlier link, not this one"
                    )
        elif ahead and _follows(ahead[0], self._previous_link):
            yield self._report(BreakKind.INSERTED, link, f"link {ahead[0].number} follows the link before this one")
        elif not recent or not _follows(link, _compute(recent[-1], links[-2])):
            # Otherwise the link before this one was changed, and the break is reported there.
            yield self._report(
                BreakKind.LINK, link, "it does not follow the link before it: rows were removed or changed"
            )

    def _check_event(self, row: LinkedEvent) -> Iterator[ChainBreak]:
        if row.received is None:
            yield self._report(BreakKind.MISSING, row.link, "the log has no such event")
        elif row.link.salt is None:
            if row.has_body:
                self._unproven.setdefault(row.link.event_id, row.link)
                return
            # An event that was processed again has several links, all erased; it counts once.
            self.erased_count += row.is_newest
        elif row.body_digest != row.received.digest:
            yield self._report(BreakKind.BODY, row.link, "its body does not match its digest")
        elif chain.compute_commitment(row.link.salt, row.received) != row.link.commitment:
            message = "its digest, account, source, origin, time or headers do not match its link"
            yield self._report(BreakKind.RECEIVED, row.link, message)
        elif self._unproven.pop(row.link.event_id, None) is not None:
            self.redacted_count += 1

    def _report(self, kind: BreakKind, link: ChainLink, message: str) -> ChainBreak:
        self._reported.append(link.number)
        return ChainBreak(kind=kind, number=link.number, event_id=link.event_id, message=message)


def _follows(link: ChainLink, previous: bytes) -> bool:
    return _compute(link, previous) == link.link


def _compute(link: ChainLink, previous: bytes) -> bytes:
    return chain.compute_link(previous, link.number, link.event_id, link.commitment)


def _find_original_number(link: ChainLink, neighbours: Sequence[ChainLink], links: Sequence[bytes]) -> int | None:
    """Returns the number at which the link would follow one of `links`; None where no neighbour fits."""
    numbers = [neighbour.number for neighbour in neighbours]
    return next(
        (
            number
            for number in numbers
            for previous in links
            if chain.compute_link(previous, number, link.event_id, link.commitment) == link.link
        ),
        None,
    )
