"""A scripted Cal.com API: it returns one response after another, and checks each request against Cal.com's document."""

import asyncio
import json
import threading
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qsl, urlsplit

from tests.destinations.fake_vendors.http_server import HttpServer, RequestHandler
from tests.vendors.calcom.document import CalcomDocument

KEY = "cal_live_made_up"
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class ReceivedRequest(NamedTuple):
    """A received request; header names are in lower case."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any

    @property
    def version(self) -> str | None:
        return self.headers.get("cal-api-version")


class ScriptedResponse(NamedTuple):
    """A response to send; `DISCONNECTS` and `HANGS` send nothing after they receive the request."""

    status: int
    body: bytes
    headers: Mapping[str, str] = {}


DISCONNECTS = ScriptedResponse(0, b"")
HANGS = ScriptedResponse(-1, b"")
PAGE = ScriptedResponse(200, b"<!doctype html><title>Maintenance</title>")


def success_response(
    data: Any, status: int = 200, headers: Mapping[str, str] | None = None, **more: Any
) -> ScriptedResponse:
    return ScriptedResponse(status, json.dumps({"status": "success", "data": data, **more}).encode(), headers or {})


def error_response(status: int, message: str = "No.", headers: Mapping[str, str] | None = None) -> ScriptedResponse:
    body = {"status": "error", "path": "/v2", "error": {"code": "Error", "message": message}}
    return ScriptedResponse(status, json.dumps(body).encode(), headers or {})


class FakeTime:
    """A clock that only pauses move; `paused` lists their seconds."""

    def __init__(self) -> None:
        self.now = NOW
        self.paused: list[float] = []

    def clock(self) -> datetime:
        return self.now

    async def pause(self, seconds: float) -> None:
        self.paused.append(seconds)
        await asyncio.sleep(0)  # lets other tasks run first
        self.now += timedelta(seconds=seconds)


class ScriptedCalcom:
    """Sends the responses of `script` in order; `violations` are requests that Cal.com's document forbids."""

    def __init__(self) -> None:
        self.requests: list[ReceivedRequest] = []
        self.violations: list[str] = []
        self._answers: deque[ScriptedResponse] = deque()
        self._document = CalcomDocument()
        self._end = threading.Event()
        fake_calcom = self

        class CalcomHandler(RequestHandler):
            def do_GET(self) -> None:  # noqa: N802 - http.server's name
                fake_calcom._take(self)

            do_POST = do_PATCH = do_GET  # noqa: N815 - http.server's names

        self._listening = HttpServer(CalcomHandler)

    @property
    def url(self) -> str:
        return f"{self._listening.url}/v2"

    @property
    def url_v1(self) -> str:
        return f"{self._listening.url}/v1"

    def script(self, *answers: ScriptedResponse) -> None:
        self._answers.extend(answers)

    @property
    def unused_responses(self) -> int:
        """Returns the number of unused responses."""
        return len(self._answers)

    def stop(self) -> None:
        self._listening.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self.stop()

    def _take(self, call: RequestHandler) -> None:
        body = call.body()
        headers = {name.title(): value for name, value in call.headers.items()}
        address = urlsplit(call.path)
        # The document has only the calls of v2.
        if not address.path.startswith("/v1/"):
            complaint = self._document.find_violation(call.command, call.path, headers, body)
            self.violations += [complaint] if complaint else []
        self.requests.append(
            ReceivedRequest(
                call.command,
                address.path,
                dict(parse_qsl(address.query)),
                {name.lower(): value for name, value in headers.items()},
                json.loads(body) if body else None,
            )
        )
        response = self._answers.popleft() if self._answers else error_response(418, "nothing was scripted")
        if response is HANGS:
            self._end.wait()
        if response in (DISCONNECTS, HANGS):
            return call.reset()
        return call.respond(response.status, response.body, {"Content-Type": "application/json", **response.headers})
