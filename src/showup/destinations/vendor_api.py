"""The base of every vendor's client: one way to call, and one reading of each response.

`VendorApi` authorizes and sends a request, decodes the response, and turns every failure into the outcome of a delivery
by one table, `meaning_of`. A vendor adds only its error codes and the words for a person, as a `Vendor`.
"""

import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Final, Literal, TypeAlias, TypeVar

import httpx2
import msgspec
from msgspec import Struct

from showup.clock import Clock
from showup.destinations.bounded_client import BoundedClient
from showup.destinations.contract import GaveUp, TryAgain
from showup.destinations.destination_kind import Meter, OverLimit
from showup.destinations.retry_after import limit_ends_at, retry_after

TIMEOUT = httpx2.Timeout(10.0, connect=5.0)
POOL = httpx2.Limits(max_connections=None, max_keepalive_connections=20)
"""The timeout of each step of a call, and the connections that are kept for the next call.

The dispatcher limits the calls, and shares them between workspaces. A limit of connections would share them by the
order of the calls, so that slow servers of one workspace could block those of another.
"""

Json: TypeAlias = dict[str, Any]
Parsed = TypeVar("Parsed")
StatusMeaning: TypeAlias = Literal[
    "limit", "unavailable", "credentials", "access", "busy", "rejected", "too_large", "unexpected"
]
_MEANINGS: Final[Mapping[int, StatusMeaning]] = {
    400: "rejected",
    401: "credentials",
    403: "access",
    404: "rejected",
    408: "unavailable",
    409: "busy",
    410: "rejected",
    413: "too_large",
    422: "rejected",
    423: "busy",
    425: "busy",
    429: "limit",
}
_SENTENCES: Final[Mapping[StatusMeaning, str]] = {
    "limit": "{name} rate limit reached: {words}",
    "unavailable": "{name} is unavailable: {words}",
    "credentials": "{name} rejected {credentials}: {words}. {fix_credentials}",
    "access": "{name} denied access to {what}: {words}. {fix_access}",
    "busy": "{name} is still processing another request: {words}",
    "rejected": "{name} rejected the request for {what}: {words}",
    "too_large": "{name} rejected the request for {what}, which is too large: {words}",
    "unexpected": "unexpected response from {name}: {words}. {fix_url}",
}
_FOREIGN: Final = "unexpected response (not {name}'s API): {words}. {fix_url}"
# A proxy or a web server sends these as well, and then they say nothing about the delivery.
_ONLY_IN_THE_VENDORS_FORM: Final = frozenset({"rejected", "access", "unexpected"})
_LONGEST = 300
_LONGEST_SEARCHED: Final = 10_000
# The shortest part of a secret that is hidden: shorter ones, such as a common prefix, are also parts of other words.
_PART: Final = 8


def meaning_of(status: int) -> StatusMeaning:
    """Returns the meaning of an HTTP status that is no success; it is the same for every vendor.

    - limit (429): a rate limit. Try again, not before the time that the response names; it counts as no failure.
    - unavailable (408, 5xx): every call would fail. Try again, not before `Retry-After`.
    - credentials, access (401, 403): every call would fail until a person corrects the key or its permissions.
    - busy (409, 423, 425): another request is in progress. Try this delivery again, others may succeed.
    - rejected (400, 404, 410, 422), too_large (413): this request will never succeed. Give up.
    - unexpected (all others: redirections, and client errors such as 402, 405, 407 or 451): try again, and count it
      against the destination. The vendors do not document these statuses: usually a proxy, a firewall or an unpaid
      account is the cause, every delivery meets it, and a person can end it. To give up would lose all these
      deliveries; to try again costs a few calls, because the dispatcher pauses the queue and reports it.
    """
    return _MEANINGS.get(status) or ("unavailable" if status >= 500 else "unexpected")


class ErrorReading(Struct, frozen=True, kw_only=True):
    """An error in the vendor's own form.

    `status` is the HTTP status whose meaning the error has, `code` the vendor's own code, `words` the vendor's text.
    `because` replaces the table's sentence: our text, in which `{what}` and `{words}` are replaced.
    """

    status: int
    code: str = ""
    words: str = ""
    because: str = ""


class Vendor(Struct, frozen=True, kw_only=True):
    """The part of the reading that belongs to one vendor.

    `credentials` is what a 401 rejects, such as "the token". `fix_credentials`, `fix_access` and `fix_url` say what to
    do after a 401, after a 403, and after a response that does not come from the vendor. `read_error` takes a status
    and a JSON object, and returns None where they are not in the vendor's form.
    """

    name: str
    read_error: Callable[[int, Json], ErrorReading | None]
    fix_credentials: str
    fix_url: str
    fix_access: str = ""
    credentials: str = "the token"


