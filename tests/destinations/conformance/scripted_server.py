"""Servers that answer every call alike: with a status, with malformed data, with nothing, or never."""

import gzip
from collections.abc import Mapping

from tests.destinations.conformance.case import NOW
from tests.vendors.faults import Faults, VendorResponse
from tests.vendors.server import ReceivedRequest, VendorServer

NOT_GZIP = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
CUT_SHORT = gzip.compress(b'{"id": "' + b"x" * 4000 + b'"}')[:40]
# The fields in which a vendor's client looks for a message.
_WORDS = ("message", "err", "error", "detail", "code", "more_info", "name")


class ScriptedServer(VendorServer):
    """Gives one response to all calls, or breaks all calls by one fault."""

    def __init__(self, always: VendorResponse | str) -> None:
        self._always = always
        super().__init__(clock=lambda: NOW, faults=Faults({always: 1.0}) if isinstance(always, str) else None)

    def answer(self, request: ReceivedRequest) -> VendorResponse:  # noqa: ARG002 - the same for all
        assert isinstance(self._always, VendorResponse)
        return self._always

    @property
    def secrets(self) -> list[str]:
        """Returns the secret part of each call's Authorization."""
        return [one.headers.get("authorization", "").rpartition(" ")[2] for one in self.requests]


class QuotingServer(ScriptedServer):
    """Repeats all headers of the call, including the key, in every field of its response."""

    def answer(self, request: ReceivedRequest) -> VendorResponse:
        words = " ".join(f"{name}: {value}" for name, value in request.headers.items())
        return VendorResponse(super().answer(request).status, dict.fromkeys(_WORDS, words) | {"errors": [words]})


def responding(status: int, body: bytes = b"{}", headers: Mapping[str, str] | None = None) -> ScriptedServer:
    """Gives one response to all calls."""
    return ScriptedServer(VendorResponse(status, body, headers or {}))


def quoting(status: int) -> ScriptedServer:
    return QuotingServer(VendorResponse(status))


def unreachable_url() -> str:
    """Returns a URL at which no server listens."""
    with responding(200) as gone:
        return gone.url
