"""Cal.com's API as a test scripts it: one answer after the other, each call held against Cal.com's own document."""

import asyncio
import json
import threading
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qsl, urlsplit

from tests.destinations.far.listening import Exchange, Listening
from tests.vendors.calcom.document import Document

KEY = "cal_live_made_up"
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class Asked(NamedTuple):
    """A call as it arrived; header names are in lower case."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any

    @property
    def version(self) -> str | None:
        return self.headers.get("cal-api-version")


class Answer(NamedTuple):
    """What is said; of `BROKEN` and `HANGS` nothing is, after the call was taken."""

    status: int
    body: bytes
    headers: Mapping[str, str] = {}


BROKEN = Answer(0, b"")
HANGS = Answer(-1, b"")
PAGE = Answer(200, b"<!doctype html><title>Maintenance</title>")


def ok(data: Any, status: int = 200, headers: Mapping[str, str] | None = None, **more: Any) -> Answer:
    return Answer(status, json.dumps({"status": "success", "data": data, **more}).encode(), headers or {})


def refusal(status: int, message: str = "No.", headers: Mapping[str, str] | None = None) -> Answer:
    said = {"status": "error", "path": "/v2", "error": {"code": "Error", "message": message}}
    return Answer(status, json.dumps(said).encode(), headers or {})


class Time:
    """A clock that only pauses move; `paused` are the seconds of each."""

    def __init__(self) -> None:
        self.now = NOW
        self.paused: list[float] = []

    def clock(self) -> datetime:
        return self.now

    async def pause(self, seconds: float) -> None:
        self.paused.append(seconds)
        await asyncio.sleep(0)  # whoever else is under way goes on first
        self.now += timedelta(seconds=seconds)


class FarCalcom:
    """Answers what `will_say` it will, in this order; `wrong` is what Cal.com's document forbids of the calls."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.wrong: list[str] = []
        self._answers: deque[Answer] = deque()
        self._document = Document()
        self._end = threading.Event()
        far = self

        class Call(Exchange):
            def do_GET(self) -> None:  # noqa: N802 - http.server's name
                far._take(self)

            do_POST = do_PATCH = do_GET  # noqa: N815 - http.server's names

        self._listening = Listening(Call)

    @property
    def url(self) -> str:
        return f"{self._listening.url}/v2"

    @property
    def url_v1(self) -> str:
        return f"{self._listening.url}/v1"

    def will_say(self, *answers: Answer) -> None:
        self._answers.extend(answers)

    @property
    def unsaid(self) -> int:
        """How many answers nobody asked for."""
        return len(self._answers)

    def down(self) -> None:
        self._listening.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self.down()

    def _take(self, call: Exchange) -> None:
        body = call.body()
        headers = {name.title(): value for name, value in call.headers.items()}
        address = urlsplit(call.path)
        # The document has the calls of v2 alone.
        if not address.path.startswith("/v1/"):
            complaint = self._document.complaint(call.command, call.path, headers, body)
            self.wrong += [complaint] if complaint else []
        self.asked.append(
            Asked(
                call.command,
                address.path,
                dict(parse_qsl(address.query)),
                {name.lower(): value for name, value in headers.items()},
                json.loads(body) if body else None,
            )
        )
        answer = self._answers.popleft() if self._answers else refusal(418, "nothing was scripted")
        if answer is HANGS:
            self._end.wait()
        if answer in (BROKEN, HANGS):
            return call.break_off()
        return call.answer(answer.status, answer.body, {"Content-Type": "application/json", **answer.headers})
