"""A fake ClickUp on loopback: stores tasks and comments, counts calls per minute, and fails on request.

In a test: `with FakeClickUp() as fake: … fake.space.tasks`. As a separate process:
`python -m tests.destinations.fake_vendors.clickup --port 4200 --faults 500=0.1,lost=0.05 --seed 7`, and then
`GET /state` (its tasks so far).
"""

import argparse
import json
import re
import threading
from collections import Counter, deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.destinations.fake_vendors.clickup_space import Refusal, Space
from tests.destinations.fake_vendors.faults import Faults
from tests.destinations.fake_vendors.http_server import HttpServer, RequestHandler
from tests.destinations.fake_vendors.vendor_document import VendorDocument

TOKEN = "pk_far_token"
REFUSALS = {
    "400": Refusal(400, "Input is invalid", "INPUT_005"),
    "401": Refusal(401, "Token invalid", "OAUTH_025"),
    "403": Refusal(403, "You do not have access to this", "ACCESS_083"),
    "404": Refusal(404, "Not found", "ITEM_013"),
    "409": Refusal(409, "Conflict", "ITEM_119"),
    "422": Refusal(422, "Unprocessable", "INPUT_006"),
    "429": Refusal(429, "Rate limit reached", "APP_002"),
    "500": Refusal(500, "Internal server error", "SHARD_006"),
    "503": Refusal(503, "Service unavailable", "SHARD_007"),
    "workspace": Refusal(401, "Team not authorized", "OAUTH_027"),
}
_PREFIX = "/api/v2"
_PATH = re.compile(r"/(list|task|user)(?:/([^/]+))?(?:/(task|field|comment))?")


