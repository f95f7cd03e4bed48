"""The alarm of bad signatures, heard by the team too: a notice for whoever listens in the workspaces in question."""

import asyncio
from collections.abc import Collection
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.clock import Clock
from showup.database.engine import raw, transaction
from showup.database.fault import shown
from showup.deliveries.sequels import Sequel, follow
from showup.web.alarm import MANY, SignatureAlarm

KIND: Final = "signatures.bad"
_WITHIN: Final = 10.0
# Each is some small writes; more at a time would mean that the database is away.
_MOST_AT_ONCE: Final = 4

_log = structlog.get_logger()


class Bell:
    """Rings beside the answer: no door waits for the database, and none fails with it."""

    def __init__(self, engine: AsyncEngine | None, clock: Clock) -> None:
        """Without `engine` it is heard in the log alone."""
        self._engine = engine
        self._clock = clock
        self._alarm = SignatureAlarm()
        self._ringing: set[asyncio.Task[None]] = set()

    def note(self, account: str, source_address: str | None, workspaces: Collection[UUID]) -> None:
        """Notes a bad signature; when they have become many, the workspaces are told."""
        rings = self._alarm.note(account, source_address, self._clock())
        if not rings or self._engine is None:
            return
        if len(self._ringing) >= _MOST_AT_ONCE:
            _log.warning("nobody is told of bad signatures: others are still being told", account=account)
            return
        ringing = asyncio.create_task(self._ring(self._engine, list(workspaces), account))
        self._ringing.add(ringing)
        ringing.add_done_callback(self._ringing.discard)

    async def rung(self) -> None:
        """Returns when everybody is told who is to be told."""
        await asyncio.gather(*self._ringing)

    async def _ring(self, engine: AsyncEngine, workspaces: Collection[UUID], account: str) -> None:
        now = self._clock()
        # One an hour and account, from however many processes.
        key = f"{KIND}:{account}:{now:%Y-%m-%dT%H}"
        told = Sequel(kind=KIND, key=key, details={"account": account, "at_least": MANY})
        try:
            async with asyncio.timeout(_WITHIN), transaction(engine) as tx:
                for workspace_id in workspaces:
                    await follow(await raw(tx), workspace_id, [told], now)
        except Exception as fault:  # noqa: BLE001  # whatever it is, the door has answered and goes on
            _log.warning("nobody could be told of bad signatures", account=account, fault=shown(fault))
