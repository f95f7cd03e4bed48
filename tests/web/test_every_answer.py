"""No answer forgets its headers, whichever door it comes from, and whatever went wrong."""

from typing import NoReturn

import httpx2
import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.testing import capture_logs

from showup.assembly import Ground, house
from showup.settings import Settings
from showup.web.every_answer import completed

WHO = "ann@acme.example"
ORIGIN = {"Origin": "https://app.example"}


def asked(doors: ASGIApp) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=doors), base_url="http://showup.example")


async def fails(_scope: Scope, _receive: Receive, _send: Send) -> NoReturn:
    raise ValueError(WHO)


@pytest.mark.parametrize(("method", "path"), [("POST", "/webhooks/calcom/nobody"), ("GET", "/webhooks/calcom")])
async def test_the_webhooks_door_is_no_exception(
    database_url: str, monkeypatch: pytest.MonkeyPatch, method: str, path: str
) -> None:
    monkeypatch.setenv("SHOWUP_CORS_ORIGINS", ORIGIN["Origin"])
    ground = Ground(url=database_url, direct_url=database_url, secret_keys="k" * 40)
    async with house(Settings(), ground) as built, asked(built.door) as client:
        answer = await client.request(method, path, headers=ORIGIN, content=b"{}")
    assert answer.status_code in (404, 405)
    assert (answer.headers["x-content-type-options"], answer.headers["cache-control"]) == ("nosniff", "no-store")
    assert answer.headers["access-control-allow-origin"] == ORIGIN["Origin"]


async def test_a_fault_is_answered_and_logged_without_its_text() -> None:
    with capture_logs() as logged:
        async with asked(completed(fails, cors_origins=[ORIGIN["Origin"]])) as client:
            answer = await client.get("/any", headers=ORIGIN)
    assert (answer.status_code, answer.json()["type"]) == (500, "urn:showup:problem:fault")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["access-control-allow-origin"] == ORIGIN["Origin"]
    assert [(line["fault"], line["log_level"]) for line in logged] == [("ValueError", "error")]
    assert "in fails" in logged[0]["where"]
    assert WHO not in str(logged)


async def test_an_answer_that_has_begun_is_left_as_it_is() -> None:
    sent: list[Message] = []

    async def begins(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await fails(scope, receive, send)

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/any"}
    await completed(begins, cors_origins=[])(scope, receive, send)
    assert [message["type"] for message in sent] == ["http.response.start"]


async def test_a_server_that_cannot_start_is_not_taken_for_a_request() -> None:
    async def never() -> Message:
        raise AssertionError

    async def nowhere(_message: Message) -> None:
        raise AssertionError

    with pytest.raises(ValueError, match=WHO):
        await completed(fails, cors_origins=[])({"type": "lifespan"}, never, nowhere)
