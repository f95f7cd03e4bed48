"""Who is known as whom: the merges that people made and undid, folded in the order of their making (PI12).

A merge is an edge from what is gone to what stays; following the edges leads to the one by whom all are known. Nothing
is lost in it: taken away, the edge leaves two again.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from msgspec import Struct

from showup.deeds import Deed, Kind, Merged, MergeUndone

_Edges: TypeAlias = Mapping[tuple[Kind, str], str]


class Merge(Struct, frozen=True, kw_only=True):
    """One edge in force, by the event that made it."""

    id: UUID
    kind: Kind
    gone: str
    stays: str
    actor: str
    at: datetime


class Identities(Struct, frozen=True, kw_only=True):
    """Whom each name leads to."""

    edges: _Edges = {}

    def person(self, email: str) -> str:
        """The email under which this person is known."""
        return _end(self.edges, "people", email)

    def company(self, key: str) -> str:
        """The key under which this company is known."""
        return _end(self.edges, "companies", key)

    def all_of(self, kind: Kind, name: str) -> set[str]:
        """Every name of whoever is known by this one, itself among them."""
        last = _end(self.edges, kind, name)
        return {last} | {gone for of, gone in self.edges if of == kind and _end(self.edges, kind, gone) == last}


class MergeBook(Struct, frozen=True, kw_only=True):
    """The merges in force, and by event why others, or undoings, are not."""

    merges: Mapping[UUID, Merge]
    refused: Mapping[UUID, str]

    @property
    def identities(self) -> Identities:
        """Whom each name leads to by these merges."""
        return identities(self.merges.values())


def identities(merges: Iterable[Merge]) -> Identities:
    """Whom each name leads to by these merges."""
    return Identities(edges={(one.kind, one.gone): one.stays for one in merges})


def fold_merges(deeds: Iterable[Deed]) -> MergeBook:
    """The merges that are in force after all these deeds."""
    merges: dict[UUID, Merge] = {}
    refused: dict[UUID, str] = {}
    edges: dict[tuple[Kind, str], str] = {}
    for deed in sorted(deeds, key=lambda one: one.order_key):
        match deed.act:
            case Merged():
                because = _refusal(edges, deed.act)
                if because is not None:
                    refused[deed.event_id] = because
                    continue
                edges[deed.act.kind, deed.act.gone] = deed.act.stays
                merges[deed.event_id] = _merge(deed, deed.act)
            case MergeUndone():
                undone = merges.pop(deed.act.merge, None)
                if undone is None:
                    refused[deed.event_id] = "there is no such merge, or it is undone already"
                    continue
                del edges[undone.kind, undone.gone]
            case _:
                pass
    return MergeBook(merges=merges, refused=refused)


def _merge(deed: Deed, act: Merged) -> Merge:
    return Merge(id=deed.event_id, kind=act.kind, gone=act.gone, stays=act.stays, actor=deed.actor, at=deed.source_at)


def _refusal(edges: _Edges, act: Merged) -> str | None:
    if (act.kind, act.gone) in edges:
        return f"{act.gone} is known as {_end(edges, act.kind, act.gone)} already"
    if _end(edges, act.kind, act.stays) == act.gone:
        return "they are one already"
    return None


def _end(edges: _Edges, kind: Kind, name: str) -> str:
    while (kind, name) in edges:
        name = edges[kind, name]
    return name
