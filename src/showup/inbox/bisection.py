"""Splits a failing batch into halves until one event fails alone, so that it does not block the other events."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.database.engine import driver_connection, transaction
from showup.database.fault import describe_error, is_outage
from showup.inbox import store
from showup.values.counted import counted

_log = structlog.get_logger()


class BatchFailed(Exception):
    """Raised when a batch of these events failed for another reason than a database outage."""

    def __init__(self, event_ids: Sequence[UUID]) -> None:
        super().__init__(f"failed on {counted(len(event_ids), 'event')}")
        self.event_ids = event_ids


@contextmanager
def attribute_failure(event_ids: Sequence[UUID]) -> Iterator[None]:
    """Raises BatchFailed with these events when the block fails; a database outage is raised unchanged.

    A statement that takes too long counts as the batch's failure, as long as the batch can be made smaller.
    """
    try:
        yield
    except Exception as fault:
        too_large = isinstance(fault, TimeoutError) and len(event_ids) > 1
        if is_outage(fault) and not too_large:
            raise
        raise BatchFailed(event_ids) from fault


async def run_with_bisection(
    engine: AsyncEngine, step: Callable[[int], Awaitable[int]], *, limit: int, now: datetime
) -> int:
    """Runs `step` with ever fewer events while it fails; returns how many events were processed.

    An event that fails alone leaves the batch and is retried later.
    """
    while True:
        try:
            return await step(limit)
        except BatchFailed as failed:
            if len(failed.event_ids) > 1:
                limit = len(failed.event_ids) // 2
                continue
            await _schedule_retry(engine, failed.event_ids[0], failed.__cause__ or failed, now)
            return 1


async def _schedule_retry(engine: AsyncEngine, event_id: UUID, fault: BaseException, now: datetime) -> None:
    # A database error about a rejected row contains personal data, so only its kind is logged and stored.
    because = describe_error(fault)
    _log.error("event could not be applied", event_id=str(event_id), because=because)
    async with transaction(engine) as tx:
        await store.schedule_retry(
            await driver_connection(tx), event_id, f"Showup could not apply the event: {because}", now
        )
