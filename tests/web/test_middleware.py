"""Every response has the security headers, on every path and after every error."""

from typing import NoReturn

import httpx2
import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.testing import capture_logs

from showup.container import ProcessConfig, open_container
from showup.settings import Settings
from showup.web.http.middleware import with_middleware

EMAIL = "ann@acme.example"
ORIGIN = {"Origin": "https://app.example"}


def client_of_app(app: ASGIApp) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://showup.example")


async def failing_app(_scope: Scope, _receive: Receive, _send: Send) -> NoReturn:
    raise ValueError(EMAIL)


@pytest.mark.parametrize(("method", "path"), [("POST", "/webhooks/calcom/nobody"), ("GET", "/webhooks/calcom")])
async def test_webhook_responses_have_the_headers_too(
    database_url: str, monkeypatch: pytest.MonkeyPatch, method: str, path: str
) -> None:
    monkeypatch.setenv("SHOWUP_CORS_ORIGINS", ORIGIN["Origin"])
    config = ProcessConfig(url=database_url, direct_url=database_url, secret_keys="k" * 40)
    async with open_container(Settings(), config) as container, client_of_app(container.asgi_app) as client:
        response = await client.request(method, path, headers=ORIGIN, content=b"{}")
    assert response.status_code in (401, 405)
    assert (response.headers["x-content-type-options"], response.headers["cache-control"]) == ("nosniff", "no-store")
    assert response.headers["access-control-allow-origin"] == ORIGIN["Origin"]


async def test_a_fault_is_answered_and_logged_without_its_text() -> None:
    with capture_logs() as logged:
        async with client_of_app(with_middleware(failing_app, cors_origins=[ORIGIN["Origin"]])) as client:
            response = await client.get("/any", headers=ORIGIN)
    assert (response.status_code, response.json()["type"]) == (500, "urn:showup:problem:fault")
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["access-control-allow-origin"] == ORIGIN["Origin"]
    assert [(line["fault"], line["log_level"]) for line in logged] == [("ValueError", "error")]
    assert "in failing_app" in logged[0]["where"]
    assert EMAIL not in str(logged)


async def test_a_started_response_is_unchanged() -> None:
    sent: list[Message] = []

    async def started_app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await failing_app(scope, receive, send)

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/any"}
    await with_middleware(started_app, cors_origins=[])(scope, receive, send)
    assert [message["type"] for message in sent] == ["http.response.start"]


async def test_a_startup_failure_is_raised() -> None:
    async def receive() -> Message:
        raise AssertionError

    async def send(_message: Message) -> None:
        raise AssertionError

    with pytest.raises(ValueError, match=EMAIL):
        await with_middleware(failing_app, cors_origins=[])({"type": "lifespan"}, receive, send)
