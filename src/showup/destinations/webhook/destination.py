"""One outgoing webhook: each request is signed with all of its secrets, and each response becomes an outcome."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

import httpx2
import msgspec
from standardwebhooks.webhooks import Webhook

from showup.clock import Clock
from showup.destinations.contract import Attempt, Content, Delivered, Notification, Outcome, Pace, TryAgain
from showup.destinations.retry_after import limit_ends_at, retry_after
from showup.destinations.vendor_api import meaning_of, no_response, short_message
from showup.destinations.webhook import render

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
# With these, other messages may be accepted; with all others, the next message would fail too.
_MESSAGE_FAULTS: Final = frozenset({"busy", "rejected", "too_large"})


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
        """Returns the outcome: by the table of all vendors, except that no delivery fails before its attempts end.

        A repaired endpoint then receives the missed webhooks.
        """
        if response.is_success:
            return Delivered(provider="webhook")
        status, now = response.status_code, self._clock()
        summary = f"{_NAME} answered {status}{words}"
        if status == 410:
            return TryAgain(because=f"{summary}: it accepts no more webhooks", fault="gone")
        if response.is_redirect:
            because = f"{summary}: Showup does not follow redirects. Register the URL that it redirects to"
            return TryAgain(because=because, fault="destination")
        later = limit_ends_at(response.headers, now)
        if status == 429 and later is not None:
            return TryAgain(because=f"{summary}: rate limit reached", not_before=later, fault="limit")
        # A 404 is about the URL, which all messages share.
        concerns_message = status != 404 and meaning_of(status) in _MESSAGE_FAULTS
        fault: Literal["delivery", "destination"] = "delivery" if concerns_message else "destination"
        return TryAgain(because=summary, not_before=retry_after(response.headers, now), fault=fault)


def sign_headers(active_secrets: Sequence[str], message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """Returns the headers of Standard Webhooks, with the time; one signature for each secret, the newest first."""
    text = body.decode()
    signatures = " ".join(Webhook(secret).sign(message_id, at, text) for secret in active_secrets)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signatures,
    }


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
