"""One endpoint: what it is sent is signed by all of its secrets, and every answer is an outcome."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import httpx2
import msgspec

from showup.clock import Clock
from showup.destinations.contract import Attempt, Content, Delivered, Notice, Outcome, Pace, TryAgain
from showup.destinations.retry_after import not_before
from showup.destinations.webhook import render
from showup.destinations.webhook.secrets import signed
from showup.destinations.wire import plain, unanswered

PACE: Final = Pace(
    rate_per_second=20,
    at_once=5,
    timeout=timedelta(seconds=20),
    retry_after=(
        timedelta(seconds=5),
        timedelta(minutes=5),
        timedelta(minutes=30),
        timedelta(hours=2),
        timedelta(hours=5),
        timedelta(hours=10),
    ),
)
_NAME: Final = "the endpoint"
_WITHIN: Final = 15.0
# Enough of an answer to tell what is wrong, and never all that somebody may send.
_READ_AT_MOST: Final = 2_000
# These speak of the one message; with all others, the next one would fare no better.
_ABOUT_THIS_ONE: Final = frozenset({400, 406, 409, 413, 415, 422})


class WebhookDestination:
    """Sends to one address. What comes again, after a lost answer or by hand, has the same id and the same body."""

    def __init__(self, client: httpx2.AsyncClient, *, url: str, secrets: Sequence[str], clock: Clock) -> None:
        """`client` goes to public addresses alone, unless others are allowed; `secrets`: the newest first."""
        self._client = client
        self._url = url
        self._secrets = secrets
        self._clock = clock

    @property
    def pace(self) -> Pace:
        """Seven attempts within a day."""
        return PACE

    def render(self, notice: Notice) -> Content:
        """The body. Raises CannotRender."""
        return render.content(notice)

    async def send(self, attempt: Attempt) -> Outcome:
        """One attempt."""
        try:
            async with asyncio.timeout(_WITHIN):
                return await self._asked(attempt)
        except TimeoutError:
            return TryAgain(because=f"{_NAME} did not answer within {_WITHIN:.0f} seconds", fault="destination")
        except httpx2.InvalidURL:
            return TryAgain(because=f"the address of {_NAME} can't be used: correct it", fault="destination")
        except httpx2.RequestError as error:
            return unanswered(_NAME, error)

    async def _asked(self, attempt: Attempt) -> Outcome:
        body = msgspec.json.encode(attempt.content)
        headers = signed(self._secrets, str(attempt.delivery_id), self._clock(), body)
        headers |= {"Content-Type": "application/json", "Accept-Encoding": "identity"}
        async with self._client.stream(
            "POST", self._url, content=body, headers=headers, follow_redirects=False
        ) as answer:
            return self._outcome(answer, await _words(answer))

    def _outcome(self, answer: httpx2.Response, words: str) -> Outcome:
        status = answer.status_code
        if answer.is_success:
            return Delivered(provider="webhook")
        said = f"{_NAME} answered {status}{words}"
        if status == 410:
            return TryAgain(because=f"{said}: it wants to be told no more", fault="gone")
        if answer.is_redirect:
            told = f"{said}: it leads elsewhere, and nothing is sent on. Register the address that it leads to"
            return TryAgain(because=told, fault="destination")
        later = not_before(answer.headers, self._clock())
        if status == 429 and later is not None:
            return TryAgain(because=f"{said}: it takes no more for now", not_before=later, fault="limit")
        return TryAgain(
            because=said, not_before=later, fault="delivery" if status in _ABOUT_THIS_ONE else "destination"
        )


async def _words(answer: httpx2.Response) -> str:
    """The beginning of what it answered, where that is text for programs or people, and no page."""
    kind = answer.headers.get("content-type", "")
    # What is packed small may be large beyond measure.
    if "content-encoding" in answer.headers or not kind.startswith(("text/plain", "application/")):
        return ""
    read = b""
    async for part in answer.aiter_raw(_READ_AT_MOST):
        read += part
        if len(read) >= _READ_AT_MOST:
            break
    words = plain(read[:_READ_AT_MOST].decode(errors="replace"), "")
    return f" ({words})" if words else ""
