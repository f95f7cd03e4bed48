"""A server that answers every call alike: with a status, with malformed data, with nothing, or never."""

import gzip
import json
import threading
from collections.abc import Callable, Mapping
from typing import Self

from tests.destinations.conformance.case import NOW
from tests.destinations.fake_vendors.http_server import HttpServer, RequestHandler

PAGE = b"<!doctype html><title>Welcome</title>"
NOT_GZIP = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
CUT_SHORT = gzip.compress(b'{"id": "' + b"x" * 4000 + b'"}')[:40]
# The fields in which a vendor's client looks for a message.
_WORDS = ("message", "err", "error", "detail", "code", "more_info", "name")


class ScriptedServer:
    """`respond` handles each call. `secrets` has the secret part of each call's Authorization.

    `received` is released at each call.
    """

    def __init__(self, respond: Callable[["ScriptedServer", RequestHandler], None]) -> None:
        self.secrets: list[str] = []
        self.received = threading.Semaphore(0)
        self.stopped = threading.Event()
        server = self

        class Call(RequestHandler):
            def _any(self) -> None:
                self.body()
                server.secrets.append(self.headers.get("Authorization", "").rpartition(" ")[2])
                server.received.release()
                respond(server, self)

            def date_time_string(self, timestamp: float | None = None) -> str:  # noqa: ARG002 - http.server's
                return f"{NOW:%a, %d %b %Y %H:%M:%S} GMT"

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _any  # noqa: N815 - http.server's names

        self._server = HttpServer(Call)

    @property
    def url(self) -> str:
        return self._server.url

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        self._server.stop()


def responding(status: int, body: bytes = b"{}", headers: Mapping[str, str] | None = None) -> ScriptedServer:
    """Gives one response to all calls."""
    return ScriptedServer(
        lambda _, call: call.respond(status, body, {"Content-Type": "application/json"} | dict(headers or {}))
    )


def resetting() -> ScriptedServer:
    """Reads each request, and resets the connection."""
    return ScriptedServer(lambda _, call: call.reset())


def hanging() -> ScriptedServer:
    """Reads each request, and never responds."""
    return ScriptedServer(lambda server, call: (server.stopped.wait(), call.reset())[1])


def quoting(status: int) -> ScriptedServer:
    """Repeats all headers of the call, including the key, in every field of its response."""

    def respond(_: ScriptedServer, call: RequestHandler) -> None:
        words = " ".join(f"{name}: {value}" for name, value in call.headers.items())
        body = json.dumps(dict.fromkeys(_WORDS, words) | {"errors": [words]}).encode()
        call.respond(status, body, {"Content-Type": "application/json"})

    return ScriptedServer(respond)


def unreachable_url() -> str:
    """Returns a URL at which no server listens."""
    with responding(200) as gone:
        return gone.url
