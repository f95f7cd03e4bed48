"""Cal.com's API v2 on loopback HTTP: with its key, its limit and its refusals, and failing as it is told.

    with FarCalcom(world, faults=Faults({"500": 0.05}, seed=1)) as far:
        …                                   # ask far.url, with far.key
        assert far.worst_minute() <= 120

Whatever a client asks that Cal.com's own document does not allow is a violation, raised at the end.
"""

import json
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.calcom_far.api import Api, Call, Refusal, Said, refused
from tests.calcom_far.limit import Limit
from tests.calcom_far.registry import Webhook
from tests.calcom_far.vendor import Vendor
from tests.calcom_far.world import World
from tests.destinations.far.faults import Faults
from tests.destinations.far.listening import Exchange, Listening

KEY = "cal_live_far_key"
PER_MINUTE = 120
PAGE = b"<!doctype html><title>Bad gateway</title>"
CODES = {
    400: "BadRequestException",
    401: "UnauthorizedException",
    404: "NotFoundException",
    409: "ConflictException",
    429: "ThrottlerException",
}
INVALID_KEY = "CustomThrottlerGuard - Invalid API Key"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request and the status it was answered with; None where the connection was broken off, or still hangs."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    status: int | None
    at: datetime


class FarCalcom:
    """Faults: `429`, `500`, `502`, `503`, `reset`, `hang`, `html` (200 and a web page), `garbled` (200, no gzip),
    `lost` (acts, and breaks off before it says so).

    `clock` counts the minutes of the limit: the world's, unless whoever asks lives by another one.
    `check_every`: only each n-th answer is held against the document.
    `refuses_key_for_uid`: `GET /v2/bookings/{uid}` answers 401 to a key, and speaks to whoever brings none.
    """

    def __init__(
        self,
        world: World,
        *,
        port: int = 0,
        key: str = KEY,
        faults: Faults | None = None,
        per_minute: int | None = PER_MINUTE,
        clock: Callable[[], datetime] | None = None,
        check_every: int = 1,
        knows_2026: bool = True,
        refuses_key_for_uid: bool = False,
    ) -> None:
        self.world, self.key, self.faults = world, key, faults or Faults()
        self.refuses_key_for_uid, self.check_every = refuses_key_for_uid, check_every
        self.asked: list[Asked] = []
        self.violations: list[str] = []
        self._api = Api(world, knows_2026=knows_2026)
        self._vendor = Vendor()
        self._clock = clock or world.clock
        self._limit = Limit(self._clock, per_minute)
        self._lock = threading.Lock()
        self._go = threading.Event()
        far = self

        class Request(Exchange):
            def do_GET(self) -> None:  # noqa: N802 - http.server's name
                far._take(self)

            do_POST = do_PATCH = do_DELETE = do_PUT = do_GET  # noqa: N815 - http.server's names

        self._listening = Listening(Request, port=port)

    @property
    def url(self) -> str:
        return f"{self._listening.url}/v2"

    @property
    def url_v1(self) -> str:
        """Where an old instance lists its bookings; no document tells of it, so that nothing there is a violation."""
        return f"{self._listening.url}/v1"

    @property
    def webhooks(self) -> list[Webhook]:
        """Those that are registered."""
        return list(self._api.registry.rows.values())

    def forget_triggers(self, names: Iterable[str]) -> None:
        """It is of before these came."""
        self._api.registry.unknown = frozenset(names)

    def worst_minute(self) -> int:
        """The most requests in any sixty seconds of its clock."""
        return self._limit.worst_minute()

    def start(self) -> None:
        self._go.clear()
        self._listening.start()

    def stop(self) -> None:
        """It is down, and who hangs is let go."""
        self._go.set()
        self._listening.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.stop()
        if kind is None:
            assert not self.violations, "\n".join(self.violations)

    # ------------------------------------------------------------ one request

    def _take(self, exchange: Exchange) -> None:
        body, parts = exchange.body(), urlsplit(exchange.path)
        headers = {name.lower(): value for name, value in exchange.headers.items()}
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        path = unquote(parts.path)
        may_ask, limits = self._limit.take()
        fault = self.faults.draw()
        if fault is not None and fault != "lost":
            self._note(exchange, path, query, headers, body, _status_of(fault))
            self._fail(exchange, fault, path, limits)
            return
        status, said = self._said(exchange.command, path, query, headers, body, may_ask=may_ask)
        self._note(exchange, path, query, headers, body, None if fault else status)
        if fault == "lost":
            exchange.break_off()
        else:
            exchange.answer(status, json.dumps(said).encode(), limits | _kind("application/json; charset=utf-8"))

    def _note(
        self,
        exchange: Exchange,
        path: str,
        query: dict[str, str],
        headers: dict[str, str],
        body: bytes,
        status: int | None,
    ) -> None:
        with self._lock:
            self.asked.append(Asked(exchange.command, path, query, headers, body, status, self._clock()))

    def _fail(self, exchange: Exchange, fault: str, path: str, limits: dict[str, str]) -> None:
        status = _status_of(fault)
        if fault.isdigit() and status is not None:
            said = refused(self.world, path, status, "Something went wrong", CODES.get(status, "InternalServerError"))
            more = {"Retry-After": "2", "X-RateLimit-Reset-Default": "2"} if status == 429 else {}
            exchange.answer(status, json.dumps(said).encode(), limits | more | _kind("application/json"))
        elif fault == "html":
            exchange.answer(200, PAGE, _kind("text/html"))
        elif fault == "garbled":
            exchange.answer(200, PAGE, _kind("application/json") | {"Content-Encoding": "gzip"})
        else:
            if fault == "hang":
                self._go.wait()
            exchange.break_off()

    def _said(
        self, method: str, path: str, query: dict[str, str], headers: dict[str, str], body: bytes, *, may_ask: bool
    ) -> Said:
        try:
            if not may_ask:
                raise Refusal(429, "ThrottlerException: Too Many Requests")
            if path == "/v1/bookings":
                self._let_in(path, headers)
                return 200, self._api.old_bookings(query)
            found = self._api.place(method, path)
            if found is None:
                self._complain(f"{method} {path} is no call of Cal.com's")
                raise Refusal(404, f"Cannot {method} {path}")
            template, place = found
            self._let_in(template, headers)
            asked = self._checked(method, path, template, query, headers, body)
            said = self._api.answer(Call(method, template, place, query, headers.get("cal-api-version"), asked))
        except Refusal as refusal:
            code = CODES.get(refusal.status, "HttpException")
            return refusal.status, refused(self.world, path, refusal.status, refusal.message, code)
        self._check_answer(method, path, said)
        return said

    def _let_in(self, template: str, headers: dict[str, str]) -> None:
        given = headers.get("authorization")
        if template == "/v2/bookings/{bookingUid}" and (given is None or self.refuses_key_for_uid):
            if given is None:
                return
            raise Refusal(401, INVALID_KEY)
        if given != f"Bearer {self.key}":
            raise Refusal(401, INVALID_KEY)

    def _checked(
        self, method: str, path: str, template: str, query: dict[str, str], headers: dict[str, str], body: bytes
    ) -> dict[str, Any]:
        """The request's JSON; what the document does not allow is refused, as well as noted."""
        complaint = self._vendor.of_request(method, path, query, headers, body)
        asked: dict[str, Any] = json.loads(body) if body and complaint is None else {}
        if complaint is None and "cal-api-version" not in headers and self._api.has_versions(method, template):
            complaint = f"{method} {path}: no cal-api-version"
        if complaint is None and (unknown := self._vendor.unknown(method, template, query, asked)):
            complaint = f"{method} {path}: unknown {unknown}"
        if complaint is not None:
            self._complain(complaint)
            raise Refusal(400, complaint)
        return asked

    def _check_answer(self, method: str, path: str, said: Said) -> None:
        if len(self.asked) % self.check_every:
            return
        status, answer = said
        complaint = self._vendor.of_answer(method, path, status, json.dumps(answer).encode())
        if complaint is not None:
            self._complain(complaint)

    def _complain(self, complaint: str) -> None:
        with self._lock:
            self.violations.append(complaint)


def _status_of(fault: str) -> int | None:
    if fault.isdigit():
        return int(fault)
    return 200 if fault in ("html", "garbled") else None


def _kind(content_type: str) -> dict[str, str]:
    return {"Content-Type": content_type}
