"""Sends one call to Cal.com's API until there is a response: within the rate limit, with increasing delays.

The call itself and the meaning of each status are those of every vendor (`destinations.vendor_api`).
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import httpx2
from msgspec import Struct

from showup.clock import Clock
from showup.destinations.contract import TryAgain
from showup.destinations.retry_after import limit_ends_at
from showup.destinations.vendor_api import ErrorReading, Vendor, VendorApi, VendorError, bearer, meaning_of
from showup.sources.calcom.api_errors import CalcomRefused, CalcomUnavailable
from showup.sources.calcom.payload import Json, mapping
from showup.sources.calcom.rate_limiter import RateLimiter

MAX_ATTEMPTS: Final = 4
"""The number of attempts before a call fails."""

MAX_WAIT: Final = timedelta(minutes=2)
"""The longest wait within a call; a call that would wait longer fails at once."""

# Each step of a call has its own timeout, and a server that sends a byte now and then would never exceed it.
_CALL_TIMEOUT: Final = timedelta(minutes=1)
_DEFAULT_BLOCK: Final = timedelta(minutes=1)
_REMAINING, _RESET = "x-ratelimit-remaining", "x-ratelimit-reset"
_SENTENCES: Final = {
    404: "Cal.com found nothing at {what}: {words}. If the path should exist, check CALCOM_API_URL",
    410: "Cal.com removed this version of its API: {words}. CALCOM_API_URL must end in /v2",
}
_REDIRECTED: Final = "the server redirected the request, so it is not Cal.com's API. Check CALCOM_API_URL"


def _read_error(status: int, payload: Json) -> ErrorReading | None:
    """Reads any status: old instances, and the proxies of self-hosted ones, have no common form of an error."""
    if status < 300:
        return None
    because = _REDIRECTED if status < 400 else _SENTENCES.get(status, "")
    return ErrorReading(status=status, words=_error_message(payload), because=because)


def _error_message(payload: Json) -> str:
    """Returns the error text of a response: in `error.message`, or in `message`, which may be a list."""
    found = mapping(payload.get("error")).get("message") or payload.get("message") or payload.get("error") or ""
    return ", ".join(map(str, found)) if isinstance(found, list) else str(found)


CALCOM: Final = Vendor(
    name="Cal.com",
    read_error=_read_error,
    credentials="the API key",
    fix_credentials="Create another API key in Cal.com and set it for this account",
    fix_access="The owner of this API key lacks the permission: use the key of a user who has it",
    fix_url="Check CALCOM_API_URL",
)


class ApiRequest(Struct, frozen=True, kw_only=True):
    """One call: `path` below the API's address, `version` of its endpoint group, None where it has none.

    A call may reach Cal.com twice, so each call must be idempotent. Each attempt ends after `timeout`.
    """

    path: str
    method: str = "GET"
    query: Mapping[str, str] = {}
    body: Mapping[str, Any] | None = None
    version: str | None = None
    anonymous: bool = False
    timeout: timedelta = _CALL_TIMEOUT


class ApiTransport:
    """Sends the calls of one key; `url` is the API's address.

    The key may be any bearer token. `jitter` returns 0 to 1; `pause` waits for some seconds of the clock.
    """

    def __init__(
        self,
        client: httpx2.AsyncClient,
        *,
        url: str,
        key: str,
        clock: Clock,
        limiter: RateLimiter | None = None,
        jitter: Callable[[], float] = random.random,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._api = VendorApi(client, CALCOM, url=url, authorization=bearer(key), clock=clock)
        self._anonymous_api = VendorApi(client, CALCOM, url=url, authorization=None, clock=clock)
        self._clock = clock
        self._limiter = limiter or RateLimiter(clock, pause)
        self._jitter = jitter
        self._pause = pause

    async def send(self, request: ApiRequest) -> Json:
        """Returns the JSON object of the response.

        Raises `CalcomRefused`, or `CalcomUnavailable` after all attempts.
        """
        attempts = 0
        while True:
            result = await self._send_once(request)
            if not isinstance(result, CalcomUnavailable):
                return result
            attempts += 1
            wait = self._wait(result, attempts)
            if attempts == MAX_ATTEMPTS or wait > MAX_WAIT.total_seconds():
                raise result
            await self._pause(wait)

    def _wait(self, unavailable: CalcomUnavailable, attempts: int) -> float:
        wait = backoff(attempts, self._jitter())
        if unavailable.not_before is None:
            return wait
        return max(wait, (unavailable.not_before - self._clock()).total_seconds())

    async def _send_once(self, request: ApiRequest) -> Json | CalcomUnavailable:
        await self._limiter.acquire()
        api = self._anonymous_api if request.anonymous else self._api
        headers = {} if request.version is None else {b"cal-api-version": request.version.encode()}
        params = dict(request.query) or None
        exhausted: datetime | None = None
        try:
            async with asyncio.timeout(request.timeout.total_seconds()):
                response = await api.send(
                    request.method, request.path, headers=headers, params=params, json=request.body
                )
            if (exhausted := exhausted_until(response.headers, self._clock())) is not None:
                self._limiter.block_until(exhausted)
            return api.read(response, request.path, _is_success)
        except TimeoutError:
            return CalcomUnavailable(
                f"Cal.com did not complete its response within {request.timeout.total_seconds():.0f} seconds"
            )
        except VendorError as error:
            return self._unavailable(error, exhausted)

    def _unavailable(self, error: VendorError, exhausted: datetime | None) -> CalcomUnavailable:
        """Returns the error of a call that may succeed when it is repeated. Raises CalcomRefused for any other."""
        because = error.outcome.because
        if error.status and meaning_of(error.status) not in ("limit", "unavailable"):
            raise CalcomRefused(because, error.status) from None
        retry_at = error.outcome.not_before if isinstance(error.outcome, TryAgain) else None
        if error.status == httpx2.codes.TOO_MANY_REQUESTS:
            retry_at = retry_at or exhausted or self._clock() + _DEFAULT_BLOCK
            self._limiter.block_until(retry_at)
        return CalcomUnavailable(because, retry_at)


def backoff(attempts: int, jitter: float) -> float:
    """Returns the seconds to wait after failed attempts: about 1, 2, 4 …; `jitter` (0 to 1) removes up to half."""
    return float(2 ** (attempts - 1)) * (1 - jitter / 2)


def exhausted_until(headers: Mapping[str, str], now: datetime) -> datetime | None:
    """Returns when the last exhausted limit resets; None while no limit is exhausted.

    Each limit has its own headers, which end in its name (`X-RateLimit-Remaining-Default`). `headers` has lower-case
    names.
    """
    exhausted = [name.removeprefix(_REMAINING) for name, remaining in headers.items() if _is_exhausted(name, remaining)]
    resets = (limit_ends_at({_RESET: headers.get(_RESET + limit, "")}, now) for limit in exhausted)
    return max((moment for moment in resets if moment is not None), default=None)


def _is_exhausted(name: str, remaining: str) -> bool:
    return name.startswith(_REMAINING) and remaining.strip() == "0"


def _is_success(payload: Json) -> bool:
    return bool(payload) and payload.get("status") != "error"