class VendorError(Exception):
    """A call failed: `outcome` is the result for the delivery.

    `status` is the HTTP status whose meaning the error has; 0 if there was no response, or not the vendor's. `code` is
    the vendor's own.
    """

    def __init__(self, outcome: TryAgain | GaveUp, status: int = 0, code: str = "") -> None:
        super().__init__(outcome.because)
        self.outcome = outcome
        self.status = status
        self.code = code


class Authorization(Struct, frozen=True):
    """The value of the Authorization header, and its secrets, which no text may repeat. Never show it.

    As bytes: the vendor must reject a key with a non-ASCII character; it must not cause an error here.
    """

    header: bytes
    secrets: tuple[str, ...]


def bearer(token: str) -> Authorization:
    """Returns the authorization by a bearer token."""
    token = token.strip()
    return Authorization(f"Bearer {token}".encode(), (token,))


def basic(user: str, password: str) -> Authorization:
    """Returns the authorization by a user and a password."""
    password = password.strip()
    pair = b64encode(f"{user}:{password}".encode()).decode()
    return Authorization(f"Basic {pair}".encode(), (pair, password))


class VendorApi:
    """One account's API at a vendor.

    `url` is its address. With a `meter`, it serves one delivery or one health check: the first call is already counted,
    and each other call waits for the rate limit.
    """

    def __init__(
        self,
        client: httpx2.AsyncClient,
        vendor: Vendor,
        *,
        url: str,
        authorization: Authorization | None,
        clock: Clock,
        meter: Meter | None = None,
    ) -> None:
        self._client = client
        self._vendor = vendor
        self._url = url.rstrip("/")
        self._authorization = authorization
        self._clock = clock
        self._meter = meter
        self._prepaid_calls = 1

    @property
    def cache_key(self) -> tuple[str, bytes]:
        """Returns a cache key for the account: never show it."""
        return self._url, self._authorization.header if self._authorization else b""

    async def call(
        self,
        method: str,
        path: str,
        *,
        what: str,
        expect: Callable[[Json], bool] = bool,
        hidden: str = "",
        **options: Any,
    ) -> Json:
        """Makes a call and returns the JSON object of its response; for the arguments, see `send` and `read`."""
        return self.read(await self.send(method, path, **options), what, expect, hidden)

    async def send(
        self, method: str, path: str, *, headers: Mapping[bytes, bytes] | None = None, **options: Any
    ) -> httpx2.Response:
        """Sends a request and returns any response. Raises VendorError where there is none.

        `options` are httpx2's: `params`, `json`, `data`.
        """
        await self._wait_for_the_limit()
        all_headers = dict(headers or {})
        if self._authorization is not None:
            all_headers[b"Authorization"] = self._authorization.header
        try:
            return await self._client.request(method, f"{self._url}{path}", headers=all_headers, **options)
        except httpx2.LocalProtocolError as error:
            # The key can't be sent: the same as a rejected one.
            raise VendorError(no_response(self._vendor.name, error), httpx2.codes.UNAUTHORIZED) from None
        except httpx2.RequestError as error:
            raise VendorError(no_response(self._vendor.name, error)) from None

    def read(
        self, response: httpx2.Response, what: str, expect: Callable[[Json], bool] = bool, hidden: str = ""
    ) -> Json:
        """Returns the JSON object of a successful response that is as expected. Raises VendorError for any other.

        `what` names the object of the call for a person, such as "the list 901". `hidden` is a text that no sentence
        may repeat, as for the secrets.
        """
        payload = json_body(response)
        if response.is_success and expect(payload):
            return payload
        raise self._error(response, payload, what, hidden)

    def parse(self, payload: Any, as_: type[Parsed]) -> Parsed:
        """Returns a part of a response as this type. Raises VendorError if it is not of it."""
        try:
            return msgspec.convert(payload, as_, strict=False)
        except msgspec.ValidationError:
            raise self.unexpected("the response is malformed") from None

    def unexpected(self, words: str) -> VendorError:
        """Returns the error for a response that is not as the vendor documents it."""
        return VendorError(TryAgain(because=self._sentence(_FOREIGN, "", words), fault="destination"))

    async def _wait_for_the_limit(self) -> None:
        if self._meter is None:
            return
        if self._prepaid_calls:
            self._prepaid_calls -= 1
            return
        try:
            await self._meter.take()
        except OverLimit as limit:
            because = f"too many calls to {self._vendor.name} are waiting for its rate limit"
            raise VendorError(TryAgain(because=because, not_before=limit.not_before, fault="limit")) from None

    def _error(self, response: httpx2.Response, payload: Json, what: str, hidden: str) -> VendorError:
        reading = self._vendor.read_error(response.status_code, payload)
        meaning = meaning_of(reading.status if reading else response.status_code)
        reported = self._without_secrets(reading.words if reading else "", hidden)
        words = short_message(reported, f"HTTP {response.status_code}").removesuffix(".")
        if reading is None and meaning in _ONLY_IN_THE_VENDORS_FORM:
            return self.unexpected(words)
        reading = reading or ErrorReading(status=response.status_code)
        because = self._sentence(reading.because or _SENTENCES[meaning], what, words)
        return VendorError(self._outcome(meaning, because, response, payload), reading.status, reading.code)

    def _outcome(
        self, meaning: StatusMeaning, because: str, response: httpx2.Response, payload: Json
    ) -> TryAgain | GaveUp:
        now = self._clock()
        match meaning:
            case "limit":
                later = limit_ends_at(response.headers, now, payload)
                return TryAgain(because=because, not_before=later, fault="limit")
            case "unavailable":
                later = retry_after(response.headers, now, payload)
                return TryAgain(because=because, not_before=later, fault="destination")
            case "busy":
                return TryAgain(because=because, not_before=retry_after(response.headers, now, payload))
            case "rejected" | "too_large":
                return GaveUp(because=because)
            case "credentials" | "access" | "unexpected":
                return TryAgain(because=because, fault="destination")

    def _sentence(self, template: str, what: str, words: str) -> str:
        vendor = self._vendor
        sentence = template.format(
            name=vendor.name,
            what=what,
            words=words,
            credentials=vendor.credentials,
            fix_credentials=vendor.fix_credentials,
            fix_access=vendor.fix_access,
            fix_url=vendor.fix_url,
        )
        return sentence.rstrip()

    def _without_secrets(self, text: str, hidden: str) -> str:
        secrets = self._authorization.secrets if self._authorization else ()
        text = text[:_LONGEST_SEARCHED]
        for secret in filter(None, (*secrets, hidden)):
            text = _without_parts(text.replace(secret, "…"), secret)
        return text


