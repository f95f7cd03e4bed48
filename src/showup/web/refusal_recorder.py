"""Stores refused signatures for `showup doctor`, which runs in another process: at most one write a second."""

import asyncio
from ipaddress import IPv6Address, ip_address
from typing import Final, TypeAlias

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.access import refusals_store
from showup.access.refusals_store import Reason, RefusedWebhooks
from showup.clock import Clock
from showup.database.engine import driver_connection, transaction
from showup.database.fault import describe_error
from showup.web.client_network import client_network

_INTERVAL: Final = 1.0
_TIMEOUT: Final = 10.0
_Key: TypeAlias = tuple[str, str, Reason]

_log = structlog.get_logger()


class RefusalRecorder:
    """Collects refusals in memory, and adds them to the database in the background.

    However many webhooks strangers send, memory and table have two entries for each account, and one for all unknown
    names.
    """

    def __init__(self, engine: AsyncEngine | None, clock: Clock, *, interval: float = _INTERVAL) -> None:
        """Without `engine`, nothing is stored. `interval`: seconds between two writes."""
        self._engine = engine
        self._clock = clock
        self._interval = interval
        self._pending: dict[_Key, RefusedWebhooks] = {}
        self._task: asyncio.Task[None] | None = None
        self._writing = asyncio.Lock()

    def record(self, kind: str, name: str, reason: Reason, source_address: str | None) -> None:
        """Record one refusal; the writing happens later."""
        if self._engine is None:
            return
        now = self._clock()
        source = _network(source_address)
        one = RefusedWebhooks(
            kind=kind, name=name, reason=reason, count=1, first_at=now, last_at=now, sources={source: 1}
        )
        self._merge(one)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._write_later())

    async def flush(self) -> None:
        """Write what is pending now, after a write that is in progress."""
        async with self._writing:
            pending, self._pending = self._pending, {}
            if pending and self._engine is not None:
                await self._write(self._engine, pending)

    async def _write(self, engine: AsyncEngine, pending: dict[_Key, RefusedWebhooks]) -> None:
        try:
            async with asyncio.timeout(_TIMEOUT), transaction(engine) as tx:
                await refusals_store.add(await driver_connection(tx), list(pending.values()))
        except Exception as fault:  # noqa: BLE001  # the webhooks are already answered; the next write tries again
            _log.warning("refused webhooks not recorded yet", fault=describe_error(fault))
            for one in pending.values():
                self._merge(one)

    def _merge(self, one: RefusedWebhooks) -> None:
        known = self._pending.setdefault((one.kind, one.name, one.reason), one)
        if known is not one:
            known.add(one.count, one.last_at, one.sources)

    async def _write_later(self) -> None:
        """Writes until nothing is pending: refusals also come while others are written, and a write can fail."""
        while self._pending:
            await asyncio.sleep(self._interval)
            await self.flush()


def _network(address: str | None) -> str:
    """Return the address, or its network if its owner may use any address in it."""
    try:
        parsed = ip_address(address or "")
    except ValueError:
        return "unknown"
    return str(client_network(parsed) if isinstance(parsed, IPv6Address) else parsed)
