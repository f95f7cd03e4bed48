"""A fake Notion on loopback: stores databases and pages, and fails on request.

In a test: `with FakeNotion() as fake: … fake.properties_of(fake.contact)`. As a separate process:
`python -m tests.destinations.fake_vendors.notion --port 4300 --faults 429=0.1`, which prints its address and databases.
"""

import argparse
import json
import re
import threading
from collections import Counter, deque
from datetime import UTC, datetime
from functools import cache
from typing import Any, Self
from urllib.parse import urlsplit

from tests.destinations.fake_vendors.faults import Faults
from tests.destinations.fake_vendors.http_server import HttpServer, RequestHandler
from tests.destinations.fake_vendors.notion_workspace import Page, Refusal, Workspace, invalid
from tests.destinations.fake_vendors.vendor_document import VendorDocument

VERSIONS = ("2025-09-03", "2026-03-11")
REFUSALS = {
    "401": Refusal(401, "unauthorized", "API token is invalid."),
    "403": Refusal(403, "restricted_resource", "Insufficient permissions for this endpoint."),
    "404": Refusal(
        404,
        "object_not_found",
        "Could not find it. Make sure the relevant pages and databases are shared with your integration.",
    ),
    "409": Refusal(409, "conflict_error", "Conflict occurred while saving. Please try again."),
    "422": invalid("body failed validation: body.properties should be defined, instead was `undefined`."),
    "429": Refusal(429, "rate_limited", "You have been rate limited. Please try again in a few minutes."),
    "500": Refusal(500, "internal_server_error", "Unexpected error occurred."),
    "503": Refusal(503, "service_unavailable", "Notion is unavailable, please try again later."),
    "529": Refusal(529, "service_overload", "Notion is overloaded, please try again later."),
}
_PATHS = (
    ("GET", re.compile(r"/v1/databases/([^/]+)"), "database"),
    ("GET", re.compile(r"/v1/data_sources/([^/]+)"), "data_source"),
    ("POST", re.compile(r"/v1/data_sources/([^/]+)/query"), "query"),
    ("GET", re.compile(r"/v1/pages/([^/]+)"), "page"),
    ("PATCH", re.compile(r"/v1/pages/([^/]+)"), "update"),
)


@cache
def _document() -> VendorDocument:
    """Cached: reading a document takes longer than most tests."""
    return VendorDocument("notion")


class FakeNotion:
    """Faults, besides the `REFUSALS`: `reset`, `hang` (until `release`), `html` before any change; `lost` after it.

    `wait` is the Retry-After of a 429, 503 or 529, in seconds. `per_second` limits calls; None sets no limit.
    It starts with a contact and a sequence of ann@acme.example, in databases like seed 003's.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        faults: Faults | None = None,
        per_second: int | None = None,
        wait: int = 2,
        email: str = "ann@acme.example",
    ) -> None:
        self.faults = faults or Faults()
        self.workspace = Workspace()
        self.per_second = per_second
        self.wait = wait
        self.wrong: list[str] = []
        self.calls: list[str] = []
        self.answers: Counter[str] = Counter()
        self.over = 0
        self._document = _document()
        self._recent: deque[datetime] = deque()
        self._lock = threading.Lock()
        self._released = threading.Event()
        self._add_sample_pages(email)
        fake = self

        class Handler(RequestHandler):
            def _any(self) -> None:
                fake._handle(self)

            do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _any  # noqa: N815 - http.server's names

        self._server = HttpServer(Handler, port=port)

    def _add_sample_pages(self, email: str) -> None:
        statuses = ("status", "Lead", "Booked", "Cancelled", "No Show", "Showed")
        self.contacts = self.workspace.add_database(
            {
                "Name": "title",
                "Email": "email",
                "Booking Status": statuses,
                "Diagnostic Call Date": "date",
                "Christmas Campaign Status": ("select", "Sent", "Pre-Call Prep"),
            }
        )
        sent = {f"Email {number} Sent": "date" for number in range(1, 8)}
        self.sequences = self.workspace.add_database({"Name": "title", "Email": "email", "Campaign": "select"} | sent)
        self.contact = self.workspace.add_page(self.contacts, {"Name": "Ann", "Email": email})
        self.sequence = self.workspace.add_page(self.sequences, {"Email": email, "Campaign": "Christmas 2025"})

    @property
    def url(self) -> str:
        """The API's URL, as the setting `api_url` has it."""
        return f"{self._server.url}/v1"

    @property
    def key(self) -> str:
        return self.workspace.key

    @property
    def effects(self) -> Counter[str]:
        """Returns how often each page was changed."""
        return Counter(self.workspace.effects)

    def properties_of(self, page_id: str) -> dict[str, Any]:
        return self.workspace.properties_of(page_id)

    def page(self, page_id: str) -> Page:
        return self.workspace.pages[page_id]

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
        self.calls.append(f"{call.command} {call.path}")
        if self._too_many():
            self.over += 1
            return self._refuse(call, REFUSALS["429"])
        if fault in REFUSALS:
            return self._refuse(call, REFUSALS[fault])
        if fault in ("reset", "hang", "html"):
            self.answers[fault] += 1
            return call.respond_broken(fault, self._released)
        try:
            payload = self._route(call, body)
        except Refusal as refusal:
            return self._refuse(call, refusal)
        if fault == "lost":
            self.answers["lost"] += 1
            return call.reset()
        return self._respond(call, 200, payload)

    def _route(self, call: RequestHandler, body: bytes) -> dict[str, Any]:
        headers = {name.title(): value for name, value in call.headers.items()}
        if headers.get("Authorization") != f"Bearer {self.key}":
            raise REFUSALS["401"]
        if headers.get("Notion-Version") not in VERSIONS:
            self.wrong.append(f"Notion-Version {headers.get('Notion-Version')}")
            raise Refusal(400, "missing_version", "Notion-Version header should be defined")
        path = urlsplit(call.path).path
        for method, pattern, name in _PATHS:
            if call.command == method and (found := pattern.fullmatch(path)):
                if complaint := self._document.complaint(method, path, headers, body):
                    self.wrong.append(f"{method} {path}: {complaint}")
                    raise invalid(complaint)
                asked = [json.loads(body)] if body else []
                result: dict[str, Any] = getattr(self.workspace, name)(found[1], *asked)
                return result
        self.wrong.append(f"{call.command} {path}")
        raise Refusal(400, "invalid_request_url", "Invalid request URL.")

    def _refuse(self, call: RequestHandler, refusal: Refusal) -> None:
        waits = refusal.status in (429, 503, 529)
        self._respond(call, refusal.status, refusal.body, {"Retry-After": str(self.wait)} if waits else {})

    def _respond(self, call: RequestHandler, status: int, payload: Any, headers: dict[str, str] | None = None) -> None:
        self.answers[str(status)] += 1
        call.respond(
            status, json.dumps(payload).encode(), {"Content-Type": "application/json; charset=utf-8"} | (headers or {})
        )

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
    parser = argparse.ArgumentParser(description="Notion on loopback")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--faults", default="")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--per-second", type=int)
    args = parser.parse_args()
    faults = Faults.parse(args.faults, seed=args.seed)
    with FakeNotion(port=args.port, faults=faults, per_second=args.per_second) as fake:
        print(f"running at {fake.url} contacts {fake.contacts} sequences {fake.sequences}", flush=True)  # noqa: T201 - whoever started it waits for this line
        threading.Event().wait()


if __name__ == "__main__":
    main()
