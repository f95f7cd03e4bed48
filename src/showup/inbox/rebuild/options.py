"""The options of a rebuild."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from showup.inbox.rebuild.workspace_replay import PAGE_SIZE


class RebuildOptions(Struct, frozen=True, kw_only=True):
    """Options of a rebuild. Only one without `rules` and `as_of` can be `applied`.

    `rules`: other values for some rules, in the whole history. `as_of`: use only events received by then.
    `with_leads`: nobody else changes leads meanwhile. `max_examples`: examples per table. `by_stream` and `page_size`
    affect the speed only.
    """

    workspace_ids: Sequence[UUID]
    rules: Mapping[str, Any] = {}
    as_of: datetime | None = None
    applied: bool = False
    with_leads: bool = False
    max_examples: int = 10
    by_stream: bool = True
    page_size: int = PAGE_SIZE
