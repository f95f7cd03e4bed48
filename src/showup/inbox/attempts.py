"""What fails on one event holds up nobody else: a batch that fails is tried by halves, until one event stands alone."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.database.engine import raw, transaction
from showup.database.fault import is_away, shown
from showup.inbox import store

_log = structlog.get_logger()


class FailedOn(Exception):
    """A batch of these events failed, and it was not the database that was away."""

    def __init__(self, event_ids: Sequence[UUID]) -> None:
        super().__init__(f"failed on {len(event_ids)} events")
        self.event_ids = event_ids


@contextmanager
def working_on(event_ids: Sequence[UUID]) -> Iterator[None]:
    """Says on which events a fault happened; a database that is away is no event's fault, and raises as it is.

    A statement that takes too long is the batch's fault, as long as the batch can be made smaller.
    """
    try:
        yield
    except Exception as fault:
        too_large = isinstance(fault, TimeoutError) and len(event_ids) > 1
        if is_away(fault) and not too_large:
            raise
        raise FailedOn(event_ids) from fault


async def by_halves(engine: AsyncEngine, step: Callable[[int], Awaitable[int]], *, limit: int, now: datetime) -> int:
    """Runs `step` with a limit of events, smaller and smaller ones while it fails; how many events were looked at.

    The one event that fails alone is set aside, to be tried again later.
    """
    while True:
        try:
            return await step(limit)
        except FailedOn as failed:
            if len(failed.event_ids) > 1:
                limit = len(failed.event_ids) // 2
                continue
            await _set_aside(engine, failed.event_ids[0], failed.__cause__ or failed, now)
            return 1


async def _set_aside(engine: AsyncEngine, event_id: UUID, fault: BaseException, now: datetime) -> None:
    # What a database says of a row it refuses holds people's data, so only its kind is shown and kept.
    because = shown(fault)
    _log.error("an event could not be applied", event_id=str(event_id), because=because)
    async with transaction(engine) as tx:
        await store.set_aside(await raw(tx), event_id, f"Showup failed on it: {because}", now)
