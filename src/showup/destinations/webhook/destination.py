"""One outgoing webhook: each request is signed with all of its secrets, and each response becomes an outcome."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import httpx2
import msgspec

from showup.clock import Clock
from showup.destinations.contract import Attempt, Content, Delivered, Notification, Outcome, Pace, TryAgain
from showup.destinations.retry_after import not_before
from showup.destinations.vendor_api import no_response, short_message
from showup.destinations.webhook import render
from showup.destinations.webhook.secrets import sign_headers

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
_TIMEOUT_SECONDS: Final = 15.0
# Long enough to explain an error, and a limit on what is read.
_MAX_EXCERPT_BYTES: Final = 2_000
# These statuses concern one message; with all others, the next message would fail too.
_MESSAGE_ERRORS: Final = frozenset({400, 406, 409, 413, 415, 422})


class WebhookDestination:
    """Sends to one address. A repeat, automatic or manual, has the same id and the same body."""

    def __init__(self, client: httpx2.AsyncClient, *, url: str, secrets: Sequence[str], clock: Clock) -> None:
        """`client` connects to public addresses only, unless others are allowed; `secrets` has the newest first."""
        self._client = client
        self._url = url
        self._secrets = secrets
        self._clock = clock

    @property
    def pace(self) -> Pace:
        """Returns the delivery limits: seven attempts within a day."""
        return PACE

    def render(self, notification: Notification) -> Content:
        """Returns the body. Raises CannotRender."""
        return render.content(notification)

    async def send(self, attempt: Attempt) -> Outcome:
        """Makes one attempt."""
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                return await self._post(attempt)
        except TimeoutError:
            return TryAgain(
                because=f"{_NAME} did not answer within {_TIMEOUT_SECONDS:.0f} seconds", fault="destination"
            )
        except httpx2.InvalidURL:
            return TryAgain(because=f"the URL of {_NAME} is invalid: correct it", fault="destination")
        except httpx2.RequestError as error:
            return no_response(_NAME, error)

    async def _post(self, attempt: Attempt) -> Outcome:
        body = msgspec.json.encode(attempt.content)
        headers = sign_headers(self._secrets, str(attempt.delivery_id), self._clock(), body)
        headers |= {"Content-Type": "application/json", "Accept-Encoding": "identity"}
        async with self._client.stream(
            "POST", self._url, content=body, headers=headers, follow_redirects=False
        ) as response:
            return self._outcome(response, await _error_excerpt(response))

    def _outcome(self, response: httpx2.Response, words: str) -> Outcome:
        status = response.status_code
        if response.is_success:
            return Delivered(provider="webhook")
        summary = f"{_NAME} answered {status}{words}"
        if status == 410:
            return TryAgain(because=f"{summary}: it accepts no more webhooks", fault="gone")
        if response.is_redirect:
            because = f"{summary}: Showup does not follow redirects. Register the URL that it redirects to"
            return TryAgain(because=because, fault="destination")
        later = not_before(response.headers, self._clock())
        if status == 429 and later is not None:
            return TryAgain(because=f"{summary}: rate limit reached", not_before=later, fault="limit")
        return TryAgain(
            because=summary, not_before=later, fault="delivery" if status in _MESSAGE_ERRORS else "destination"
        )


async def _error_excerpt(response: httpx2.Response) -> str:
    """Returns the beginning of the response, if it is plain text or JSON and no web page."""
    kind = response.headers.get("content-type", "")
    # A small compressed body may expand without limit.
    if "content-encoding" in response.headers or not kind.startswith(("text/plain", "application/")):
        return ""
    read = b""
    async for part in response.aiter_raw(_MAX_EXCERPT_BYTES):
        read += part
        if len(read) >= _MAX_EXCERPT_BYTES:
            break
    words = short_message(read[:_MAX_EXCERPT_BYTES].decode(errors="replace"), "")
    return f" ({words})" if words else ""
