"""Somebody who answers every call alike, whatever it asks: with a status, with rubbish, with nothing, or never."""

import gzip
import json
import threading
from collections.abc import Callable, Mapping
from typing import Self

from tests.destinations.conformance.case import NOW
from tests.destinations.far.listening import Exchange, Listening

PAGE = b"<!doctype html><title>Welcome</title>"
NOT_GZIP = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
CUT_SHORT = gzip.compress(b'{"id": "' + b"x" * 4000 + b'"}')[:40]
# Wherever a vendor's client looks for words.
_WORDS = ("message", "err", "error", "detail", "code", "more_info", "name")


class Stranger:
    """`say` does with a call what it wants. `asked` has the secret part of each call's Authorization.

    `heard` is released at each call.
    """

    def __init__(self, say: Callable[["Stranger", Exchange], None]) -> None:
        self.asked: list[str] = []
        self.heard = threading.Semaphore(0)
        self.gone = threading.Event()
        stranger = self

        class Call(Exchange):
            def _any(self) -> None:
                self.body()
                stranger.asked.append(self.headers.get("Authorization", "").rpartition(" ")[2])
                stranger.heard.release()
                say(stranger, self)

            def date_time_string(self, timestamp: float | None = None) -> str:  # noqa: ARG002 - http.server's
                return f"{NOW:%a, %d %b %Y %H:%M:%S} GMT"

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _any  # noqa: N815 - http.server's names

        self._listening = Listening(Call)

    @property
    def url(self) -> str:
        return self._listening.url

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.gone.set()
        self._listening.stop()


def answers(status: int, body: bytes = b"{}", headers: Mapping[str, str] | None = None) -> Stranger:
    """One answer to all."""
    return Stranger(
        lambda _, call: call.answer(status, body, {"Content-Type": "application/json"} | dict(headers or {}))
    )


def breaks_off() -> Stranger:
    """Hears everybody out, and resets the connection."""
    return Stranger(lambda _, call: call.break_off())


def hangs() -> Stranger:
    """Hears everybody out, and says nothing."""
    return Stranger(lambda stranger, call: (stranger.gone.wait(), call.break_off())[1])


def quotes(status: int) -> Stranger:
    """Repeats, in every field of its answer, all the headers of the call, the key among them."""

    def say(_: Stranger, call: Exchange) -> None:
        words = " ".join(f"{name}: {value}" for name, value in call.headers.items())
        body = json.dumps(dict.fromkeys(_WORDS, words) | {"errors": [words]}).encode()
        call.answer(status, body, {"Content-Type": "application/json"})

    return Stranger(say)


def nobody() -> str:
    """An address at which nobody listens."""
    with answers(200) as gone:
        return gone.url
