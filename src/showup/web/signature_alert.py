"""Alert workspaces to repeated bad signatures, by a system notification to the affected workspaces."""

import asyncio
from collections.abc import Collection
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.access.refusals_store import Reason
from showup.clock import Clock
from showup.database.engine import driver_connection, transaction
from showup.database.fault import describe_error
from showup.outbox.system_notifications import SystemNotification, notify_subscribers
from showup.web.refusal_recorder import RefusalRecorder
from showup.web.signature_counter import ALERT_THRESHOLD, BadSignatureCounter

KIND: Final = "signatures.bad"
_TIMEOUT: Final = 10.0
# Each alert is a few small writes; more at once would mean that the database is unavailable.
_MAX_CONCURRENT: Final = 4

_log = structlog.get_logger()


class SignatureAlert:
    """Sends alerts in the background: a webhook endpoint neither waits for the database nor fails with it."""

    def __init__(self, engine: AsyncEngine | None, clock: Clock) -> None:
        """Without `engine`, alerts are only logged."""
        self._engine = engine
        self._clock = clock
        self._counter = BadSignatureCounter()
        self._refusals = RefusalRecorder(engine, clock)
        self._tasks: set[asyncio.Task[None]] = set()

    def record(
        self,
        account: str,
        source_address: str | None,
        workspaces: Collection[UUID],
        *,
        kind: str = "calcom",
        is_missing: bool = False,
    ) -> None:
        """Record a webhook whose signature is wrong or missing; after many of them, notify the workspaces."""
        reason: Reason = "no_signature" if is_missing else "wrong_signature"
        self._refusals.record(kind, account, reason, source_address)
        should_notify = self._counter.record(account, source_address, self._clock(), is_missing=is_missing)
        if not should_notify or self._engine is None:
            return
        if len(self._tasks) >= _MAX_CONCURRENT:
            _log.warning("signature alert dropped: too many in progress", account=account)
            return
        task = asyncio.create_task(self._send(self._engine, list(workspaces), account))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def record_unknown(self, name: str, source_address: str | None, *, kind: str = "calcom") -> None:
        """Record a webhook for an account or connection that does not exist."""
        # Strangers choose the names, so all unknown ones are counted together.
        self._refusals.record(kind, "", "unknown_name", source_address)
        self._counter.record_unknown(name, source_address, self._clock())

    async def wait_until_sent(self) -> None:
        """Wait until all pending alerts are sent, and all refusals stored."""
        await self._refusals.flush()
        await asyncio.gather(*self._tasks)

    async def _send(self, engine: AsyncEngine, workspaces: Collection[UUID], account: str) -> None:
        now = self._clock()
        # At most one alert per hour and account, from all processes together.
        key = f"{KIND}:{account}:{now:%Y-%m-%dT%H}"
        notification = SystemNotification(kind=KIND, key=key, details={"account": account, "at_least": ALERT_THRESHOLD})
        try:
            async with asyncio.timeout(_TIMEOUT), transaction(engine) as tx:
                for workspace_id in workspaces:
                    await notify_subscribers(await driver_connection(tx), workspace_id, [notification], now)
        except Exception as fault:  # noqa: BLE001  # the webhook is already answered; an alert must not fail it
            _log.warning("signature alert failed", account=account, fault=describe_error(fault))
