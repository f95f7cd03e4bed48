"""An endpoint that has failed for a day, or says that it is gone, is left alone until somebody lets it go on (TE8)."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

import asyncpg
import structlog
from msgspec.structs import replace

from showup.deliveries import endpoints_store, sequels
from showup.deliveries.delivery import Lane
from showup.deliveries.endpoint import endpoint_id_of, is_endpoint
from showup.deliveries.pausing import LaneState
from showup.deliveries.settling import End
from showup.destinations.contract import TryAgain

FAILS_AT_MOST_FOR: Final = timedelta(days=1)
# Longer than any process remembers how the endpoint was to be reached.
_HELD_FOR: Final = timedelta(minutes=1)

_log = structlog.get_logger()


async def leave_alone(
    connection: asyncpg.Connection, lane: Lane, ends: Iterable[End], state: LaneState, now: datetime
) -> LaneState:
    """The lane as it goes on; if it is time, its endpoint is paused, and whoever listens hears of it."""
    if not is_endpoint(lane.destination) or (because := why(ends, state, now)) is None:
        return state
    endpoint_id = endpoint_id_of(lane.destination)
    # Our lane is held: whoever changes the endpoint at this moment may be waiting for it, and knows better.
    endpoint = await endpoints_store.find(connection, lane.workspace_id, endpoint_id, hold=True, wait=False)
    if endpoint is None or endpoint.paused_at is not None:
        return state
    await endpoints_store.save(connection, replace(endpoint, paused_at=now, because=because), now)
    await sequels.follow(connection, lane.workspace_id, [sequels.of_pause(lane, because, now)], now)
    _log.warning("an endpoint is paused", destination=lane.destination, because=because)
    return replace(state, paused_until=now + _HELD_FOR, because=because)


def why(ends: Iterable[End], state: LaneState, now: datetime) -> str | None:
    """Why its endpoint is paused after these; None while it is not. Pure."""
    failed = [end for end in ends if isinstance(end, TryAgain)]
    if (gone := next((end for end in failed if end.fault == "gone"), None)) is not None:
        return gone.because
    since = state.failing_since
    # Only after another failure: nobody may have tried since the first.
    fails_still = any(end.fault == "destination" for end in failed)
    if since is None or not fails_still or now - since < FAILS_AT_MOST_FOR:
        return None
    return f"nothing has passed since {since:%Y-%m-%d %H:%M:%S} UTC: {_first_clause(state.because)}"


def _first_clause(because: str | None) -> str:
    return (because or "it fails").partition(": nothing has passed since")[0]
