"""What may change events between their storage and their application: see `erased_events`."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias
from uuid import UUID

import asyncpg

from showup.inbox.store import InboxEvent

Screen: TypeAlias = Callable[[asyncpg.Connection, UUID, Sequence[InboxEvent]], Awaitable[list[InboxEvent]]]
"""Returns the events of a batch as they may be applied, under the lock of the given workspace."""
