"""A fake Showup on a loopback port: a webhook endpoint that checks signatures, and an API made of lists."""

import asyncio
import hashlib
import hmac
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import uvicorn

SECRET = "a secret of both sides"
KEY = "showup_read_key"


@dataclass
class FakeShowup:
    """Answers 503 to the first `failures_left` webhooks, then with `answers` while any are left; `lists` are its API.

    With `accepts_any_signature`, the test checks the signatures of its `posts`: (path, body, signature).
    """

    url: str = ""
    failures_left: int = 0
    accepts_any_signature: bool = False
    posts: list[tuple[str, bytes, str]] = field(default_factory=list)
    answers: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    rejected: int = 0
    lists: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    unprocessed: list[list[str]] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.paths.append(scope["path"])
        if scope["method"] == "POST":
            status, payload = self._post(scope["path"], await _body(receive), headers)
        elif headers.get("authorization") != f"Bearer {KEY}":
            status, payload = 401, {"title": "no key"}
        else:
            status, payload = self._get(scope["path"], parse_qs(scope["query_string"].decode()))
        extra = [(b"retry-after", b"0")] if status == 503 else []
        await send({"type": "http.response.start", "status": status, "headers": extra})
        await send({"type": "http.response.body", "body": json.dumps(payload).encode()})

    def _post(self, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
        is_valid = self.accepts_any_signature or headers.get("x-cal-signature-256") == signature(SECRET, body)
        if not is_valid or headers["x-cal-webhook-version"] != "2021-10-20":
            self.rejected += 1
            return 401, {"title": "forged"}
        if self.failures_left > 0:
            self.failures_left -= 1
            return 503, {"title": "not now"}
        self.posts.append((path, body, headers["x-cal-signature-256"]))
        if self.answers:
            self.bodies.append(body)
            return self.answers.pop(0)
        outcome = "duplicate" if body in self.bodies else "accepted"
        self.bodies.append(body)
        return 200, {"status": outcome, "id": f"event-{len(self.bodies)}"}

    def _get(self, path: str, query: dict[str, list[str]]) -> tuple[int, dict[str, Any]]:
        if path == "/api/events":
            ids = (self.unprocessed.pop(0) if self.unprocessed else []) if query["state"] == ["pending"] else []
            return 200, {"items": [{"id": event_id} for event_id in ids], "next_cursor": None}
        noun, _, item_id = path.removeprefix("/api/").partition("/")
        items = self.lists[noun]
        if item_id:
            return 200, next(item for item in items if item["id"] == item_id)
        start = int(query.get("cursor", ["0"])[0])
        next_cursor = str(start + 2) if start + 2 < len(items) else None
        return 200, {"items": items[start : start + 2], "next_cursor": next_cursor}


def signature(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


@asynccontextmanager
async def serve(showup: FakeShowup) -> AsyncIterator[FakeShowup]:
    """Serves the application until the end of the block. The socket listens before the address is returned."""
    # asyncio disables Nagle's algorithm only for sockets that are explicitly TCP.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    showup.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    config = uvicorn.Config(showup, lifespan="off", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    server_task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield showup
    finally:
        server.should_exit = True
        await server_task
        listener.close()


async def _body(receive: Any) -> bytes:
    body, has_more = b"", True
    while has_more:
        message = await receive()
        body, has_more = body + message["body"], message["more_body"]
    return body
