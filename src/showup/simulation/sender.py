"""Sends webhooks over HTTP at a steady pace, tries again as Cal.com does, and counts what came of it."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import httpx2

from showup.simulation.wire import Outgoing, headers

# Cal.com tries these again, and nothing else.
_TRY_AGAIN = frozenset({408, 429, 500, 502, 503, 504})
_MOST_PATIENCE = 10.0


@dataclass(frozen=True, slots=True)
class Pace:
    """`rate` in webhooks a second (0: as fast as it goes), `backoff_for` in seconds before the second try."""

    rate: float = 50.0
    at_once: int = 32
    tries: int = 6
    backoff_for: float = 0.25


@dataclass(frozen=True, slots=True)
class Answer:
    """`status` is None when nobody answered; `seconds` is what the last try took."""

    status: int | None
    seconds: float
    tries: int
    word: str | None = None
    event_id: str | None = None


@dataclass(slots=True)
class Summary:
    """What came of a run. `refused` counts the answers that were no success, by status or fault."""

    sent: int = 0
    accepted: int = 0
    duplicates: int = 0
    tried_again: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    event_ids: set[str] = field(default_factory=set)
    latencies: list[float] = field(default_factory=list)

    def count(self, answer: Answer) -> None:
        self.sent += 1
        self.tried_again += answer.tries - 1
        if answer.status is None or not 200 <= answer.status < 300:
            self.refused[str(answer.status or "no answer")] += 1
            return
        self.accepted += 1
        self.duplicates += answer.word == "duplicate"
        self.latencies.append(answer.seconds)
        if answer.event_id is not None:
            self.event_ids.add(answer.event_id)

    def latency(self, share: float) -> float | None:
        """The seconds within which this `share` (0 to 1) of the successes were answered; None without any."""
        if not self.latencies:
            return None
        ranked = sorted(self.latencies)
        return ranked[min(len(ranked) - 1, int(share * len(ranked)))]


async def send(
    client: httpx2.AsyncClient,
    webhooks: Sequence[Outgoing],
    pace: Pace,
    on_answer: Callable[[Answer], None] = lambda _: None,
) -> Summary:
    """Sends `webhooks` in their order, at most `pace.at_once` unanswered; every fault is an `Answer`."""
    summary, began_at = Summary(), time.perf_counter()
    room = asyncio.Semaphore(pace.at_once)

    async def one(outgoing: Outgoing) -> None:
        try:
            answer = await _sent(client, outgoing, pace)
        finally:
            room.release()
        summary.count(answer)
        on_answer(answer)

    async with asyncio.TaskGroup() as tasks:
        for place, outgoing in enumerate(webhooks):
            await room.acquire()
            if pace.rate > 0:
                await asyncio.sleep(max(0.0, began_at + place / pace.rate - time.perf_counter()))
            tasks.create_task(one(outgoing))
    summary.seconds = time.perf_counter() - began_at
    return summary


async def _sent(client: httpx2.AsyncClient, outgoing: Outgoing, pace: Pace) -> Answer:
    """The last answer to one webhook, with the same bytes at each try."""
    for tries in range(1, pace.tries + 1):
        began_at = time.perf_counter()
        try:
            response = await client.post(outgoing.door.url, content=outgoing.body, headers=headers(outgoing))
        except httpx2.TransportError:
            response = None
        seconds = time.perf_counter() - began_at
        done = response is not None and response.status_code not in _TRY_AGAIN
        if done or tries == pace.tries:
            return _read(response, seconds, tries)
        await asyncio.sleep(_wait_for(response, tries, pace))
    raise AssertionError("a pace has at least one try")


def _wait_for(response: httpx2.Response | None, tries: int, pace: Pace) -> float:
    asked = response.headers.get("Retry-After", "") if response is not None else ""
    backoff = pace.backoff_for * 2.0 ** (tries - 1)
    return min(max(backoff, float(asked) if asked.isdigit() else 0.0), _MOST_PATIENCE)


def _read(response: httpx2.Response | None, seconds: float, tries: int) -> Answer:
    if response is None:
        return Answer(None, seconds, tries)
    try:
        said = response.json()
    except ValueError:
        said = None
    if not isinstance(said, dict):
        return Answer(response.status_code, seconds, tries)
    word, event_id = said.get("status"), said.get("id")
    return Answer(
        response.status_code,
        seconds,
        tries,
        word if isinstance(word, str) else None,
        event_id if isinstance(event_id, str) else None,
    )
