"""A fake Slack on loopback: channels with messages that can be posted, changed and read, and their buttons.

In a test: `with FakeSlack() as fake: … fake.messages()`. As a separate process:
`python -m tests.destinations.fake_vendors.slack --port 4500 --faults 500=0.1,lost=0.05`.
"""

import argparse
import json
import threading
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from tests.destinations.fake_vendors.faults import Faults
from tests.destinations.fake_vendors.http_server import HttpServer, RequestHandler
from tests.destinations.fake_vendors.slack_blocks import complaints
from tests.destinations.fake_vendors.vendor_document import VendorDocument

TOKEN = "xoxb-far-token"
SIGNING_SECRET = "far-signing-secret"
CHANNEL = "C0123456789"
SCOPES = ("chat:write", "channels:history", "channels:read")


class Refusal(Exception):
    """An error in Slack's own shape: usually with HTTP 200."""

    def __init__(self, error: str, *, status: int = 200, headers: dict[str, str] | None = None) -> None:
        super().__init__(error)
        self.status = status
        self.headers = headers or {}
        self.body = {"ok": False, "error": error}


REFUSALS = {
    "401": Refusal("invalid_auth"),
    "403": Refusal("missing_scope"),
    "404": Refusal("channel_not_found"),
    "409": Refusal("fatal_error"),
    "422": Refusal("invalid_blocks"),
    "429": Refusal("ratelimited", status=429, headers={"Retry-After": "30"}),
    "500": Refusal("internal_error", status=500),
    "503": Refusal("service_unavailable", status=503),
    "archived": Refusal("is_archived"),
    "revoked": Refusal("token_revoked"),
}


@dataclass
class Message:
    """A message in a channel; `changes` counts how often it was changed."""

    channel: str
    ts: str
    text: str
    blocks: list[dict[str, Any]]
    metadata: dict[str, Any] | None
    changes: int = 0

    @property
    def buttons(self) -> dict[str, str]:
        """Returns the labels of its buttons, by action."""
        parts = [one for block in self.blocks for one in (*block.get("elements", ()), block.get("accessory", {}))]
        return {one["action_id"]: one["value"] for one in parts if one.get("type") == "button"}

    @property
    def words(self) -> str:
        """Returns all its texts, one per line."""
        texts = [
            text["text"]
            for block in self.blocks
            for text in (block.get("text"), *block.get("fields", ()), *block.get("elements", ()))
            if isinstance(text, dict) and isinstance(text.get("text"), str)
        ]
        return "\n".join(texts)


@dataclass
class Channel:
    """`is_member`: whether the bot is in it."""

    id: str
    is_member: bool = True
    is_archived: bool = False
    messages: list[Message] = field(default_factory=list)


