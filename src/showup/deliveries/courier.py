"""Telling a lane all that is due: claimed, looked at once more, sent and settled, until nothing is left for now.

No transaction is open while somebody outside is being called.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Protocol, TypeVar

import asyncpg
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from showup.clock import Clock, happened
from showup.database.engine import raw, transaction
from showup.database.fault import is_away, shown
from showup.deliveries import claiming, lane_store
from showup.deliveries.claiming import Claimed
from showup.deliveries.delivery import Lane
from showup.deliveries.preparing import Connected, LastLook, NotConnected, Prepared, Ready, prepare
from showup.deliveries.reporting import report
from showup.deliveries.settling import End
from showup.deliveries.turns import Asked, Ended, Turn, take_turn
from showup.destinations.contract import Destination, Outcome, TryAgain

STAYS_FOR: Final = timedelta(seconds=3)
"""A lane of which something is due so soon is not left: a wake-up would cost more than the wait."""

# What has ended is kept in mind for as long as nobody else takes the deliveries up.
_KEPT_IN_MIND: Final = 30.0
_BETWEEN_TRIES: Final = 0.5
_HUNG_AFTER: Final = "15s"
_UNCONNECTED_FOR: Final = timedelta(minutes=1)
# A reminder that falls due while others hang is not held up by them.
_LOOKS_EVERY: Final = 0.25
_TOGETHER: Final = 0.02

_log = structlog.get_logger()
Found = TypeVar("Found")


class Connections(Protocol):
    """Knows how workspaces reach their destinations."""

    async def connected(self, lane: Lane) -> Connected:
        """How this one does, by its connections as they stand. Raises NotConnected."""


class Courier:
    """Tells lanes, each of them once at a time in this process."""

    def __init__(
        self,
        engine: AsyncEngine,
        clock: Clock,
        connections: Connections,
        look: LastLook,
        chance: Callable[[], float] = random.random,
        stays_for: timedelta = STAYS_FOR,
    ) -> None:
        """`chance` (0..1) spreads pauses; what is due within `stays_for` is waited for."""
        self._engine = engine
        self._clock = clock
        self._connections = connections
        self._look = look
        self._chance = chance
        self._stays_for = stays_for
        self._called: dict[Lane, asyncio.Event] = {}
        self._stopping = False

    def stop(self) -> None:
        """Claims nothing more; `drain` returns when what is under way has ended and is settled."""
        self._stopping = True
        for called in self._called.values():
            called.set()

    async def drain(self, lane: Lane) -> None:
        """Tells the lane until nothing of it is due within a moment. One that is being told is looked at once more."""
        if (called := self._called.get(lane)) is not None:
            called.set()
            return
        called = self._called[lane] = asyncio.Event()
        try:
            under_way: dict[asyncio.Task[Outcome], Claimed] = {}
            try:
                await self._tell(lane, under_way, called)
            except NotConnected as fault:
                await self._leave_in_peace(lane, str(fault))
            finally:
                for task in under_way:
                    task.cancel()
        finally:
            del self._called[lane]

    async def _tell(self, lane: Lane, under_way: dict["asyncio.Task[Outcome]", Claimed], called: asyncio.Event) -> None:
        ended: list[Ended] = []
        connected: Connected | None = None
        while True:
            called.clear()
            connected, usable = await self._reach(lane, connected, busy=bool(under_way or ended))
            room = connected.destination.pace.at_once - len(under_way) if usable and not self._stopping else 0
            asked = Asked(ended=ended, room=room, stays_for=None if under_way else self._stays_for)
            turn = await _insist(partial(self._turn, connected, asked))
            ended = await self._begin(connected, turn.claimed, under_way)
            if ended:
                continue
            if not under_way and (self._stopping or not await self._wait(turn.next_at, called)):
                return
            ended = await _first_ended(under_way, called)

    async def _reach(self, lane: Lane, last: Connected | None, *, busy: bool) -> tuple[Connected, bool]:
        """How the lane is connected now, and whether that can be used.

        What is under way, by a connection that was usable, still comes to its end. Raises NotConnected.
        """
        try:
            return await _insist(partial(self._connections.connected, lane)), True
        except NotConnected:
            if last is None or not busy:
                raise
            return last, False

    async def _leave_in_peace(self, lane: Lane, because: str) -> None:
        now = self._clock()
        async with transaction(self._engine) as tx:
            connection = await raw(tx)
            is_news = await lane_store.pause(connection, lane, now + _UNCONNECTED_FOR, because)
            await claiming.expire(connection, lane, now)
        # Once, and not with every look that finds it so still.
        if is_news:
            _log.warning(
                "a destination can't be reached as it is connected", destination=lane.destination, because=because
            )

    async def _turn(self, connected: Connected, asked: Asked) -> Turn:
        pace = connected.destination.pace
        async with transaction(self._engine) as tx:
            turn = await take_turn(await _bounded(tx), connected.lane, pace, asked, self._clock, self._chance)
        report(connected.lane.destination, connected.workspace, turn, pace)
        return turn

    async def _begin(
        self, connected: Connected, claimed: Sequence[Claimed], under_way: dict["asyncio.Task[Outcome]", Claimed]
    ) -> list[Ended]:
        """Sends what holds, and answers with what doesn't."""
        if not claimed:
            return []
        stopped = []
        for one, prepared in zip(claimed, await _insist(partial(self._prepared, connected, claimed)), strict=True):
            if self._clock() + connected.destination.pace.timeout > one.leased_until:
                # Somebody else may take it up before we are done: it is left to them.
                continue
            if isinstance(prepared, Ready):
                under_way[asyncio.create_task(self._attempt(connected.destination, prepared))] = one
            else:
                stopped.append(Ended(claimed=one, end=prepared))
        return stopped

    async def _prepared(self, connected: Connected, claimed: Sequence[Claimed]) -> list[Prepared]:
        async with transaction(self._engine) as tx:
            return await prepare(await _bounded(tx), self._look, connected, claimed, self._clock())

    async def _attempt(self, destination: Destination, ready: Ready) -> Outcome:
        timeout = destination.pace.timeout.total_seconds()
        try:
            async with asyncio.timeout(timeout):
                return await destination.send(ready.attempt)
        except TimeoutError:
            return TryAgain(because=f"no answer within {timeout:.0f} s", fault="destination")
        except Exception as fault:  # noqa: BLE001  # a bug of one destination must not hold up the others
            _log.exception("a destination failed in a way it should not", delivery=str(ready.claimed.id))
            return TryAgain(because=f"it could not be sent ({type(fault).__name__}): see the log")

    async def _wait(self, until: datetime | None, called: asyncio.Event) -> bool:
        """Waits for what comes within a moment; False when nothing does."""
        if called.is_set():
            return True
        if until is None or until > self._clock() + self._stays_for:
            return False
        await happened(called, max(0.0, (until - self._clock()).total_seconds()))
        return True