def _without_parts(text: str, secret: str) -> str:
    """Returns the text without any part of the secret: vendors quote the beginning or the end of a key."""
    parts = {secret[at : at + _PART] for at in range(len(secret) - _PART + 1)}
    hidden = [False] * len(text)
    for at in range(len(text) - _PART + 1):
        if text[at : at + _PART] in parts:
            hidden[at : at + _PART] = [True] * _PART
    marked = "".join("\0" if is_hidden else letter for letter, is_hidden in zip(text, hidden, strict=True))
    return re.sub("\0+", "…", marked)


def client(version: str) -> httpx2.AsyncClient:
    """Returns the process's HTTP client: all destinations share its connections. The caller closes it.

    Responses are uncompressed and limited in size.
    `version` is Showup's own, for the User-Agent header (Resend refuses calls without one).
    """
    return BoundedClient(timeout=TIMEOUT, limits=POOL, headers=user_agent(version), cookies=no_cookies())


def no_cookies() -> CookieJar:
    """Returns a cookie jar that stores nothing: all workspaces share the client, and must not share cookies."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=()))


def user_agent(version: str) -> dict[str, str]:
    """Returns the User-Agent header."""
    return {"User-Agent": f"showup/{version}"}


def no_response(name: str, error: httpx2.RequestError) -> TryAgain:
    """Returns the outcome of a call to `name` that got no response, or a broken one.

    The error's own text is reported only where it can't quote a header, because one header holds the key.
    """
    match error:
        case httpx2.ConnectTimeout():
            because = f"{name} can't be reached: no connection within {TIMEOUT.connect:.0f} seconds"
        case httpx2.ConnectError():
            because = f"{name} can't be reached: {short_message(str(error), 'no connection')}"
        case httpx2.PoolTimeout():
            return TryAgain(because="too many calls are in progress", fault="limit")
        case httpx2.TimeoutException():
            because = f"{name} did not answer within {TIMEOUT.read:.0f} seconds"
        case httpx2.LocalProtocolError():
            because = f"{name} can't be called: its key or its URL contains a character that HTTP does not allow"
        case httpx2.DecodingError():
            because = f"{name} sent a response body that Showup can't read"
        case _:
            because = f"{name} closed the connection without a response"
    return TryAgain(because=because, fault="destination")


def json_body(response: httpx2.Response) -> Json:
    """Returns the response's JSON object; an empty one for any other body."""
    try:
        body = msgspec.json.decode(response.content)
    except (ValueError, RecursionError):  # no JSON, no UTF-8, or nested without end
        return {}
    return body if isinstance(body, dict) else {}


def short_message(text: str, default: str) -> str:
    """Returns a vendor's text on one line, cut short; `default` where there is none."""
    words = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return words[:_LONGEST] or default
