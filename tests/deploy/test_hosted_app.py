"""RU3: `showup.cli.asgi:app` serves everything on a host's own HTTP server, and loses no webhook when it stops."""

import asyncio
import socket
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import asyncpg
import httpx2
import psutil
import pytest
import uvicorn

from showup.cli.asgi import HostedApp
from showup.sources.calcom.signature import sign
from tests.showup_process import SECRET, booking_body, environment
from tests.test_docs import ROOT
from tests.torture.programs import wait_until


@pytest.fixture
def hosted(database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """Sets the settings of a host: a database elsewhere, and secrets."""
    for name, value in environment(DATABASE_URL=database_url, SHOWUP_SECRET_KEY="k" * 40).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("SHOWUP_DATA_DIR", raising=False)
    monkeypatch.chdir(tmp_path)
    return database_url


async def test_ru3_a_hosts_server_stores_webhooks_and_serves_pages(hosted: str) -> None:
    server = uvicorn.Server(uvicorn.Config(HostedApp(), lifespan="on", log_config=None))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        task = asyncio.create_task(server.serve([listener]))
        body = booking_body()
        signature = {"X-Cal-Signature-256": sign(SECRET.encode(), body)}
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            accepted = await client.post("/webhooks/calcom", content=body, headers=signature)
            page = await client.get("/signin")
        server.should_exit = True
        await task
    assert (accepted.status_code, accepted.json()["status"]) == (200, "accepted")
    assert (page.status_code, "Sign in" in page.text) == (200, True)
    connection = await asyncpg.connect(hosted)
    assert (
        await connection.fetchval("SELECT body FROM showup.inbox_events WHERE id = $1", accepted.json()["id"]) == body
    )
    await connection.close()


@pytest.mark.usefixtures("hosted")
async def test_ru3_a_host_learns_why_the_app_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://showup@127.0.0.1:1/showup")
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "lifespan.startup"}

    async def send(message: Any) -> None:
        sent.append(message)

    with pytest.raises(Exception, match=r"127\.0\.0\.1"):
        await HostedApp()({"type": "lifespan"}, receive, send)
    assert [one["type"] for one in sent] == ["lifespan.startup.failed"]
    assert "127.0.0.1" in sent[0]["message"]


class _Modal(ModuleType):
    """Stands in for the package of Modal, which these tests don't install: its decorators change nothing here."""

    def __getattr__(self, name: str) -> Any:
        if name in ("Image", "Secret"):
            return _Builder()
        return lambda *_, **__: _Builder() if name == "App" else _unchanged


class _Builder:
    def __getattr__(self, name: str) -> Any:
        if name in ("function", "cls"):
            return lambda **_: _unchanged
        return lambda *_, **__: self


def _unchanged(decorated: Any) -> Any:
    return decorated


@pytest.mark.usefixtures("hosted")
def test_ru3_the_functions_on_modal_serve_and_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "modal", _Modal("modal"))
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    functions: dict[str, Any] = {"__file__": str(ROOT / "deploy" / "modal_app.py"), "__name__": "modal_app"}
    exec(compile((ROOT / "deploy" / "modal_app.py").read_text(), "modal_app.py", "exec"), functions)  # noqa: S102
    assert isinstance(functions["web"](), HostedApp)
    work = functions["Work"]()
    work.start()
    wait_until(lambda: psutil.Process(work.process.pid).children())
    work.stop()
    assert work.process.returncode == 0
