"""A fake Resend on loopback: accepts and stores mail, and fails on request.

In a test: `with FakeResend() as fake: … fake.sent`. As a separate process:
`python -m tests.destinations.fake_vendors.resend --port 4100 --faults 500=0.1,reset=0.05 --seed 7`, and then
`GET /state` (all accepted mail), `PUT /state {"faults": "503=1", "seed": 1}` (other faults).
"""

import argparse
import json
import threading
from collections import Counter, deque
from datetime import datetime
from typing import Any, Self

from tests.destinations.fake_vendors.faults import Faults
from tests.destinations.fake_vendors.http_server import HttpServer, RequestHandler
from tests.destinations.fake_vendors.resend_account import KEY, Account, Sent, VendorResponse

PER_SECOND = 5
REFUSALS = {
    "429": VendorResponse.refusal(
        429, "rate_limit_exceeded", "Too many requests. You can only make 5 requests per second."
    ),
    "daily": VendorResponse.refusal(429, "daily_quota_exceeded", "You have reached your daily email sending quota."),
    "monthly": VendorResponse.refusal(
        429, "monthly_quota_exceeded", "You have reached your monthly email sending quota."
    ),
    "500": VendorResponse.refusal(500, "application_error", "An unexpected error occurred."),
    "503": VendorResponse.refusal(503, "service_unavailable", "The service is unavailable."),
    "restricted": VendorResponse.refusal(401, "restricted_api_key", "This API key is restricted to only send emails."),
    "400": VendorResponse.refusal(400, "validation_error", "We found an error with one or more fields in the request."),
    "409": VendorResponse.refusal(
        409, "concurrent_idempotent_requests", "Another request with the same key is in progress."
    ),
    "422": VendorResponse.refusal(422, "invalid_attachment", "Attachment must have either a `content` or `path`."),
    "404": VendorResponse.refusal(404, "not_found", "The requested endpoint does not exist."),
}


class FakeResend:
    """Faults, besides the `REFUSALS`. Without accepting the mail: `reset` (connection reset), `hang` (no response),
    `html` (200 and a web page), `garbled` (200 and invalid gzip). After accepting it: `hold` (in progress until
    `release`), `lost` (reset before the response).

    `per_second` limits calls as the real one does; None sets no limit.
    """

    def __init__(
        self, *, port: int = 0, faults: Faults | None = None, per_second: int | None = None, **account: Any
    ) -> None:
        self.faults = faults or Faults()
        self.account = Account(**account)
        self.per_second = per_second
        self.in_progress = threading.Semaphore(0)
        self.answers: Counter[str] = Counter()
        self._calls: deque[datetime] = deque()
        self._lock = threading.Lock()
        self._released = threading.Event()
        self._refusals = dict(REFUSALS)
        fake = self

        class Handler(RequestHandler):
            def do_POST(self) -> None:  # noqa: N802 - http.server's name
                fake._handle(self)

            def do_GET(self) -> None:  # noqa: N802 - http.server's name
                fake._report(self)

            def do_PUT(self) -> None:  # noqa: N802 - http.server's name
                fake._set_faults(self)

        self._server = HttpServer(Handler, port=port)

    @property
    def url(self) -> str:
        return self._server.url

    @property
    def key(self) -> str:
        return self.account.key

    @property
    def sent(self) -> list[Sent]:
        """All sent mails, in order."""
        return self.account.sent

    @property
    def absorbed(self) -> list[str]:
        """The idempotency keys of all repeats without effect."""
        return self.account.absorbed

    @property
    def wrong(self) -> list[str]:
        """The faults in requests, by the vendor's document or Resend's rules."""
        return self.account.wrong

    def down(self) -> None:
        """Refuses connections until `up`."""
        self._server.stop()

    def up(self) -> None:
        self._server.start()

    def release(self) -> None:
        """Continues held and hanging requests."""
        self._released.set()

    def refuse(self, status: int, name: str, message: str) -> None:
        """Rejects the next call with this message."""
        self._refusals["own"] = VendorResponse.refusal(status, name, message)
        self.faults.queue("own")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
        self.down()

    def _handle(self, call: RequestHandler) -> None:
        body, fault = call.body(), self.faults.draw()
        if call.path != "/emails":
            self.wrong.append(f"POST {call.path}")
            return self._respond(call, REFUSALS["404"])
        if self._too_many():
            return self._respond(call, REFUSALS["429"])
        if fault in self._refusals:
            return self._respond(call, self._refusals[fault])
        headers = {name.title(): value for name, value in call.headers.items()}
        begun = self.account.begin(headers, body)
        if isinstance(begun, VendorResponse):
            return self._respond(call, begun)
        return self._accept(call, headers.get("Idempotency-Key"), begun, fault)

    def _accept(self, call: RequestHandler, key: str | None, asked: dict[str, Any], fault: str | None) -> None:
        if fault in ("reset", "hang", "html", "garbled"):
            self.account.drop(key)
            self.answers[fault] += 1
            return call.respond_broken(fault, self._released)
        if fault == "hold":
            self.in_progress.release()
            self._released.wait()
        response = self.account.finish(key, asked)
        if fault == "lost":
            self.answers["lost"] += 1
            return call.reset()
        return self._respond(call, response)

    def _respond(self, call: RequestHandler, response: VendorResponse) -> None:
        self.answers[str(response.status)] += 1
        limited = response.status == 429
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "ratelimit-limit": str(self.per_second or PER_SECOND),
            "ratelimit-remaining": "0" if limited else "1",
            "ratelimit-reset": "1",
        }
        call.respond(
            response.status, json.dumps(response.body).encode(), headers | ({"retry-after": "1"} if limited else {})
        )

    def _too_many(self) -> bool:
        if self.per_second is None:
            return False
        with self._lock:
            now = self.account.clock()
            while self._calls and (now - self._calls[0]).total_seconds() >= 1:
                self._calls.popleft()
            if len(self._calls) >= self.per_second:
                return True
            self._calls.append(now)
            return False

    def _report(self, call: RequestHandler) -> None:
        """Returns what a test in another process needs."""
        report = {
            "sent": [{"id": one.id, "key": one.key, "asked": one.asked, "at": one.at.isoformat()} for one in self.sent],
            "absorbed": self.absorbed,
            "wrong": self.wrong,
            "answers": self.answers,
        }
        call.respond(200, json.dumps(report).encode(), {"Content-Type": "application/json"})

    def _set_faults(self, call: RequestHandler) -> None:
        settings = json.loads(call.body())
        self.faults = Faults.parse(settings["faults"], seed=settings.get("seed", 0))
        call.respond(204, b"", {})


def main() -> None:
    parser = argparse.ArgumentParser(description="Resend on loopback")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--faults", default="")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--key", default=KEY)
    parser.add_argument("--per-second", type=int)
    args = parser.parse_args()
    faults = Faults.parse(args.faults, seed=args.seed)
    with FakeResend(port=args.port, faults=faults, per_second=args.per_second, key=args.key) as fake:
        print(f"running at {fake.url}", flush=True)  # noqa: T201 - whoever started it waits for this line
        threading.Event().wait()


if __name__ == "__main__":
    main()