class FakeClickUp:
    """Faults, besides the `REFUSALS`. Before any change: `reset` (connection reset), `hang` (no response until
    `release`), `html` (200 and a web page), `garbled` (200 and invalid gzip). After the change: `lost` (reset).

    `per_minute` limits calls as the real one does, by `clock`; None sets no limit. `over_limit` counts calls
    above the limit, and `most_a_minute` is the maximum within one minute.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        faults: Faults | None = None,
        per_minute: int | None = 100,
        clock: Callable[[], datetime] | None = None,
        token: str = TOKEN,
    ) -> None:
        self.faults = faults or Faults()
        self.per_minute = per_minute
        self.token = token
        self.clock = clock or (lambda: datetime.now(UTC))
        self.space = Space(self.clock)
        self.wrong: list[str] = []
        self.answers: Counter[str] = Counter()
        self.calls: list[str] = []
        self.over_limit = 0
        self.most_a_minute = 0
        self._document = _OpenApiDocument("clickup")
        self._window: deque[datetime] = deque()
        self._lock = threading.Lock()
        self._released = threading.Event()
        self._server = HttpServer(handler_for(self), port=port)

    @property
    def url(self) -> str:
        return f"{self._server.url}{_PREFIX}"

    @property
    def effects(self) -> Counter[str]:
        """Returns how often each lead was created (`lead Showup …`) and each comment written (`comment Showup …`)."""
        return self.space.effects

    def down(self) -> None:
        """Refuses connections until `up`."""
        self._server.stop()

    def up(self) -> None:
        self._server.start()

    def release(self) -> None:
        """Resets hanging connections."""
        self._released.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
        self.down()

    def handle(self, call: RequestHandler, method: str) -> None:
        """Handles one request."""
        body, fault = call.body(), self.faults.draw()
        parts = urlsplit(call.path)
        if parts.path == "/state":
            return self._report(call)
        self.calls.append(f"{method} {unquote(parts.path).removeprefix(_PREFIX)}")
        if self._too_many():
            return self._respond(call, REFUSALS["429"])
        if fault in REFUSALS:
            return self._respond(call, REFUSALS[fault])
        if fault in ("reset", "hang", "html", "garbled"):
            self.answers[fault] += 1
            return call.respond_broken(fault, self._released)
        try:
            payload: dict[str, Any] | Refusal = self._dispatch(
                call, method, parts.path, dict(parse_qsl(parts.query)), body
            )
        except Refusal as refusal:
            payload = refusal
        if fault == "lost":
            self.answers["lost"] += 1
            return call.reset()
        return self._respond(call, payload)

    def _dispatch(
        self, call: RequestHandler, method: str, path: str, query: dict[str, str], body: bytes
    ) -> dict[str, Any]:
        headers = {name.title(): value for name, value in call.headers.items()}
        authorization = headers.get("Authorization", "")
        if not authorization:
            raise Refusal(401, "Authorization header required", "OAUTH_017")
        self._check(method, path, headers, query, body)
        if authorization != self.token:
            raise REFUSALS["401"]
        body_values = json.loads(body) if body else {}
        match _PATH.fullmatch(path.removeprefix(_PREFIX)):
            case None:
                raise Refusal(404, "Route not found", "APP_001")
            case found:
                return self._route(method, unquote(found[1]), unquote(found[2] or ""), found[3], query, body_values)

    def _route(
        self, method: str, kind: str, of: str, what: str | None, query: dict[str, str], body_values: dict[str, Any]
    ) -> dict[str, Any]:
        space = self.space
        markdown = query.get("include_markdown_description") == "true"
        known: dict[tuple[str, str, str | None], Callable[[], dict[str, Any]]] = {
            ("GET", "user", None): lambda: {"user": {"id": 123, "username": "Benjamin Crane"}},
            ("GET", "list", None): lambda: space.list_of(of).as_json(),
            ("GET", "list", "field"): lambda: {"fields": space.list_of(of).fields},
            ("GET", "list", "task"): lambda: space.search(of, query),
            ("POST", "list", "task"): lambda: space.create(of, body_values),
            ("GET", "task", None): lambda: space.task(of).as_json(markdown=markdown),
            ("PUT", "task", None): lambda: space.change(of, body_values),
            ("GET", "task", "comment"): lambda: space.comments(of, query),
            ("POST", "task", "comment"): lambda: space.comment(of, body_values),
        }
        if (method, kind, what) not in known:
            raise Refusal(404, "Route not found", "APP_001")
        return known[method, kind, what]()

    def _check(self, method: str, path: str, headers: dict[str, str], query: dict[str, str], body: bytes) -> None:
        if complaint := self._document.complaint(method, path, headers, body, query=query):
            self.wrong.append(f"{method} {path}: {complaint}")
        if unknown := self._document.unknown_names(method, path, query, json.loads(body) if body else {}):
            self.wrong.append(f"{method} {path}: unknown {sorted(unknown)}")

    def _respond(self, call: RequestHandler, payload: dict[str, Any] | Refusal) -> None:
        status = payload.status if isinstance(payload, Refusal) else 200
        self.answers[str(status)] += 1
        with self._lock:
            oldest = self._window[0] if self._window else self.clock()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "X-RateLimit-Limit": str(self.per_minute or 100),
            "X-RateLimit-Remaining": "0" if status == 429 else "1",
            "X-RateLimit-Reset": f"{(oldest + timedelta(minutes=1)).timestamp():.0f}",
        }
        call.respond(status, json.dumps(payload.body if isinstance(payload, Refusal) else payload).encode(), headers)

    def _too_many(self) -> bool:
        with self._lock:
            now = self.clock()
            while self._window and now - self._window[0] >= timedelta(minutes=1):
                self._window.popleft()
            if self.per_minute is not None and len(self._window) >= self.per_minute:
                self.over_limit += 1
                return True
            self._window.append(now)
            self.most_a_minute = max(self.most_a_minute, len(self._window))
            return False

    def _report(self, call: RequestHandler) -> None:
        """Returns what a test in another process needs."""
        tasks = [one.as_json(markdown=True) | {"comments": one.texts} for one in self.space.tasks.values()]
        report = {"tasks": tasks, "wrong": self.wrong, "answers": self.answers}
        call.respond(200, json.dumps(report).encode(), {"Content-Type": "application/json"})


class _OpenApiDocument(VendorDocument):
    """ClickUp's document, which defines the bodies within the operations."""

    def unknown_names(self, method: str, path: str, query: dict[str, str], asked: dict[str, Any]) -> set[str]:
        """Returns unknown parameters and fields: the vendor ignores them silently."""
        for template, call in self._document["paths"].items():
            if re.fullmatch("/api" + re.sub(r"\{[^}]+\}", "[^/]+", template), path) and method.lower() in call:
                known = {
                    one["name"] for one in [*call.get("parameters", []), *call[method.lower()].get("parameters", [])]
                }
                body = call[method.lower()].get("requestBody", {}).get("content", {}).get("application/json", {})
                fields = body.get("schema", {}).get("properties", {})
                return (query.keys() - known) | (asked.keys() - fields.keys())
        return {"call"}


def handler_for(fake: FakeClickUp) -> type[RequestHandler]:
    class Handler(RequestHandler):
        def date_time_string(self, timestamp: float | None = None) -> str:  # noqa: ARG002 - http.server's argument
            return format_datetime(fake.clock(), usegmt=True)

        def do_GET(self) -> None:  # noqa: N802 - http.server's name
            fake.handle(self, "GET")

        def do_POST(self) -> None:  # noqa: N802 - http.server's name
            fake.handle(self, "POST")

        def do_PUT(self) -> None:  # noqa: N802 - http.server's name
            fake.handle(self, "PUT")

    return Handler


def main() -> None:
    parser = argparse.ArgumentParser(description="ClickUp on loopback")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--faults", default="")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--token", default=TOKEN)
    parser.add_argument("--per-minute", type=int)
    args = parser.parse_args()
    faults = Faults.parse(args.faults, seed=args.seed)
    with FakeClickUp(port=args.port, faults=faults, per_minute=args.per_minute, token=args.token) as fake:
        print(f"running at {fake.url}", flush=True)  # noqa: T201 - whoever started it waits for this line
        threading.Event().wait()


if __name__ == "__main__":
    main()
