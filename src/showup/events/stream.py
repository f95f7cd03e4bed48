"""Streams: the histories that events belong to."""

from typing import Literal, TypeAlias

from msgspec import Struct

StreamKind: TypeAlias = Literal["booking", "deal", "person", "company", "workspace", "delivery", "lead"]

MERGES = "merges"
RULES = "rules"
"""The names of a workspace's streams: the merges of people and companies, and the changes of rules."""


class Stream(Struct, frozen=True):
    """The history that an event belongs to. Events with the same name are found together."""

    kind: StreamKind
    name: str
