"""A scripted Cal.com API: it returns one response after another, and checks each request against Cal.com's document."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.vendors.calcom.document import calcom_document
from tests.vendors.faults import Fault, VendorResponse
from tests.vendors.server import ReceivedRequest, VendorServer

KEY = "cal_live_made_up"
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def success_response(
    data: Any, status: int = 200, headers: Mapping[str, str] | None = None, **more: Any
) -> VendorResponse:
    return VendorResponse(status, {"status": "success", "data": data, **more}, headers or {})


def error_response(status: int, message: str = "No.", headers: Mapping[str, str] | None = None) -> VendorResponse:
    body = {"status": "error", "path": "/v2", "error": {"code": "Error", "message": message}}
    return VendorResponse(status, body, headers or {})


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


class ScriptedCalcom(VendorServer):
    """Sends the responses of `script` in order; a fault such as `reset` sends none."""

    prefix = "/v2"

    def __init__(self) -> None:
        super().__init__(document=calcom_document())

    @property
    def url_v1(self) -> str:
        return f"{self.url.removesuffix(self.prefix)}/v1"

    def script(self, *answers: Fault) -> None:
        self.faults.queue(*answers)


def version_of(request: ReceivedRequest) -> str | None:
    """Returns the version of the API that a request names."""
    return request.headers.get("cal-api-version")
