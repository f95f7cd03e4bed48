"""A stand-in for Showup on a loopback port: a door that checks signatures, and an API made of lists."""

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
class House:
    """Answers 503 to the first `stumbles` webhooks, then `answers` if any are left; `lists` are its API.

    A trusting one leaves it to the test to check the signatures of its `posts`: (path, body, signature).
    """

    url: str = ""
    stumbles: int = 0
    trusting: bool = False
    posts: list[tuple[str, bytes, str]] = field(default_factory=list)
    answers: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    forged: int = 0
    lists: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    kept: list[list[str]] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.paths.append(scope["path"])
        if scope["method"] == "POST":
            status, said = self._post(scope["path"], await _body(receive), headers)
        elif headers.get("authorization") != f"Bearer {KEY}":
            status, said = 401, {"title": "no key"}
        else:
            status, said = self._get(scope["path"], parse_qs(scope["query_string"].decode()))
        extra = [(b"retry-after", b"0")] if status == 503 else []
        await send({"type": "http.response.start", "status": status, "headers": extra})
        await send({"type": "http.response.body", "body": json.dumps(said).encode()})

    def _post(self, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
        right = self.trusting or headers.get("x-cal-signature-256") == signature(SECRET, body)
        if not right or headers["x-cal-webhook-version"] != "2021-10-20":
            self.forged += 1
            return 401, {"title": "forged"}
        if self.stumbles > 0:
            self.stumbles -= 1
            return 503, {"title": "not now"}
        self.posts.append((path, body, headers["x-cal-signature-256"]))
        if self.answers:
            self.bodies.append(body)
            return self.answers.pop(0)
        word = "duplicate" if body in self.bodies else "accepted"
        self.bodies.append(body)
        return 200, {"status": word, "id": f"event-{len(self.bodies)}"}

    def _get(self, path: str, query: dict[str, list[str]]) -> tuple[int, dict[str, Any]]:
        if path == "/api/events":
            ids = (self.kept.pop(0) if self.kept else []) if query["state"] == ["kept"] else []
            return 200, {"items": [{"id": one} for one in ids], "next_cursor": None}
        noun, _, item_id = path.removeprefix("/api/").partition("/")
        items = self.lists[noun]
        if item_id:
            return 200, next(item for item in items if item["id"] == item_id)
        at = int(query.get("cursor", ["0"])[0])
        more = str(at + 2) if at + 2 < len(items) else None
        return 200, {"items": items[at : at + 2], "next_cursor": more}


def signature(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


@asynccontextmanager
async def open_house(house: House) -> AsyncIterator[House]:
    """Serves `house` until the end of the block. The socket listens before anybody is told where."""
    # asyncio switches Nagle's delay off for sockets that say in so many words that they are TCP.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    house.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    config = uvicorn.Config(house, lifespan="off", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield house
    finally:
        server.should_exit = True
        await serving
        listening.close()


async def _body(receive: Any) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message["body"], message["more_body"]
    return body
