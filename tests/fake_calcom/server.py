"""Cal.com's API v2 on loopback HTTP: with its key, its limit, its error responses, and the faults of a test.

    with FakeCalcom(world, faults=Faults({"500": 0.05}, seed=1)) as fake_calcom:
        …                                   # call fake_calcom.url, with fake_calcom.key
        assert fake_calcom.worst_minute() <= 120

A request that Cal.com's own document does not allow is a violation, raised at the end.
"""

import json
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.destinations.fake_vendors.faults import Faults
from tests.destinations.fake_vendors.http_server import HttpServer, RequestHandler
from tests.fake_calcom.api import ApiCall, ApiError, ApiResponse, FakeApi, error_body
from tests.fake_calcom.rate_limit import RateLimit
from tests.fake_calcom.registry import Webhook
from tests.fake_calcom.vendor_document import VendorDocument
from tests.fake_calcom.world import World

KEY = "cal_live_far_key"
CALLS_PER_MINUTE = 120
HTML_PAGE = b"<!doctype html><title>Bad gateway</title>"
CODES = {
    400: "BadRequestException",
    401: "UnauthorizedException",
    404: "NotFoundException",
    409: "ConflictException",
    429: "ThrottlerException",
}
INVALID_KEY = "CustomThrottlerGuard - Invalid API Key"


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """One request and the status of its response; None where the connection was broken or still hangs."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    status: int | None
    at: datetime


class FakeCalcom:
    """A fake Cal.com with these faults: `429`, `500`, `502`, `503`, `reset`, `hang`, `html` (200 and a web page),
    `garbled` (200, no gzip), `lost` (acts, and breaks the connection before the response).

    `clock` counts the minutes of the limit: the world's by default.
    `check_every`: only each n-th response is checked against the document.
    `refuses_key_for_uid`: `GET /v2/bookings/{uid}` answers 401 to a key, and succeeds without one.
    """

    def __init__(
        self,
        world: World,
        *,
        port: int = 0,
        key: str = KEY,
        faults: Faults | None = None,
        per_minute: int | None = CALLS_PER_MINUTE,
        clock: Callable[[], datetime] | None = None,
        check_every: int = 1,
        knows_2026: bool = True,
        refuses_key_for_uid: bool = False,
    ) -> None:
        self.world, self.key, self.faults = world, key, faults or Faults()
        self.refuses_key_for_uid, self.check_every = refuses_key_for_uid, check_every
        self.requests: list[ReceivedRequest] = []
        self.violations: list[str] = []
        self._api = FakeApi(world, knows_2026=knows_2026)
        self._document = VendorDocument()
        self._clock = clock or world.clock
        self._limit = RateLimit(self._clock, per_minute)
        self._lock = threading.Lock()
        self._released = threading.Event()
        fake_calcom = self

        class Request(RequestHandler):
            def do_GET(self) -> None:  # noqa: N802 - http.server's name
                fake_calcom._handle(self)

            do_POST = do_PATCH = do_DELETE = do_PUT = do_GET  # noqa: N815 - http.server's names

        self._listening = HttpServer(Request, port=port)

    @property
    def url(self) -> str:
        return f"{self._listening.url}/v2"

    @property
    def url_v1(self) -> str:
        """Returns the address where an old instance lists its bookings; no document describes it or is checked."""
        return f"{self._listening.url}/v1"

    @property
    def webhooks(self) -> list[Webhook]:
        """Returns the registered webhooks."""
        return list(self._api.registry.rows.values())

    def remove_triggers(self, names: Iterable[str]) -> None:
        """Makes it an instance from before these triggers."""
        self._api.registry.unknown = frozenset(names)

    def worst_minute(self) -> int:
        """Returns the most requests in any sixty seconds of its clock."""
        return self._limit.worst_minute()

    def start(self) -> None:
        self._released.clear()
        self._listening.start()

    def stop(self) -> None:
        """Stops the server and releases the hanging requests."""
        self._released.set()
        self._listening.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.stop()
        if kind is None:
            assert not self.violations, "\n".join(self.violations)

    # ------------------------------------------------------------ one request

    def _handle(self, exchange: RequestHandler) -> None:
        body, parts = exchange.body(), urlsplit(exchange.path)
        headers = {name.lower(): value for name, value in exchange.headers.items()}
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        path = unquote(parts.path)
        is_allowed, limits = self._limit.count_request()
        fault = self.faults.draw()
        if fault is not None and fault != "lost":
            self._record(exchange, path, query, headers, body, _status_of(fault))
            self._send_fault(exchange, fault, path, limits)
            return
        status, response = self._respond(exchange.command, path, query, headers, body, is_allowed=is_allowed)
        self._record(exchange, path, query, headers, body, None if fault else status)
        if fault == "lost":
            exchange.reset()
        else:
            exchange.respond(status, json.dumps(response).encode(), limits | _kind("application/json; charset=utf-8"))

    def _record(
        self,
        exchange: RequestHandler,
        path: str,
        query: dict[str, str],
        headers: dict[str, str],
        body: bytes,
        status: int | None,
    ) -> None:
        with self._lock:
            self.requests.append(ReceivedRequest(exchange.command, path, query, headers, body, status, self._clock()))

    def _send_fault(self, exchange: RequestHandler, fault: str, path: str, limits: dict[str, str]) -> None:
        status = _status_of(fault)
        if fault.isdigit() and status is not None:
            response = error_body(
                self.world, path, status, "Something went wrong", CODES.get(status, "InternalServerError")
            )
            extra = {"Retry-After": "2", "X-RateLimit-Reset-Default": "2"} if status == 429 else {}
            exchange.respond(status, json.dumps(response).encode(), limits | extra | _kind("application/json"))
        elif fault == "html":
            exchange.respond(200, HTML_PAGE, _kind("text/html"))
        elif fault == "garbled":
            exchange.respond(200, HTML_PAGE, _kind("application/json") | {"Content-Encoding": "gzip"})
        else:
            if fault == "hang":
                self._released.wait()
            exchange.reset()

    def _respond(
        self, method: str, path: str, query: dict[str, str], headers: dict[str, str], body: bytes, *, is_allowed: bool
    ) -> ApiResponse:
        try:
            if not is_allowed:
                raise ApiError(429, "ThrottlerException: Too Many Requests")
            if path == "/v1/bookings":
                self._authorize(path, headers)
                return 200, self._api.old_bookings(query)
            found = self._api.route(method, path)
            if found is None:
                self._add_violation(f"{method} {path} is not a call of Cal.com's API")
                raise ApiError(404, f"Cannot {method} {path}")
            template, path_params = found
            self._authorize(template, headers)
            request_body = self._check_request(method, path, template, query, headers, body)
            response = self._api.answer(
                ApiCall(method, template, path_params, query, headers.get("cal-api-version"), request_body)
            )
        except ApiError as refusal:
            code = CODES.get(refusal.status, "HttpException")
            return refusal.status, error_body(self.world, path, refusal.status, refusal.message, code)
        self._check_answer(method, path, response)
        return response

    def _authorize(self, template: str, headers: dict[str, str]) -> None:
        authorization = headers.get("authorization")
        if template == "/v2/bookings/{bookingUid}" and (authorization is None or self.refuses_key_for_uid):
            if authorization is None:
                return
            raise ApiError(401, INVALID_KEY)
        if authorization != f"Bearer {self.key}":
            raise ApiError(401, INVALID_KEY)

    def _check_request(
        self, method: str, path: str, template: str, query: dict[str, str], headers: dict[str, str], body: bytes
    ) -> dict[str, Any]:
        """Returns the request's JSON; what the document does not allow is refused and recorded."""
        complaint = self._document.check_request(method, path, query, headers, body)
        request_body: dict[str, Any] = json.loads(body) if body and complaint is None else {}
        if complaint is None and "cal-api-version" not in headers and self._api.has_versions(method, template):
            complaint = f"{method} {path}: no cal-api-version"
        if complaint is None and (unknown := self._document.unknown_fields(method, template, query, request_body)):
            complaint = f"{method} {path}: unknown {unknown}"
        if complaint is not None:
            self._add_violation(complaint)
            raise ApiError(400, complaint)
        return request_body

    def _check_answer(self, method: str, path: str, response: ApiResponse) -> None:
        if len(self.requests) % self.check_every:
            return
        status, answer = response
        complaint = self._document.check_response(method, path, status, json.dumps(answer).encode())
        if complaint is not None:
            self._add_violation(complaint)

    def _add_violation(self, complaint: str) -> None:
        with self._lock:
            self.violations.append(complaint)


def _status_of(fault: str) -> int | None:
    if fault.isdigit():
        return int(fault)
    return 200 if fault in ("html", "garbled") else None


def _kind(content_type: str) -> dict[str, str]:
    return {"Content-Type": content_type}
