"""A fake Twilio on loopback: accepts and stores text messages, and fails on request.

In a test: `with FakeTwilio() as fake: … fake.sent`. As a separate process:
`python -m tests.destinations.fake_vendors.twilio --port 4400 --faults 500=0.1,lost=0.05`.
"""

import argparse
import json
import threading
from base64 import b64encode
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import cache
from typing import Any, Self
from urllib.parse import parse_qs, parse_qsl, urlsplit
from uuid import uuid4

from tests.destinations.fake_vendors.faults import Faults
from tests.destinations.fake_vendors.http_server import HttpServer, RequestHandler
from tests.destinations.fake_vendors.vendor_document import VendorDocument

ACCOUNT = "AC0123456789abcdef0123456789abcdef"
TOKEN = "far_auth_token"
NUMBER = "+15005550006"
_ERRORS = "https://www.twilio.com/docs/errors/"


class Refusal(Exception):
    """An error in Twilio's own shape."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"code": code, "message": message, "more_info": f"{_ERRORS}{code}", "status": status}


REFUSALS = {
    "401": Refusal(401, 20003, "Authenticate"),
    "403": Refusal(403, 20005, "Account is not active"),
    "404": Refusal(404, 20404, "The requested resource was not found"),
    "409": Refusal(409, 20409, "Conflict"),
    "422": Refusal(400, 21602, "Message body is required."),
    "429": Refusal(429, 20429, "Too Many Requests"),
    "500": Refusal(500, 20500, "Internal Server Error"),
    "503": Refusal(503, 20503, "Service unavailable"),
    "sender": Refusal(400, 21606, "The 'From' phone number provided is not a valid message-capable number."),
}


@dataclass(frozen=True, slots=True)
class Sent:
    """A sent message, with the values of its request."""

    sid: str
    asked: dict[str, str]
    at: datetime


@cache
def _document() -> VendorDocument:
    """Cached: reading a document takes longer than most tests."""
    return VendorDocument("twilio")


class FakeTwilio:
    """Faults, besides the `REFUSALS`: `reset`, `hang` (until `release`), `html` before accepting; `lost` after it.

    `landlines` can't be reached; `unsubscribed` sent STOP. `per_second` limits calls; None sets no limit.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        faults: Faults | None = None,
        per_second: int | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.faults = faults or Faults()
        self.per_second = per_second
        self.clock = clock
        self.status = "active"
        self.numbers = {NUMBER}
        self.landlines: set[str] = set()
        self.unsubscribed: set[str] = set()
        self.sent: list[Sent] = []
        self.calls: list[str] = []
        self.wrong: list[str] = []
        self._document = _document()
        self._recent: deque[datetime] = deque()
        self._lock = threading.Lock()
        self._released = threading.Event()
        fake = self

        class Handler(RequestHandler):
            def _any(self) -> None:
                fake._handle(self)

            do_GET = do_POST = do_PUT = do_DELETE = _any  # noqa: N815 - http.server's names

        self._server = HttpServer(Handler, port=port)

    @property
    def url(self) -> str:
        return self._server.url

    @property
    def account(self) -> str:
        return ACCOUNT

    @property
    def key(self) -> str:
        return TOKEN

    @property
    def effects(self) -> Counter[str]:
        """Returns how often each number received each text."""
        return Counter(f"{one.asked['To']}: {one.asked['Body']}" for one in self.sent)

    def down(self) -> None:
        """Refuses connections until `up`."""
        self._server.stop()

    def up(self) -> None:
        self._server.start()

    def release(self) -> None:
        """Closes hanging connections."""
        self._released.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
        self.down()

    def _handle(self, call: RequestHandler) -> None:
        body, fault = call.body(), self.faults.draw()
        self.calls.append(f"{call.command} {urlsplit(call.path).path}")
        if self._too_many():
            return self._refuse(call, REFUSALS["429"])
        if fault in REFUSALS:
            return self._refuse(call, REFUSALS[fault])
        if fault in ("reset", "hang", "html"):
            return call.respond_broken(fault, self._released)
        try:
            status, payload = self._route(call, body)
        except Refusal as refusal:
            return self._refuse(call, refusal)
        if fault == "lost":
            return call.reset()
        return self._respond(call, status, payload)

    def _route(self, call: RequestHandler, body: bytes) -> tuple[int, dict[str, Any]]:
        split = urlsplit(call.path)
        headers = {name.title(): value for name, value in call.headers.items()}
        pair = b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
        if headers.get("Authorization") != f"Basic {pair}":
            raise REFUSALS["401"]
        query = dict(parse_qsl(split.query))
        if complaint := self._document.complaint(call.command, split.path, headers, body, query=query):
            self.wrong.append(f"{call.command} {split.path}: {complaint}")
            raise Refusal(400, 20001, complaint)
        match call.command, split.path.removeprefix(f"/2010-04-01/Accounts/{ACCOUNT}"):
            case "POST", "/Messages.json":
                return 201, self._accept({name: values[0] for name, values in parse_qs(body.decode()).items()})
            case "GET", "/Messages.json":
                return 200, {"messages": self._listed(query), "next_page_uri": None}
            case "GET", ".json":
                return 200, {"sid": ACCOUNT, "status": self.status, "friendly_name": "Far"}
            case "GET", "/IncomingPhoneNumbers.json":
                own = [one for one in self.numbers if query.get("PhoneNumber", one) == one]
                return 200, {"incoming_phone_numbers": [{"phone_number": one} for one in own]}
        raise REFUSALS["404"]

    def _accept(self, asked: dict[str, str]) -> dict[str, Any]:
        if unknown := self._document.unknown_fields("CreateMessageRequest", asked):
            self.wrong.append(f"unknown fields: {sorted(unknown)}")
        if asked["To"] in self.unsubscribed:
            raise Refusal(400, 21610, "Attempt to send to unsubscribed recipient")
        if asked["To"] in self.landlines:
            raise Refusal(400, 21614, f"'To' number is not a valid mobile number: {asked['To']}")
        if "MessagingServiceSid" not in asked and asked.get("From") not in self.numbers:
            raise REFUSALS["sender"]
        with self._lock:
            self.sent.append(Sent(f"SM{uuid4().hex}", asked, self.clock()))
            return self._shown(self.sent[-1])

    def _listed(self, query: dict[str, str]) -> list[dict[str, Any]]:
        """Returns messages, newest first; a queued message has no `date_sent`, so a search by day does not find it."""
        found = [one for one in reversed(self.sent) if query.get("To", one.asked["To"]) == one.asked["To"]]
        if query.keys() & {"DateSent", "DateSent<", "DateSent>"}:
            return []
        return [self._shown(one) for one in found[: int(query.get("PageSize", 50))]]

    def _shown(self, one: Sent) -> dict[str, Any]:
        return {
            "sid": one.sid,
            "account_sid": ACCOUNT,
            "to": one.asked["To"],
            "from": one.asked.get("From"),
            "body": one.asked["Body"],
            "status": "queued",
            "direction": "outbound-api",
            "date_created": format_datetime(one.at),
            "date_sent": None,
        }

    def _refuse(self, call: RequestHandler, refusal: Refusal) -> None:
        self._respond(call, refusal.status, refusal.body, {"Retry-After": "1"} if refusal.status == 429 else {})

    def _respond(self, call: RequestHandler, status: int, payload: Any, headers: dict[str, str] | None = None) -> None:
        call.respond(status, json.dumps(payload).encode(), {"Content-Type": "application/json"} | (headers or {}))

    def _too_many(self) -> bool:
        if self.per_second is None:
            return False
        with self._lock:
            now = datetime.now(UTC)
            while self._recent and (now - self._recent[0]).total_seconds() >= 1:
                self._recent.popleft()
            if len(self._recent) >= self.per_second:
                return True
            self._recent.append(now)
            return False


def main() -> None:
    parser = argparse.ArgumentParser(description="Twilio on loopback")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--faults", default="")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--per-second", type=int)
    args = parser.parse_args()
    faults = Faults.parse(args.faults, seed=args.seed)
    with FakeTwilio(port=args.port, faults=faults, per_second=args.per_second) as fake:
        print(f"running at {fake.url} account {ACCOUNT}", flush=True)  # noqa: T201 - whoever started it waits for this
        threading.Event().wait()


if __name__ == "__main__":
    main()
