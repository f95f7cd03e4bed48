"""Sends one call to Cal.com's API until there is a response: within the rate limit, with increasing delays."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any, Final

import httpx2
import msgspec
from msgspec import Struct

from showup.clock import Clock
from showup.destinations.retry_after import not_before
from showup.destinations.vendor_api import no_response, short_message
from showup.sources.calcom.api_errors import CalcomRefused, CalcomUnavailable
from showup.sources.calcom.api_retry import MAX_ATTEMPTS, MAX_WAIT, backoff, exhausted_until, rate_limited_until
from showup.sources.calcom.payload import Json, mapping
from showup.sources.calcom.rate_limiter import RateLimiter

# Each step of a call has its own timeout, and a server that sends a byte now and then would never exceed it.
_CALL_TIMEOUT: Final = timedelta(minutes=1)


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
    """Sends the calls of one key; `url` is the API's address, without a slash at the end.

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
        self._client = client
        self._url = url
        self._key = key.strip()
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
        try:
            async with asyncio.timeout(request.timeout.total_seconds()):
                response = await self._client.request(
                    request.method,
                    self._url + request.path,
                    params=dict(request.query) or None,
                    json=request.body,
                    headers=self._headers(request),
                )
        except TimeoutError:
            return CalcomUnavailable(
                f"Cal.com did not complete its response within {request.timeout.total_seconds():.0f} seconds"
            )
        except httpx2.LocalProtocolError as error:
            raise CalcomRefused(no_response("Cal.com", error).because, 401) from None
        except httpx2.RequestError as error:
            return CalcomUnavailable(no_response("Cal.com", error).because)
        return self._interpret(request, response)

    def _headers(self, request: ApiRequest) -> dict[bytes, bytes]:
        # As bytes: Cal.com must reject a key with a non-ASCII character; it must not cause an error here.
        headers = {} if request.anonymous else {b"Authorization": f"Bearer {self._key}".encode()}
        if request.version is not None:
            headers[b"cal-api-version"] = request.version.encode()
        return headers

    def _interpret(self, request: ApiRequest, response: httpx2.Response) -> Json | CalcomUnavailable:
        payload, status = _decoded(response), response.status_code
        if (until := exhausted_until(response.headers, self._clock())) is not None:
            self._limiter.block_until(until)
        reason = short_message(_error_message(payload), f"HTTP {status}", secret=self._key)
        if status in {408, 429} or status >= 500:
            return self._unavailable(response, reason)
        if not response.is_success:
            raise CalcomRefused(_advice(request, status, reason), status)
        if payload is None or payload.get("status") == "error":
            return CalcomUnavailable(f"unexpected response (not Cal.com's API): {reason}. Check CALCOM_API_URL")
        return payload

    def _unavailable(self, response: httpx2.Response, reason: str) -> CalcomUnavailable:
        now = self._clock()
        if response.status_code != 429:
            return CalcomUnavailable(f"Cal.com has an internal error: {reason}", not_before(response.headers, now))
        retry_at = rate_limited_until(response.headers, now)
        self._limiter.block_until(retry_at)
        return CalcomUnavailable(f"Cal.com's rate limit is reached: {reason}", retry_at)


def _decoded(response: httpx2.Response) -> Json | None:
    try:
        decoded = msgspec.json.decode(response.content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return decoded if isinstance(decoded, dict) else None


def _error_message(payload: Json | None) -> str:
    """Returns the error text of a response: in `error.message`, or in `message`, which may be a list."""
    payload = payload or {}
    found = mapping(payload.get("error")).get("message") or payload.get("message") or payload.get("error") or ""
    return ", ".join(map(str, found)) if isinstance(found, list) else str(found)


def _advice(request: ApiRequest, status: int, reason: str) -> str:
    match status:
        case 401:
            return (
                f"Cal.com refused the API key: {reason}. Create another API key in Cal.com and set it for this account"
            )
        case 403:
            return (
                f"the owner of this API key lacks the permission at Cal.com: {reason}. Use the key of a user who has it"
            )
        case 404:
            return f"Cal.com found nothing at {request.path}: {reason}. If the path should exist, check CALCOM_API_URL"
        case 410:
            return f"Cal.com removed this version of its API: {reason}. CALCOM_API_URL must end in /v2"
        case _ if status < 400:
            return "the server redirected the request, so it is not Cal.com's API. Check CALCOM_API_URL"
        case _:
            return f"Cal.com refused the request: {reason}"
