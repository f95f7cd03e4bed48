"""Merged identities: apply the merges that people made and undid, in the order they were made (PI12).

A merge is an edge from the removed name to the remaining one; following the edges leads to the current name. A merge
loses no data: removing the edge separates the two again.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from msgspec import Struct

from showup.events.envelope import AnyRecord
from showup.events.workspace import Merged, MergeKind, MergeUndone
from showup.values.email_address import match_key

_Edges: TypeAlias = Mapping[tuple[MergeKind, str], str]


class Merge(Struct, frozen=True, kw_only=True):
    """An active merge, and the event that made it."""

    id: UUID
    kind: MergeKind
    gone: str
    stays: str
    actor: str
    at: datetime


class Identities(Struct, frozen=True, kw_only=True):
    """Map each name to its current identity."""

    edges: _Edges = {}

    def person(self, email: str) -> str:
        """Return the current email of this person."""
        return _surviving_name(self.edges, "people", email)

    def company(self, key: str) -> str:
        """Return the current key of this company."""
        return _surviving_name(self.edges, "companies", key)

    def all_names(self, kind: MergeKind, name: str) -> set[str]:
        """Return every name of the identity that has this name, including the name itself."""
        surviving = _surviving_name(self.edges, kind, name)
        return {surviving} | {
            gone
            for edge_kind, gone in self.edges
            if edge_kind == kind and _surviving_name(self.edges, kind, gone) == surviving
        }

    def people_by_mailbox(self) -> dict[str, str]:
        """Return the current email of each merged person, by the match key of each of their addresses."""
        found: dict[str, str] = {}
        for kind, gone in self.edges:
            if kind == "people":
                email = self.person(gone)
                for key in (match_key(gone), match_key(email)):
                    # Two people of one mailbox: the order in which they were merged must not decide.
                    found[key] = min(found.get(key, email), email)
        return found


NO_MERGES = Identities()


class MergeState(Struct, frozen=True, kw_only=True):
    """The active merges and, by event, why other merges or undos were refused."""

    merges: Mapping[UUID, Merge]
    refused: Mapping[UUID, str]

    @property
    def identities(self) -> Identities:
        """Return the identities that result from these merges."""
        return identities(self.merges.values())


def identities(merges: Iterable[Merge]) -> Identities:
    """Return the identities that result from these merges."""
    return Identities(edges={(one.kind, one.gone): one.stays for one in merges})


def replay_merges(records: Iterable[AnyRecord]) -> MergeState:
    """Return the active merges after all these manual events."""
    merges: dict[UUID, Merge] = {}
    refused: dict[UUID, str] = {}
    edges: dict[tuple[MergeKind, str], str] = {}
    for record in sorted(records, key=lambda one: one.order_key):
        match record.event:
            case Merged():
                refusal = _refusal(edges, record.event)
                if refusal is not None:
                    refused[record.event_id] = refusal
                    continue
                edges[record.event.kind, record.event.gone] = record.event.stays
                merges[record.event_id] = _merge(record, record.event)
            case MergeUndone():
                undone = merges.pop(record.event.merge, None)
                if undone is None:
                    refused[record.event_id] = "there is no such merge, or it was already undone"
                    continue
                del edges[undone.kind, undone.gone]
            case _:
                pass
    return MergeState(merges=merges, refused=refused)


def _merge(record: AnyRecord, event: Merged) -> Merge:
    return Merge(
        id=record.event_id, kind=event.kind, gone=event.gone, stays=event.stays, actor=record.actor, at=record.source_at
    )


def _refusal(edges: _Edges, event: Merged) -> str | None:
    if (event.kind, event.gone) in edges:
        return f"{event.gone} is already merged into {_surviving_name(edges, event.kind, event.gone)}"
    if _surviving_name(edges, event.kind, event.stays) == event.gone:
        return "they are already merged"
    return None


def _surviving_name(edges: _Edges, kind: MergeKind, name: str) -> str:
    while (kind, name) in edges:
        name = edges[kind, name]
    return name
