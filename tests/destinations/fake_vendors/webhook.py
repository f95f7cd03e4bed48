"""A webhook receiver on loopback: verifies and stores webhooks by Standard Webhooks, and fails on request."""

import json
import threading
from collections import Counter
from datetime import UTC, datetime
from typing import Any, NamedTuple, Self

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from tests.destinations.fake_vendors.faults import Faults
from tests.destinations.fake_vendors.http_server import HttpServer, RequestHandler

PAGE = b"<!doctype html><title>Welcome</title>"


class ReceivedWebhook(NamedTuple):
    """An accepted webhook: its id, its body as received, and its parsed payload."""

    id: str
    body: bytes
    payload: dict[str, Any]
    signatures: list[str]
    timestamp: int


class FakeWebhookReceiver:
    """Faults: any status as text ("429" with Retry-After, "302" with Location); `reset`, `hang` (until
    `release`), `html` (200 and a web page: accepted, as any 2xx); `lost` (accepted, then reset before the response).

    `secret` verifies signatures; None accepts all webhooks. `now`: whether signatures must be recent.
    """

    def __init__(self, secret: str | None = None, *, now: bool = True) -> None:
        self.secret = secret
        self.now = now
        self.faults = Faults()
        self.received: list[ReceivedWebhook] = []
        self.wrong: list[str] = []
        self.calls: list[tuple[str, dict[str, str]]] = []
        self._released = threading.Event()
        self._lock = threading.Lock()
        fake = self

        class Handler(RequestHandler):
            def do_POST(self) -> None:  # noqa: N802 - http.server's name
                fake._handle(self)

            def do_GET(self) -> None:  # noqa: N802 - as above
                fake.wrong.append(f"GET {self.path}: a sender of webhooks only uses POST")
                self.respond(405, b"", {})

        self._server = HttpServer(Handler)

    @property
    def url(self) -> str:
        return f"{self._server.url}/hook"

    @property
    def effects(self) -> Counter[str]:
        """Returns how often each webhook was accepted."""
        return Counter(one.id for one in self.received)

    @property
    def types(self) -> list[str]:
        return [one.payload["type"] for one in self.received]

    def down(self) -> None:
        self._server.stop()

    def up(self) -> None:
        self._server.start()

    def release(self) -> None:
        self._released.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
        self._server.stop()

    def _handle(self, call: RequestHandler) -> None:
        body, headers = call.body(), {name.lower(): value for name, value in call.headers.items()}
        with self._lock:
            self.calls.append((call.path, headers))
            fault = self.faults.draw()
            if (complaint := self._complaint(body, headers)) is not None:
                self.wrong.append(complaint)
            elif fault in (None, "html", "lost"):
                self._accept(body, headers)
        self._respond(call, fault)

    def _complaint(self, body: bytes, headers: dict[str, str]) -> str | None:
        if headers.get("content-type") != "application/json":
            return f"the content type is {headers.get('content-type')}"
        if self.secret is None:
            return None
        try:
            if self.now:
                Webhook(self.secret).verify(body, headers)
            else:
                self._verify_of_any_time(body, headers)
        except WebhookVerificationError as error:
            return str(error)
        return None

    def _verify_of_any_time(self, body: bytes, headers: dict[str, str]) -> None:
        at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
        good = Webhook(self.secret or "").sign(headers["webhook-id"], at, body.decode())
        if good not in headers["webhook-signature"].split(" "):
            raise WebhookVerificationError("no matching signature")

    def _accept(self, body: bytes, headers: dict[str, str]) -> None:
        signatures = headers["webhook-signature"].split(" ")
        timestamp = int(headers["webhook-timestamp"])
        self.received.append(ReceivedWebhook(headers["webhook-id"], body, json.loads(body), signatures, timestamp))

    def _respond(self, call: RequestHandler, fault: str | None) -> None:
        match fault:
            case None:
                call.respond(204, b"", {})
            case "html":
                call.respond(200, PAGE, {"Content-Type": "text/html"})
            case "reset" | "lost":
                call.reset()
            case "hang":
                self._released.wait()
                call.reset()
            case "429":
                call.respond(429, b"slow down", {"Content-Type": "text/plain", "Retry-After": "120"})
            case "302":
                call.respond(302, b"", {"Location": f"{self._server.url}/elsewhere"})
            case status:
                call.respond(int(status), b'{"error": "out of order"}', {"Content-Type": "application/json"})
