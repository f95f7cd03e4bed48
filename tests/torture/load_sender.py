"""Sends webhooks as Cal.com does: signed, repeated until a 2xx; it records each 2xx."""

import asyncio
import hashlib
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from math import inf

import httpx2

from showup.simulation.wire import OutgoingWebhook, signed_headers
from tests.showup_process import TIMEOUT

_AT_ONCE = 32
_PAUSES = (0.02, 0.25)
# A request without an answer ends after this time, as at Cal.com.
_ANSWERED_WITHIN = 10.0


@dataclass(frozen=True, slots=True)
class Promise:
    """A 2xx: the account, the SHA-256 of the body, and the answer."""

    account: str
    digest: bytes
    outcome: str
    event_id: str


@dataclass(slots=True)
class Sent:
    """All answers so far. `unexpected` counts the answers that no client should get, whatever dies.

    `slowest` is the time of the slowest 503, in seconds; `waits` are those of all 2xx.
    """

    bodies: set[tuple[str, bytes]] = field(default_factory=set)
    promises: list[Promise] = field(default_factory=list)
    retried: Counter[str] = field(default_factory=Counter)
    unexpected: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    waits: list[float] = field(default_factory=list)

    @property
    def accepted(self) -> set[tuple[str, bytes]]:
        """Returns the accounts and digests of all bodies that were answered 2xx."""
        return {(one.account, one.digest) for one in self.promises}


class LoadSender:
    """Sends each request to a random one of `addresses`, which may change from one attempt to the next.

    `per_second`: how many webhooks begin in a second; None for as many as are answered.
    """

    def __init__(
        self,
        addresses: Callable[[], Sequence[str]],
        rng: random.Random,
        sent: Sent,
        *,
        per_second: float | None = None,
    ) -> None:
        self._addresses = addresses
        self._per_second = per_second
        self._rng = rng
        self._progress = asyncio.Condition()
        self._is_finished = False
        self._is_running = asyncio.Event()
        self._is_running.set()
        self.sent = sent
        self.on_promise: Callable[[], None] = lambda: None

    async def send(self, webhooks: Sequence[OutgoingWebhook]) -> None:
        """Sends until every body was answered 2xx."""
        semaphore = asyncio.Semaphore(_AT_ONCE)
        limits = httpx2.Limits(max_connections=_AT_ONCE, max_keepalive_connections=_AT_ONCE)
        time_limit = 2 * TIMEOUT + len(webhooks) / (self._per_second or inf)
        loop = asyncio.get_running_loop()
        began_at = loop.time()
        async with (
            httpx2.AsyncClient(timeout=_ANSWERED_WITHIN, limits=limits, trust_env=False) as client,
            asyncio.timeout(time_limit),
            asyncio.TaskGroup() as tasks,
        ):
            for number, one in enumerate(webhooks):
                if self._per_second is not None:
                    await asyncio.sleep(began_at + number / self._per_second - loop.time())
                await self._is_running.wait()
                await semaphore.acquire()
                tasks.create_task(self._send_until_accepted(client, one)).add_done_callback(
                    lambda _: semaphore.release()
                )
        async with self._progress:
            self._is_finished = True
            self._progress.notify_all()

    @asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """Starts no further webhook until the end of the block."""
        self._is_running.clear()
        try:
            yield
        finally:
            self._is_running.set()

    async def wait_for_accepted(self, count: int) -> None:
        """Returns as soon as so many were answered 2xx; raises TimeoutError when that doesn't happen."""
        async with asyncio.timeout(2 * TIMEOUT), self._progress:
            await self._progress.wait_for(lambda: len(self.sent.promises) >= count)

    async def wait_for_refusals(self, count: int) -> None:
        """Returns once so many more attempts were answered 503, or nothing is left to send."""
        required = self.sent.retried["503"] + count
        async with self._progress:
            await self._progress.wait_for(lambda: self._is_finished or self.sent.retried["503"] >= required)

    async def _send_until_accepted(self, client: httpx2.AsyncClient, webhook: OutgoingWebhook) -> None:
        account = webhook.endpoint.url.rpartition("/")[2]
        digest = hashlib.sha256(webhook.body).digest()
        self.sent.bodies.add((account, digest))
        while (payload := await self._attempt(client, webhook)) is None:
            async with self._progress:
                self._progress.notify_all()
            await asyncio.sleep(self._rng.uniform(*_PAUSES))
        async with self._progress:
            self.sent.promises.append(Promise(account, digest, payload["status"], payload["id"]))
            self._progress.notify_all()
        self.on_promise()

    async def _attempt(self, client: httpx2.AsyncClient, webhook: OutgoingWebhook) -> dict[str, str] | None:
        address = self._rng.choice(self._addresses())
        try:
            response = await client.post(
                address + webhook.endpoint.url, content=webhook.body, headers=signed_headers(webhook)
            )
        except httpx2.TransportError as fault:
            self.sent.retried[type(fault).__name__] += 1
            return None
        if response.is_success:
            self.sent.waits.append(response.elapsed.total_seconds())
            payload: dict[str, str] = response.json()
            return payload
        (self.sent.retried if _is_retryable(response) else self.sent.unexpected)[str(response.status_code)] += 1
        self.sent.slowest = max(self.sent.slowest, response.elapsed.total_seconds())
        return None


def _is_retryable(response: httpx2.Response) -> bool:
    return response.status_code == 503 and "Retry-After" in response.headers
