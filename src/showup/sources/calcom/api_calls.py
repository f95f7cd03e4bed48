"""One call of Cal.com's API until there is an answer: within the budget, with longer and longer waits."""

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
from showup.destinations.wire import plain, unanswered
from showup.sources.calcom.api_budget import Budget
from showup.sources.calcom.api_faults import CalcomAway, CalcomRefuses
from showup.sources.calcom.api_retry import LONGEST_WAIT, TRIES, backoff, limited_until, used_up_until
from showup.sources.calcom.payload import Json, mapping

# Each step of a call has its own patience; who sends a byte now and then would be listened to for ever.
_WHOLE_WITHIN: Final = timedelta(minutes=1)


class Call(Struct, frozen=True, kw_only=True):
    """What is asked: `path` below the API's address, `version` of its family of calls, None where it has none.

    A call may reach Cal.com twice, so each must be one whose repeat changes nothing. Each try has its answer `within`.
    """

    path: str
    method: str = "GET"
    query: Mapping[str, str] = {}
    body: Mapping[str, Any] | None = None
    version: str | None = None
    anonymous: bool = False
    within: timedelta = _WHOLE_WITHIN


class Calls:
    """The calls that are made with one key; `url` is the API's address, without a slash at the end.

    The key may be any bearer token. `chance` answers with 0 to 1; `pause` waits for some seconds of the clock.
    """

    def __init__(
        self,
        client: httpx2.AsyncClient,
        *,
        url: str,
        key: str,
        clock: Clock,
        budget: Budget | None = None,
        chance: Callable[[], float] = random.random,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._client = client
        self._url = url
        self._key = key.strip()
        self._clock = clock
        self._budget = budget or Budget(clock, pause)
        self._chance = chance
        self._pause = pause

    async def ask(self, call: Call) -> Json:
        """The JSON object that answers; raises `CalcomRefuses`, or `CalcomAway` after all tries."""
        tried = 0
        while True:
            answer = await self._ask_once(call)
            if not isinstance(answer, CalcomAway):
                return answer
            tried += 1
            wait = self._wait(answer, tried)
            if tried == TRIES or wait > LONGEST_WAIT.total_seconds():
                raise answer
            await self._pause(wait)

    def _wait(self, away: CalcomAway, tried: int) -> float:
        wait = backoff(tried, self._chance())
        if away.not_before is None:
            return wait
        return max(wait, (away.not_before - self._clock()).total_seconds())

    async def _ask_once(self, call: Call) -> Json | CalcomAway:
        await self._budget.spend()
        try:
            async with asyncio.timeout(call.within.total_seconds()):
                answer = await self._client.request(
                    call.method,
                    self._url + call.path,
                    params=dict(call.query) or None,
                    json=call.body,
                    headers=self._headers(call),
                )
        except TimeoutError:
            return CalcomAway(f"Cal.com's answer was not whole within {call.within.total_seconds():.0f} seconds")
        except httpx2.LocalProtocolError as error:
            raise CalcomRefuses(unanswered("Cal.com", error).because, 401) from None
        except httpx2.RequestError as error:
            return CalcomAway(unanswered("Cal.com", error).because)
        return self._understood(call, answer)

    def _headers(self, call: Call) -> dict[bytes, bytes]:
        # As bytes: a key with a letter beyond ASCII is for Cal.com to refuse, not for us to stumble over.
        headers = {} if call.anonymous else {b"Authorization": f"Bearer {self._key}".encode()}
        if call.version is not None:
            headers[b"cal-api-version"] = call.version.encode()
        return headers

    def _understood(self, call: Call, answer: httpx2.Response) -> Json | CalcomAway:
        said, status = _parsed(answer), answer.status_code
        if (until := used_up_until(answer.headers, self._clock())) is not None:
            self._budget.hold(until)
        words = plain(_words(said), f"HTTP {status}", secret=self._key)
        if status in {408, 429} or status >= 500:
            return self._away(answer, words)
        if not answer.is_success:
            raise CalcomRefuses(_advice(call, status, words), status)
        if said is None or said.get("status") == "error":
            return CalcomAway(f"what answered does not speak like Cal.com: {words}. Look at CALCOM_API_URL")
        return said

    def _away(self, answer: httpx2.Response, words: str) -> CalcomAway:
        now = self._clock()
        if answer.status_code != 429:
            return CalcomAway(f"Cal.com is out of order: {words}", not_before(answer.headers, now))
        later = limited_until(answer.headers, now)
        self._budget.hold(later)
        return CalcomAway(f"Cal.com takes no more calls for now: {words}", later)


def _parsed(answer: httpx2.Response) -> Json | None:
    try:
        parsed = msgspec.json.decode(answer.content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None


def _words(said: Json | None) -> str:
    """What they say of a refusal: in `error.message`, or in `message`, which may be a list."""
    said = said or {}
    found = mapping(said.get("error")).get("message") or said.get("message") or said.get("error") or ""
    return ", ".join(map(str, found)) if isinstance(found, list) else str(found)


def _advice(call: Call, status: int, words: str) -> str:
    match status:
        case 401:
            return f"Cal.com refuses the key: {words}. Make another API key there, and give it to this account"
        case 403:
            return f"Cal.com does not let the owner of this key do that: {words}. Use the key of somebody who may"
        case 404:
            return f"Cal.com has nothing at {call.path}: {words}. If it should, look at CALCOM_API_URL"
        case 410:
            return f"this version of Cal.com's API is gone: {words}. CALCOM_API_URL must end in /v2"
        case _ if status < 400:
            return "what answered sends us elsewhere, so it is not Cal.com's API. Look at CALCOM_API_URL"
        case _:
            return f"Cal.com refuses this call: {words}"
