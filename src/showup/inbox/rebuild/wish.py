"""What somebody wants to be rebuilt, and how."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from showup.inbox.rebuild.fold import PAGE


class Wish(Struct, frozen=True, kw_only=True):
    """What is to be rebuilt. `rules`: other values for some rules, in the whole history; `as_of`: what had reached us
    by then. Only a rebuild without either can be `applied`. `most` examples of each table are wanted.

    `by_story` and `page` are for speed, and change nothing.
    """

    workspace_ids: Sequence[UUID]
    rules: Mapping[str, Any] = {}
    as_of: datetime | None = None
    applied: bool = False
    most: int = 10
    by_story: bool = True
    page: int = PAGE
