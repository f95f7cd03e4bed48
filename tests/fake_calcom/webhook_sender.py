"""Delivers a world's webhooks, signed; some never arrive, some late, some twice."""

import hashlib
import heapq
import hmac
import random
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias

import httpx2

from showup.simulation.models import SimulatedWebhook
from showup.simulation.render import render
from tests.fake_calcom.registry import Webhook
from tests.fake_calcom.rows import SentWebhook
from tests.fake_calcom.world import World

VERSION = "2021-10-20"
MAX_ATTEMPTS = 3
RETRIED_STATUSES = {408, 429, 500, 502, 503, 504}
# Cal.com's own queue: a webhook arrives some seconds after it was queued.
_QUICKEST, _SLOWEST = 1.0, 12.0

SendWebhook: TypeAlias = Callable[[bytes, dict[str, str]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class DeliveryFaults:
    """Shares of webhooks that are lost, that are late (by up to `max_delay`), and that arrive twice."""

    lost: float = 0.0
    delayed: float = 0.0
    duplicated: float = 0.0
    max_delay: timedelta = timedelta(minutes=45)
    seed: int = 0


@dataclass(order=True, slots=True)
class _PendingDelivery:
    due_at: datetime
    number: int
    webhook: SentWebhook = field(compare=False)


class WebhookSender:
    """`send` receives a body with its headers. Late webhooks arrive after newer ones, so the order is lost too.

    Nothing arrives by itself: `deliver_due` delivers what is due by the world's clock, `deliver_all` everything.
    """

    def __init__(self, world: World, send: SendWebhook, *, secret: str, faults: DeliveryFaults | None = None) -> None:
        self.lost: list[SentWebhook] = []
        self.delivered: list[SentWebhook] = []
        self._world, self._send, self._secret = world, send, secret
        self._faults = faults or DeliveryFaults()
        self._chance = random.Random(self._faults.seed)  # noqa: S311 - repeatable, not secret
        self._fetched_count = 0
        self._pending: list[_PendingDelivery] = []
        self._number = 0

    @property
    def in_flight(self) -> int:
        self._fetch()
        return len(self._pending)

    async def deliver_due(self) -> int:
        """Returns how many were delivered."""
        return await self._deliver(self._world.clock())

    async def deliver_all(self) -> int:
        """Delivers all, even the late ones; the clock does not move."""
        return await self._deliver(None)

    async def ping(self) -> SentWebhook:
        """Delivers the test webhook of Cal.com's button: at once, and never lost."""
        at = self._world.clock()
        webhook = SentWebhook("PING", None, at, render(SimulatedWebhook("PING", at, 0)))
        await self._send(webhook.body, signed_headers(webhook.body, self._secret))
        return webhook

    async def _deliver(self, until: datetime | None) -> int:
        self._fetch()
        delivered_count = 0
        while self._pending and (until is None or self._pending[0].due_at <= until):
            webhook = heapq.heappop(self._pending).webhook
            await self._send(webhook.body, signed_headers(webhook.body, self._secret))
            self.delivered.append(webhook)
            delivered_count += 1
        return delivered_count

    def _fetch(self) -> None:
        sent = self._world.sent_webhooks
        for webhook in sent[self._fetched_count :]:
            self._schedule(webhook)
        self._fetched_count = len(sent)

    def _schedule(self, webhook: SentWebhook) -> None:
        # Always drawn, so that the fault of one webhook does not depend on earlier webhooks.
        lost, late, duplicated = (self._chance.random() for _ in range(3))
        delays = [self._delay(is_late=late < self._faults.delayed), self._delay(is_late=late < self._faults.delayed)]
        if lost < self._faults.lost:
            self.lost.append(webhook)
            return
        for delay in delays if duplicated < self._faults.duplicated else delays[:1]:
            self._number += 1
            heapq.heappush(self._pending, _PendingDelivery(webhook.at + delay, self._number, webhook))

    def _delay(self, *, is_late: bool) -> timedelta:
        base_delay = timedelta(seconds=self._chance.uniform(_QUICKEST, _SLOWEST))
        late = self._chance.random() * self._faults.max_delay
        return base_delay + late if is_late else base_delay


def signed_headers(body: bytes, secret: str) -> dict[str, str]:
    """Returns the headers of a webhook."""
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest() if secret else "no-secret-provided"
    return {
        "Content-Type": "application/json",
        "X-Cal-Signature-256": signature,
        "X-Cal-Webhook-Version": VERSION,
    }


def send_to_url(client: httpx2.AsyncClient, url: str) -> SendWebhook:
    """Posts the webhook, and up to twice more after failures that Cal.com retries."""

    async def send(body: bytes, headers: dict[str, str]) -> None:
        for _ in range(MAX_ATTEMPTS):
            try:
                answer = await client.post(url, content=body, headers=headers)
            except httpx2.TransportError:
                continue
            if answer.status_code not in RETRIED_STATUSES:
                return

    return send


async def ping_all(world: World, client: httpx2.AsyncClient, webhooks: Iterable[Webhook]) -> None:
    """Sends a test to each registered webhook, signed with its own secret."""
    for webhook in webhooks:
        if webhook.active:
            await WebhookSender(world, send_to_url(client, webhook.subscriber_url), secret=webhook.secret or "").ping()