async def _bounded(tx: AsyncConnection) -> asyncpg.Connection:
    """The driver's connection, in a transaction that ends when we hang: others wait for what it holds."""
    connection = await raw(tx)
    await connection.execute("SELECT set_config('idle_in_transaction_session_timeout', $1, true)", _HUNG_AFTER)
    return connection


async def _first_ended(under_way: dict["asyncio.Task[Outcome]", Claimed], called: asyncio.Event) -> list[Ended]:
    """Waits until something has ended, or somebody calls; what has ended is no longer under way."""
    if not under_way:
        return []
    calling = asyncio.create_task(called.wait())
    try:
        await asyncio.wait([*under_way, calling], timeout=_LOOKS_EVERY, return_when=asyncio.FIRST_COMPLETED)
        # Those that were sent together end together: they are settled together too.
        await asyncio.wait(under_way, timeout=_TOGETHER)
    finally:
        calling.cancel()
    done: list[tuple[Claimed, End]] = [(under_way.pop(task), task.result()) for task in list(under_way) if task.done()]
    return [Ended(claimed=claimed, end=end) for claimed, end in done]


async def _insist(step: Callable[[], Awaitable[Found]]) -> Found:
    """Tries again while the database is away: what was sent must not be forgotten."""
    end = asyncio.get_running_loop().time() + _KEPT_IN_MIND
    while True:
        try:
            return await step()
        except Exception as fault:
            if not is_away(fault) or asyncio.get_running_loop().time() > end:
                raise
            _log.warning("what was told can't be written down yet", fault=shown(fault))
        await asyncio.sleep(_BETWEEN_TRIES)
