"""One look at a lane, in one short transaction: what has ended is settled, and what has room is claimed."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import asyncpg
from msgspec import Struct
from msgspec.structs import replace

from showup.clock import Clock
from showup.deliveries import claiming, lane_store, sequels
from showup.deliveries.claiming import Claimed
from showup.deliveries.delivery import Lane
from showup.deliveries.giving_up import leave_alone
from showup.deliveries.pausing import LaneState, after, is_down, next_token_at, places, refilled
from showup.deliveries.settling import End, Settled, Stopped, settle
from showup.deliveries.waking import wake_lanes
from showup.destinations.contract import Pace


class Ended(Struct, frozen=True, kw_only=True):
    """An attempt and what came of it."""

    claimed: Claimed
    end: End


class Asked(Struct, frozen=True, kw_only=True):
    """What a look is to do: settle `ended`, and claim at most `room` more.

    `stays_for`: how long whoever looks waits for what comes next; what comes later needs a wake-up. None: it has
    something under way, and looks again in any case.
    """

    ended: Sequence[Ended]
    room: int
    stays_for: timedelta | None


class Turn(Struct, frozen=True, kw_only=True):
    """What a look brought: deliveries that are ours, and when to look again if nothing else happens (None: never).

    `settled` has what became of those that had ended; `before` and `after` are the lane as it was found and left.
    """

    claimed: list[Claimed]
    next_at: datetime | None
    settled: list[Settled]
    before: LaneState
    after: LaneState


async def take_turn(
    connection: asyncpg.Connection, lane: Lane, pace: Pace, asked: Asked, clock: Clock, chance: Callable[[], float]
) -> Turn:
    """Looks at the lane, which nobody else does meanwhile; `chance` (0..1) spreads the pauses."""
    held = await lane_store.hold(connection, lane, pace, clock())
    # Only now: others may have had the lane for a while.
    now = clock()
    state = refilled(held, pace, now)
    state, settled = _settled(state, asked.ended, pace, now, chance)
    await claiming.settle(connection, settled, now)
    await _follow(connection, lane, asked.ended, settled, now)
    state = await leave_alone(connection, lane, [one.end for one in asked.ended], state, now)
    await claiming.expire(connection, lane, now)
    free = 0 if asked.room <= 0 else places(state, pace, await claiming.under_way(connection, lane, now), now)
    claimed = await claiming.claim(connection, lane, now, min(asked.room, free), probing=is_down(state, pace))
    state = replace(state, tokens=state.tokens - len(claimed))
    await lane_store.save(connection, lane, state)
    down = is_down(state, pace) and not is_down(held, pace)
    await sequels.follow(connection, lane.workspace_id, sequels.of_lane(lane, state, down=down), now)
    next_at = await _next_at(connection, lane, state, pace, now)
    turn = Turn(claimed=claimed, next_at=next_at, settled=settled, before=held, after=state)
    wakes = [(lane, one.wake_at) for one in settled if one.state == "scheduled"]
    if not claimed and asked.stays_for is not None and next_at is not None and next_at > now + asked.stays_for:
        wakes.append((lane, next_at))
    await wake_lanes(connection, wakes, now)
    return turn


async def _follow(
    connection: asyncpg.Connection, lane: Lane, ended: Sequence[Ended], settled: Sequence[Settled], now: datetime
) -> None:
    follows = [
        sequel
        for one, so in zip(ended, settled, strict=True)
        for sequel in sequels.of_outcome(lane, one.claimed, one.end, so, now)
    ]
    await sequels.follow(connection, lane.workspace_id, follows, now)


def _settled(
    state: LaneState, ended: Sequence[Ended], pace: Pace, now: datetime, chance: Callable[[], float]
) -> tuple[LaneState, list[Settled]]:
    settled = []
    for one in ended:
        if isinstance(one.end, Stopped):
            # Nobody was called.
            state = replace(state, tokens=state.tokens + 1)
        else:
            state = after(state, one.end, pace, now, chance(), began_at=one.claimed.began_at)
        settled.append(settle(one.claimed.tried, one.end, state, pace, now, chance()))
    return state, settled


async def _next_at(
    connection: asyncpg.Connection, lane: Lane, state: LaneState, pace: Pace, now: datetime
) -> datetime | None:
    coming = await claiming.next_at(connection, lane, now)
    held_until = None
    if state.paused_until is not None and state.paused_until > now:
        held_until = state.paused_until
    elif state.tokens < 1:
        held_until = next_token_at(state, pace, now)
    if held_until is None:
        return coming
    if await claiming.is_anything_due(connection, lane, now):
        return held_until
    return None if coming is None else max(coming, held_until)
