"""Pauses an endpoint that has failed for a day or is gone, until someone resumes it (TE8)."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

import asyncpg
import structlog
from msgspec.structs import replace

from showup.connections import endpoints_store
from showup.connections.endpoint import endpoint_id_of, is_endpoint
from showup.destinations.contract import TryAgain
from showup.dispatch import notices
from showup.dispatch.attempt_results import AttemptResult
from showup.dispatch.queue_state import QueueState
from showup.outbox import system_notifications
from showup.outbox.delivery import DestinationQueue

MAX_FAILING_TIME: Final = timedelta(days=1)
# Longer than any process caches a destination.
_PAUSED_FOR: Final = timedelta(minutes=1)

_log = structlog.get_logger()


async def pause_failing_endpoint(
    connection: asyncpg.Connection,
    queue: DestinationQueue,
    results: Iterable[AttemptResult],
    state: QueueState,
    now: datetime,
) -> QueueState:
    """Returns the queue's next state; if it is time, pauses the endpoint and notifies subscribers."""
    if not is_endpoint(queue.destination) or (because := pause_reason(results, state, now)) is None:
        return state
    endpoint_id = endpoint_id_of(queue.destination)
    # The queue is locked here: a process that changes the endpoint may wait for that lock, and its change wins.
    endpoint = await endpoints_store.find(connection, queue.workspace_id, endpoint_id, lock=True, wait=False)
    if endpoint is None or endpoint.paused_at is not None:
        return state
    await endpoints_store.save(connection, replace(endpoint, paused_at=now, because=because), now)
    await system_notifications.notify_subscribers(
        connection, queue.workspace_id, [notices.of_pause(queue, because, now)], now
    )
    _log.warning("endpoint paused", destination=queue.destination, because=because)
    return replace(state, paused_until=now + _PAUSED_FOR, because=because)


def pause_reason(results: Iterable[AttemptResult], state: QueueState, now: datetime) -> str | None:
    """Returns why the endpoint is paused after these results; None if it is not. Pure."""
    failures = [result for result in results if isinstance(result, TryAgain)]
    if (gone := next((result for result in failures if result.fault == "gone"), None)) is not None:
        return gone.because
    since = state.failing_since
    # Only after another failure: perhaps there was no attempt since the first.
    still_failing = any(result.fault == "destination" for result in failures)
    if since is None or not still_failing or now - since < MAX_FAILING_TIME:
        return None
    return f"no delivery succeeded since {since:%Y-%m-%d %H:%M:%S} UTC: {_first_clause(state.because)}"


def _first_clause(because: str | None) -> str:
    return (because or "it fails").partition(": no delivery succeeded since")[0]
