"""Brings a world's webhooks to whoever listens, signed; some never arrive, some late, some twice."""

import hashlib
import heapq
import hmac
import random
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias

import httpx2

from tests.calcom_far.bodies import enveloped, ping_fields
from tests.calcom_far.registry import Webhook
from tests.calcom_far.rows import News
from tests.calcom_far.world import World

VERSION = "2021-10-20"
TRIES = 3
RETRIED = {408, 429, 500, 502, 503, 504}
# Cal.com's own queue: a webhook arrives some seconds after it was queued.
_QUICKEST, _SLOWEST = 1.0, 12.0

Carry: TypeAlias = Callable[[bytes, dict[str, str]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Fate:
    """Shares of webhooks that are lost, that come late (by up to `latest`), and that come twice."""

    lost: float = 0.0
    delayed: float = 0.0
    doubled: float = 0.0
    latest: timedelta = timedelta(minutes=45)
    seed: int = 0


@dataclass(order=True, slots=True)
class _OnItsWay:
    due_at: datetime
    number: int
    news: News = field(compare=False)


class Courier:
    """`carry` takes a body with its headers. Late ones overtake each other, so that order is lost too.

    Nothing arrives by itself: `deliver_due` brings what is due by the world's clock, `deliver_all` whatever there is.
    """

    def __init__(self, world: World, carry: Carry, *, secret: str, fate: Fate | None = None) -> None:
        self.lost: list[News] = []
        self.delivered: list[News] = []
        self._world, self._carry, self._secret = world, carry, secret
        self._fate = fate or Fate()
        self._chance = random.Random(self._fate.seed)  # noqa: S311 - chance that can be repeated
        self._fetched = 0
        self._way: list[_OnItsWay] = []
        self._number = 0

    @property
    def in_flight(self) -> int:
        self._fetch()
        return len(self._way)

    async def deliver_due(self) -> int:
        """How many were brought."""
        return await self._deliver(self._world.clock())

    async def deliver_all(self) -> int:
        """However late they are; the clock does not move."""
        return await self._deliver(None)

    async def ping(self) -> News:
        """The test that a button of Cal.com's sends: at once, and never lost."""
        at = self._world.clock()
        news = News("PING", None, at, enveloped("PING", at, ping_fields(at)))
        await self._carry(news.body, signed(news.body, self._secret))
        return news

    async def _deliver(self, until: datetime | None) -> int:
        self._fetch()
        brought = 0
        while self._way and (until is None or self._way[0].due_at <= until):
            news = heapq.heappop(self._way).news
            await self._carry(news.body, signed(news.body, self._secret))
            self.delivered.append(news)
            brought += 1
        return brought

    def _fetch(self) -> None:
        said = self._world.said
        for news in said[self._fetched :]:
            self._send_off(news)
        self._fetched = len(said)

    def _send_off(self, news: News) -> None:
        # Always drawn, so that what happens to one webhook does not depend on what happened to those before.
        lost, late, twice = (self._chance.random() for _ in range(3))
        waits = [self._wait(is_late=late < self._fate.delayed), self._wait(is_late=late < self._fate.delayed)]
        if lost < self._fate.lost:
            self.lost.append(news)
            return
        for wait in waits if twice < self._fate.doubled else waits[:1]:
            self._number += 1
            heapq.heappush(self._way, _OnItsWay(news.at + wait, self._number, news))

    def _wait(self, *, is_late: bool) -> timedelta:
        usual = timedelta(seconds=self._chance.uniform(_QUICKEST, _SLOWEST))
        late = self._chance.random() * self._fate.latest
        return usual + late if is_late else usual


def signed(body: bytes, secret: str) -> dict[str, str]:
    """The headers of a delivery."""
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest() if secret else "no-secret-provided"
    return {
        "Content-Type": "application/json",
        "X-Cal-Signature-256": signature,
        "X-Cal-Webhook-Version": VERSION,
    }


def to_url(client: httpx2.AsyncClient, url: str) -> Carry:
    """Posts there, and up to twice more where that fails in a way that Cal.com tries again."""

    async def carry(body: bytes, headers: dict[str, str]) -> None:
        for _ in range(TRIES):
            try:
                answer = await client.post(url, content=body, headers=headers)
            except httpx2.TransportError:
                continue
            if answer.status_code not in RETRIED:
                return

    return carry


async def ping_all(world: World, client: httpx2.AsyncClient, webhooks: Iterable[Webhook]) -> None:
    """A test of each registered webhook, signed with its own secret."""
    for webhook in webhooks:
        if webhook.active:
            await Courier(world, to_url(client, webhook.subscriber_url), secret=webhook.secret or "").ping()
