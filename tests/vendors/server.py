"""A fake vendor on loopback HTTP: it records and checks each request, keeps its state, and fails on request.

A vendor is a subclass with its routes, its state, and its error responses:

    class FakeShop(VendorServer):
        refusals: ClassVar = {"500": Refusal(500, {"error": "out of order"})}

        def __init__(self, **options: Unpack[VendorOptions]) -> None:
            super().__init__(document=vendor_document("shop"), **options)
            self.orders: list[Any] = []
            self.add_routes({"POST /orders": self._order, "GET /orders/{number}": self._show})

In a test: `with FakeShop() as fake: fake.faults.queue("500", None, "lost") … fake.requests`. From another process:
`GET /state`, and `PUT /state {"faults": "503=0.5", "seed": 1}`.
"""

import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Self, TypeAlias, TypedDict
from urllib.parse import parse_qsl, unquote, urlsplit

from showup.clock import Clock, system_clock
from tests.vendors.faults import Fault, Faults, VendorResponse
from tests.vendors.http_server import PAGE, Exchange, HttpServer
from tests.vendors.openapi import OpenApiDocument
from tests.vendors.rate_limit import SECOND, SlidingLimit

_BROKEN = {"reset", "hang", "html", "garbled"}


class Refusal(Exception):
    """An error response in the vendor's own shape."""

    def __init__(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{status} {body}")
        self.response = VendorResponse(status, body, headers or {})


@dataclass(slots=True, eq=False)
class ReceivedRequest:
    """One request; names of headers are in lower case. `status` is None where the response was lost, or never sent."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    at: datetime
    fault: Fault | None = None
    status: int | None = None

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    @property
    def form(self) -> dict[str, str]:
        """Returns the fields of a form."""
        return dict(parse_qsl(self.body.decode()))

    @property
    def json(self) -> Any:
        """Returns the parsed body, None for a request without one."""
        return json.loads(self.body) if self.body else None


class VendorOptions(TypedDict, total=False):
    """What each fake vendor can be started with."""

    key: str
    port: int
    faults: Faults
    clock: Clock


# Called with the request and the values in its path; returns a `VendorResponse`, or the JSON of a response with 200.
Handler: TypeAlias = Callable[..., Any]


class VendorServer:
    """Serves from its creation to `stop`, and on the same port after `start`. As a context manager, it raises at its
    end if a request or a response was a violation of the vendor's API.

    A fault of a request is one of `tests.vendors.faults`, a key of `refusals`, or one of its `own_faults`, which its
    handlers read from `request.fault`. `limit` refuses a request with the refusal `429`. `answers` counts responses by
    status, and broken ones by fault. `arrived` is released at each request. `check_every`: only each n-th response is
    checked against the document.
    """

    prefix: ClassVar[str] = ""
    """The path of the API's URL, which `calls` leaves out."""
    default_key: ClassVar[str] = ""
    refusals: ClassVar[Mapping[str, Refusal]] = {}
    own_faults: ClassVar[frozenset[str]] = frozenset()

    def __init__(
        self,
        *,
        key: str | None = None,
        port: int = 0,
        faults: Faults | None = None,
        clock: Clock = system_clock,
        document: OpenApiDocument | None = None,
        check_every: int = 1,
    ) -> None:
        self.key = self.default_key if key is None else key
        self.faults, self.clock = faults or Faults(), clock
        self.requests: list[ReceivedRequest] = []
        self.violations: list[str] = []
        self.answers: Counter[str] = Counter()
        self.arrived = threading.Semaphore(0)
        self.released = threading.Event()
        self.lock = threading.RLock()
        self.limit = SlidingLimit(None, SECOND, clock)
        self._document, self._check_every = document, check_every
        self._routes: list[tuple[str, re.Pattern[str], Handler]] = []
        self._server = HttpServer(self._handle, clock, port=port)

    def add_routes(self, routes: Mapping[str, Handler]) -> None:
        """Adds handlers by method and path, such as `GET /orders/{number}`."""
        for route, handler in routes.items():
            method, _, template = route.partition(" ")
            pattern = re.compile(re.sub(r"\\\{\w+\\\}", "([^/]+)", re.escape(template)))
            self._routes.append((method, pattern, handler))

    # ------------------------------------------------------------ for tests

    @property
    def url(self) -> str:
        """The API's URL, as our settings have it."""
        return f"{self._server.url}{self.prefix}"

    @property
    def calls(self) -> list[str]:
        """Returns the requests as `GET /orders/7`."""
        return [f"{one.method} {unquote(one.path).removeprefix(self.prefix)}" for one in self.requests]

    def start(self) -> None:
        self.released.clear()
        self._server.start()

    def stop(self) -> None:
        """Refuses new connections, and closes open ones."""
        self.release()
        self._server.stop()

    def release(self) -> None:
        """Ends hanging requests."""
        self.released.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.stop()
        if kind is None:
            assert not self.violations, "\n".join(self.violations)

    # ------------------------------------------------------------ what a vendor may define

    def authorize(self, request: ReceivedRequest) -> None:
        """Raises Refusal for a request without the right key."""

    def find_violation(self, request: ReceivedRequest) -> str | None:
        """Returns how a request violates the vendor's API, or None."""
        if self._document is None:
            return None
        return self._document.find_violation(request.method, request.target, request.headers, request.body)

    def invalid(self, complaint: str, request: ReceivedRequest) -> Refusal:  # noqa: ARG002 - a vendor may quote it
        """Returns the response to a request that violates the vendor's API."""
        return Refusal(400, {"error": complaint})

    def refusal(self, kind: str, request: ReceivedRequest) -> Refusal | None:  # noqa: ARG002 - a vendor may quote it
        """Returns the error response of this name, or None if there is none."""
        return self.refusals.get(kind)

    def answer(self, request: ReceivedRequest) -> VendorResponse:
        """Returns the response of the request's route. Raises Refusal."""
        for method, pattern, handler in self._routes:
            if method == request.method and (found := pattern.fullmatch(request.path)):
                answer = handler(request, *map(unquote, found.groups()))
                return answer if isinstance(answer, VendorResponse) else VendorResponse(200, answer)
        complaint = f"{request.method} {request.path} is not a call of the API"
        self.violations.append(complaint)
        raise self.invalid(complaint, request)

    def response_headers(self, status: int) -> Mapping[str, str]:  # noqa: ARG002 - a vendor may need it
        """Returns the headers of every response with this status, such as those about the rate limit."""
        return {}

    def state(self) -> Mapping[str, Any]:
        """Returns what a test in another process needs, in plain JSON."""
        return {}

    # ------------------------------------------------------------ one request

    def _handle(self, exchange: Exchange) -> None:
        headers = {name.lower(): value for name, value in exchange.headers.items()}
        request = ReceivedRequest(exchange.command, exchange.path, headers, exchange.body(), self.clock())
        if request.path == "/state":
            return self._send(exchange, self._control(request))
        request.fault = self.faults.draw()
        self.requests.append(request)
        self.arrived.release()
        response = self._respond(request)
        if response is None or request.fault == "lost":
            self.answers[str(request.fault)] += 1
            return self._break(exchange, request)
        self.answers[str(response.status)] += 1
        request.status = response.status
        return self._send(exchange, response)

    def _respond(self, request: ReceivedRequest) -> VendorResponse | None:
        """Returns the response, None if the request's fault breaks it."""
        try:
            self._check(request)
            fault = request.fault
            if isinstance(fault, VendorResponse):
                return fault
            if fault in _BROKEN - self.own_faults:
                return None
            if fault is not None and (refusal := self.refusal(fault, request)):
                return refusal.response
            assert fault in {None, "lost", *self.own_faults}, f"no such fault: {fault}"
            response = self.answer(request)
            self._check_response(request, response)
            return response
        except Refusal as refusal:
            return refusal.response
        except Exception as error:  # noqa: BLE001 - a fault of the fake vendor, reported at its end
            self.violations.append(f"{request.method} {request.target}: the fake vendor failed: {error!r}")
            return VendorResponse(500, {"error": repr(error)})

    def _check(self, request: ReceivedRequest) -> None:
        if not self.limit.admit():
            raise self.refusals["429"]
        self.authorize(request)
        if (complaint := self.find_violation(request)) is not None:
            self.violations.append(complaint)
            raise self.invalid(complaint, request)

    def _check_response(self, request: ReceivedRequest, response: VendorResponse) -> None:
        if self._document is None or response.status >= 400 or len(self.requests) % self._check_every:
            return
        found = self._document.find_response_violation(
            request.method, request.target, response.status, response.content
        )
        if found is not None:
            self.violations.append(found)

    def _send(self, exchange: Exchange, response: VendorResponse) -> None:
        kind = {"Content-Type": "application/json; charset=utf-8"}
        exchange.respond(
            response.status, response.content, {**kind, **self.response_headers(response.status), **response.headers}
        )

    def _break(self, exchange: Exchange, request: ReceivedRequest) -> None:
        match request.fault:
            case "html":
                request.status = 200
                return exchange.respond(200, PAGE, {"Content-Type": "text/html"})
            case "garbled":
                request.status = 200
                return exchange.respond(200, PAGE, {"Content-Type": "application/json", "Content-Encoding": "gzip"})
            case "hang":
                self.released.wait()
        return exchange.reset()

    def _control(self, request: ReceivedRequest) -> VendorResponse:
        if request.method == "PUT":
            self.faults = Faults.parse(request.json["faults"], seed=request.json.get("seed", 0))
        return VendorResponse(200, {"violations": self.violations, "answers": self.answers, **self.state()})