class FakeSlack:
    """Faults, besides the `REFUSALS`: `reset`, `hang` (until `release`), `html` before any change; `lost` after it.

    `per_second` limits messages in each channel; None sets no limit.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        faults: Faults | None = None,
        per_second: int | None = None,
        scopes: tuple[str, ...] = SCOPES,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.faults = faults or Faults()
        self.per_second = per_second
        self.scopes = scopes
        self.clock = clock
        self.channels = {CHANNEL: Channel(CHANNEL)}
        self.calls: list[str] = []
        self.wrong: list[str] = []
        self._document = VendorDocument("slack")
        self._posts: dict[str, deque[datetime]] = defaultdict(deque)
        self._count = 0
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
        """The URL before the name of a method."""
        return f"{self._server.url}/api"

    @property
    def key(self) -> str:
        return TOKEN

    def messages(self, channel: str = CHANNEL) -> list[Message]:
        """Returns a channel's messages, oldest first."""
        return self.channels[channel].messages

    @property
    def effects(self) -> Counter[str]:
        """Returns how many messages each delivery created, by its id."""
        every = [one for channel in self.channels.values() for one in channel.messages]
        return Counter(str(one.metadata["event_payload"]["id"]) for one in every if one.metadata)

    def add(self, channel: str, **more: Any) -> Channel:
        """Adds a channel."""
        self.channels[channel] = Channel(channel, **more)
        return self.channels[channel]

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
        split = urlsplit(call.path)
        self.calls.append(split.path.removeprefix("/api/"))
        try:
            if fault in REFUSALS:
                raise REFUSALS[fault]
            if fault in ("reset", "hang", "html"):
                return call.respond_broken(fault, self._released)
            payload = self._route(call, split.path, dict(parse_qsl(split.query)), body)
        except Refusal as refusal:
            return self._respond(call, refusal.status, refusal.body, refusal.headers)
        if fault == "lost":
            return call.reset()
        return self._respond(call, 200, {"ok": True} | payload, {})

    def _route(self, call: RequestHandler, path: str, query: dict[str, str], body: bytes) -> dict[str, Any]:
        headers = {name.title(): value for name, value in call.headers.items()}
        if headers.get("Authorization") != f"Bearer {TOKEN}":
            raise REFUSALS["401"]
        if complaint := self._document.complaint(call.command, path, headers, body, query=query):
            self.wrong.append(f"{call.command} {path}: {complaint}")
            raise Refusal("invalid_arguments")
        match path.removeprefix("/api"):
            case "/chat.postMessage":
                return self._post(self._arguments("chat_postMessage", body))
            case "/chat.update":
                return self._change(self._arguments("chat_update", body))
            case "/conversations.history":
                return self._history(query)
            case "/conversations.info":
                return self._info(query["channel"])
            case "/auth.test":
                return {"user_id": "U0BOT", "team_id": "T0FAR"}
        raise Refusal("unknown_method")

    def _arguments(self, schema: str, body: bytes) -> dict[str, Any]:
        asked: dict[str, Any] = json.loads(body)
        if unknown := self._document.unknown_fields(schema, asked):
            self.wrong.append(f"unknown fields: {sorted(unknown)}")
        found = complaints(asked.get("blocks"))
        self.wrong += found
        if found:
            raise Refusal("invalid_blocks")
        if not asked.get("text"):
            self.wrong.append("no text for where blocks can't be shown")
        return asked

    def _post(self, asked: dict[str, Any]) -> dict[str, Any]:
        channel = self._channel(asked["channel"], "chat:write")
        with self._lock:
            self._limit(channel.id)
            self._count += 1
            ts = f"{int(self.clock().timestamp())}.{self._count:06d}"
            made = Message(channel.id, ts, asked["text"], asked["blocks"], asked.get("metadata"))
            channel.messages.append(made)
        return {"channel": channel.id, "ts": ts, "message": {"text": made.text}}

    def _change(self, asked: dict[str, Any]) -> dict[str, Any]:
        channel = self._channel(asked["channel"], "chat:write")
        found = next((one for one in channel.messages if one.ts == asked["ts"]), None)
        if found is None:
            raise Refusal("message_not_found")
        found.text, found.blocks, found.changes = asked["text"], asked["blocks"], found.changes + 1
        return {"channel": channel.id, "ts": found.ts, "text": found.text}

    def _history(self, query: dict[str, str]) -> dict[str, Any]:
        channel = self._channel(query["channel"], "channels:history")
        oldest, begin = float(query.get("oldest", 0)), int(query.get("cursor", 0))
        newest = [one for one in reversed(channel.messages) if float(one.ts) > oldest]
        limit = int(query.get("limit", 100))
        page, more = newest[begin : begin + limit], len(newest) > begin + limit
        with_metadata = query.get("include_all_metadata") == "true"
        shown = [
            {"type": "message", "ts": one.ts, "text": one.text}
            | ({"metadata": one.metadata} if with_metadata and one.metadata else {})
            for one in page
        ]
        cursor = str(begin + limit) if more else ""
        return {"messages": shown, "has_more": more, "response_metadata": {"next_cursor": cursor}}

    def _info(self, channel_id: str) -> dict[str, Any]:
        if "channels:read" not in self.scopes:
            raise REFUSALS["403"]
        channel = self.channels.get(channel_id)
        if channel is None:
            raise REFUSALS["404"]
        return {"channel": {"id": channel.id, "is_member": channel.is_member, "is_archived": channel.is_archived}}

    def _channel(self, channel_id: str, scope: str) -> Channel:
        if scope not in self.scopes:
            raise REFUSALS["403"]
        channel = self.channels.get(channel_id)
        if channel is None:
            raise REFUSALS["404"]
        if not channel.is_member:
            raise Refusal("not_in_channel")
        if channel.is_archived and scope == "chat:write":
            raise REFUSALS["archived"]
        return channel

    def _limit(self, channel: str) -> None:
        if self.per_second is None:
            return
        now, recent = self.clock(), self._posts[channel]
        while recent and (now - recent[0]).total_seconds() >= 1:
            recent.popleft()
        if len(recent) >= self.per_second:
            raise Refusal("ratelimited", status=429, headers={"Retry-After": "1"})
        recent.append(now)

    def _respond(self, call: RequestHandler, status: int, payload: dict[str, Any], headers: dict[str, str]) -> None:
        more = {"Content-Type": "application/json; charset=utf-8", "X-OAuth-Scopes": ",".join(self.scopes)}
        call.respond(status, json.dumps(payload).encode(), more | headers)


def main() -> None:
    parser = argparse.ArgumentParser(description="Slack on loopback")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--faults", default="")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    with FakeSlack(port=args.port, faults=Faults.parse(args.faults, seed=args.seed)) as fake:
        print(f"running at {fake.url}", flush=True)  # noqa: T201 - whoever started it waits for this line
        threading.Event().wait()


if __name__ == "__main__":
    main()
