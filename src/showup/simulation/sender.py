"""Sends webhooks over HTTP at a steady rate, retries as Cal.com does, and counts the results."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import httpx2

from showup.simulation.wire import OutgoingWebhook, signed_headers

# Cal.com retries these statuses and no others.
_RETRIED_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
_MAX_BACKOFF = 10.0


@dataclass(frozen=True, slots=True)
class SendOptions:
    """`rate` in webhooks per second (0: unlimited), `initial_backoff` in seconds before the second attempt."""

    rate: float = 50.0
    concurrency: int = 32
    max_attempts: int = 6
    initial_backoff: float = 0.25


@dataclass(frozen=True, slots=True)
class SendResult:
    """`status` is None without an answer; `seconds` is the duration of the last attempt."""

    status: int | None
    seconds: float
    attempts: int
    outcome: str | None = None
    event_id: str | None = None


@dataclass(slots=True)
class SendSummary:
    """The result of a run. `failures` counts the answers that were no success, by status or error."""

    sent: int = 0
    accepted: int = 0
    duplicates: int = 0
    retries: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    event_ids: set[str] = field(default_factory=set)
    latencies: list[float] = field(default_factory=list)

    def count(self, result: SendResult) -> None:
        self.sent += 1
        self.retries += result.attempts - 1
        if result.status is None or not 200 <= result.status < 300:
            self.failures[str(result.status or "no answer")] += 1
            return
        self.accepted += 1
        self.duplicates += result.outcome == "duplicate"
        self.latencies.append(result.seconds)
        if result.event_id is not None:
            self.event_ids.add(result.event_id)

    def latency(self, quantile: float) -> float | None:
        """Returns the `quantile` (0 to 1) of the latencies of successes, in seconds; None without any."""
        if not self.latencies:
            return None
        ranked = sorted(self.latencies)
        return ranked[min(len(ranked) - 1, int(quantile * len(ranked)))]


async def send(
    client: httpx2.AsyncClient,
    webhooks: Sequence[OutgoingWebhook],
    options: SendOptions,
    on_result: Callable[[SendResult], None] = lambda _: None,
) -> SendSummary:
    """Sends `webhooks` in order, at most `options.concurrency` unanswered; every failure becomes a `SendResult`."""
    summary, started_at = SendSummary(), time.perf_counter()
    semaphore = asyncio.Semaphore(options.concurrency)

    async def send_one(outgoing: OutgoingWebhook) -> None:
        try:
            result = await _send_with_retries(client, outgoing, options)
        finally:
            semaphore.release()
        summary.count(result)
        on_result(result)

    async with asyncio.TaskGroup() as tasks:
        for position, outgoing in enumerate(webhooks):
            await semaphore.acquire()
            if options.rate > 0:
                await asyncio.sleep(max(0.0, started_at + position / options.rate - time.perf_counter()))
            tasks.create_task(send_one(outgoing))
    summary.seconds = time.perf_counter() - started_at
    return summary


async def _send_with_retries(client: httpx2.AsyncClient, outgoing: OutgoingWebhook, options: SendOptions) -> SendResult:
    """Returns the last answer to one webhook; each attempt has the same bytes."""
    for attempt in range(1, options.max_attempts + 1):
        started_at = time.perf_counter()
        try:
            response = await client.post(outgoing.endpoint.url, content=outgoing.body, headers=signed_headers(outgoing))
        except httpx2.TransportError:
            response = None
        seconds = time.perf_counter() - started_at
        is_final = response is not None and response.status_code not in _RETRIED_STATUSES
        if is_final or attempt == options.max_attempts:
            return _parse(response, seconds, attempt)
        await asyncio.sleep(_backoff(response, attempt, options))
    raise AssertionError("max_attempts is at least 1")


def _backoff(response: httpx2.Response | None, attempt: int, options: SendOptions) -> float:
    retry_after = response.headers.get("Retry-After", "") if response is not None else ""
    backoff = options.initial_backoff * 2.0 ** (attempt - 1)
    return min(max(backoff, float(retry_after) if retry_after.isdigit() else 0.0), _MAX_BACKOFF)


def _parse(response: httpx2.Response | None, seconds: float, attempts: int) -> SendResult:
    if response is None:
        return SendResult(None, seconds, attempts)
    try:
        payload = response.json()
    except ValueError:
        payload = None
    if not isinstance(payload, dict):
        return SendResult(response.status_code, seconds, attempts)
    outcome, event_id = payload.get("status"), payload.get("id")
    return SendResult(
        response.status_code,
        seconds,
        attempts,
        outcome if isinstance(outcome, str) else None,
        event_id if isinstance(event_id, str) else None,
    )
