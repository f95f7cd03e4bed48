"""Cal.com as Showup meets it: signed webhooks, sent again until somebody says 2xx, and each 2xx remembered."""

import asyncio
import hashlib
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx2

from showup.simulation.wire import Outgoing, headers
from tests.serving import AT_MOST

_AT_ONCE = 32
_PAUSES = (0.02, 0.25)
# A request that is answered by nobody is given up, as Cal.com gives it up.
_ANSWERED_WITHIN = 10.0


@dataclass(frozen=True, slots=True)
class Promise:
    """A 2xx: the account it was said to, the SHA-256 of the body, and what was said."""

    account: str
    digest: bytes
    word: str
    event_id: str


@dataclass(slots=True)
class Sent:
    """What was answered so far. `odd` counts the answers that nobody should get, whatever dies.

    `slowest` is what the slowest 503 took, in seconds.
    """

    bodies: set[tuple[str, bytes]] = field(default_factory=set)
    promises: list[Promise] = field(default_factory=list)
    put_off: Counter[str] = field(default_factory=Counter)
    odd: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0

    @property
    def promised(self) -> set[tuple[str, bytes]]:
        """The accounts and digests of all that was answered 2xx."""
        return {(one.account, one.digest) for one in self.promises}


class Sender:
    """Sends to whichever of `addresses` chance names; they may change from one try to the next."""

    def __init__(self, addresses: Callable[[], Sequence[str]], rng: random.Random, sent: Sent) -> None:
        self._addresses = addresses
        self._rng = rng
        self._moved = asyncio.Condition()
        self._over = False
        self._going = asyncio.Event()
        self._going.set()
        self.sent = sent
        self.on_promise: Callable[[], None] = lambda: None

    async def send(self, webhooks: Sequence[Outgoing]) -> None:
        """Until every one of them was answered 2xx."""
        room = asyncio.Semaphore(_AT_ONCE)
        limits = httpx2.Limits(max_connections=_AT_ONCE, max_keepalive_connections=_AT_ONCE)
        async with (
            httpx2.AsyncClient(timeout=_ANSWERED_WITHIN, limits=limits, trust_env=False) as client,
            asyncio.timeout(2 * AT_MOST),
            asyncio.TaskGroup() as tasks,
        ):
            for one in webhooks:
                await self._going.wait()
                await room.acquire()
                tasks.create_task(self._deliver(client, one)).add_done_callback(lambda _: room.release())
        async with self._moved:
            self._over = True
            self._moved.notify_all()

    @asynccontextmanager
    async def waiting(self) -> AsyncIterator[None]:
        """Begins with no further webhook until the end of the block."""
        self._going.clear()
        try:
            yield
        finally:
            self._going.set()

    async def promised(self, count: int) -> None:
        """Returns as soon as so many were answered 2xx; raises TimeoutError when that doesn't happen."""
        async with asyncio.timeout(2 * AT_MOST), self._moved:
            await self._moved.wait_for(lambda: len(self.sent.promises) >= count)

    async def refused(self, more: int) -> None:
        """Returns once so many more tries were answered 503, or nothing is left to be sent."""
        enough = self.sent.put_off["503"] + more
        async with self._moved:
            await self._moved.wait_for(lambda: self._over or self.sent.put_off["503"] >= enough)

    async def _deliver(self, client: httpx2.AsyncClient, webhook: Outgoing) -> None:
        account = webhook.door.url.rpartition("/")[2]
        digest = hashlib.sha256(webhook.body).digest()
        self.sent.bodies.add((account, digest))
        while (said := await self._try(client, webhook)) is None:
            async with self._moved:
                self._moved.notify_all()
            await asyncio.sleep(self._rng.uniform(*_PAUSES))
        async with self._moved:
            self.sent.promises.append(Promise(account, digest, said["status"], said["id"]))
            self._moved.notify_all()
        self.on_promise()

    async def _try(self, client: httpx2.AsyncClient, webhook: Outgoing) -> dict[str, str] | None:
        address = self._rng.choice(self._addresses())
        try:
            answer = await client.post(address + webhook.door.url, content=webhook.body, headers=headers(webhook))
        except httpx2.TransportError as fault:
            self.sent.put_off[type(fault).__name__] += 1
            return None
        if answer.is_success:
            said: dict[str, str] = answer.json()
            return said
        (self.sent.put_off if _asks_for_another_try(answer) else self.sent.odd)[str(answer.status_code)] += 1
        self.sent.slowest = max(self.sent.slowest, answer.elapsed.total_seconds())
        return None


def _asks_for_another_try(answer: httpx2.Response) -> bool:
    return answer.status_code == 503 and "Retry-After" in answer.headers
