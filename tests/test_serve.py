"""RU1: one command runs everything. However it ends, no process keeps running and no data is lost."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import httpx2
import psutil
import pytest

from tests.conftest import RUN_FOLDER
from tests.showup_process import TIMEOUT, ShowupProcess, environment, still_running

Serve = Callable[..., ShowupProcess]


@pytest.fixture
def data(request: pytest.FixtureRequest) -> Path:
    return request.config.stash[RUN_FOLDER] / uuid4().hex[:8]


@pytest.fixture
def serve(data: Path) -> Iterator[Serve]:
    started: list[ShowupProcess] = []

    def start(*arguments: str, **variables: str) -> ShowupProcess:
        started.append(ShowupProcess(*arguments, SHOWUP_DATA_DIR=str(data), **variables))
        return started[-1]

    yield start
    for process in started:
        if process.process.poll() is None:
            process.stop(signal.SIGINT)


def wait_until(condition: Callable[[], bool]) -> None:
    """Waits for another process by polling, because nothing of it can be awaited."""
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < deadline, "the condition did not become true"
        time.sleep(0.05)


def accepts_webhook(showup: ShowupProcess) -> bool:
    with suppress(httpx2.TransportError):
        return showup.post().status_code == 200
    return False


def test_serve_stores_and_applies_webhooks_and_exits_cleanly(serve: Serve) -> None:
    showup = serve()
    for path in ("/healthz", "/readyz", "/docs", "/openapi.json", "/signin"):
        assert showup.client.get(path).status_code == 200, path
    response = showup.post()
    assert (response.status_code, response.json()["status"]) == (200, "accepted")
    wait_until(lambda: showup.event_state(response.json()["id"]) == "applied")
    assert showup.post(secret="another").status_code == 401
    processes = showup.process_tree()
    assert len(processes) > 3
    assert showup.stop(signal.SIGINT) == 0
    assert still_running(processes) == []


def test_sigterm_stops_it_with_an_open_connection(serve: Serve) -> None:
    showup = serve("--web-processes", "2")
    host, port = showup.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as idle:
        idle.sendall(b"GET /healthz HTTP/1.1\r\n")
        processes = showup.process_tree()
        assert showup.stop(signal.SIGTERM) == 0
        assert still_running(processes) == []


def test_children_exit_when_the_parent_is_killed_and_no_data_is_lost(serve: Serve) -> None:
    showup = serve()
    event_id = showup.post().json()["id"]
    wait_until(lambda: showup.event_state(event_id) == "applied")
    children = showup.children("web") + showup.children("work")
    assert len(children) == 2
    for child in children:
        child.suspend()
    showup.process.kill()
    showup.process.wait(TIMEOUT)
    # Its children still run, and hold no lock that the next start needs.
    restarted = serve()
    for child in children:
        child.resume()
    assert still_running(children) == []
    showup.stop(signal.SIGKILL)
    assert restarted.event_state(event_id) == "applied"
    assert restarted.post().status_code == 200
    processes = restarted.process_tree()
    assert restarted.stop(signal.SIGINT) == 0
    assert still_running(processes) == []


@pytest.mark.parametrize("kind", ["web", "work"])
def test_a_dead_child_is_restarted(serve: Serve, kind: str) -> None:
    showup = serve()
    (child,) = showup.children(kind)
    child.kill()
    showup.wait_for_output(f"process_ended.*{kind}-1")
    wait_until(lambda: any(process.pid != child.pid for process in showup.children(kind)))
    response = showup.post()
    assert response.status_code == 200
    wait_until(lambda: showup.event_state(response.json()["id"]) == "applied")
    # The parent has heard of the new child, and waits again.
    parent = psutil.Process(showup.process.pid)
    states = []
    for _ in range(20):
        states.append(parent.status())
        time.sleep(0.05)
    assert states.count(psutil.STATUS_SLEEPING) > len(states) / 2


def test_a_dead_postgresql_is_restarted(serve: Serve) -> None:
    showup = serve()
    assert showup.post().status_code == 200
    (server,) = [
        process for process in showup.process_tree() if process.name() == "postgres" and "-D" in process.cmdline()
    ]
    server.kill()
    showup.wait_for_output("database_restarted")
    wait_until(lambda: accepts_webhook(showup))


def test_two_on_one_data_folder_share_the_database(serve: Serve) -> None:
    first, second = serve(), serve("--no-work")
    assert second.children("work") == []
    event_id = second.post().json()["id"]
    wait_until(lambda: first.event_state(event_id) == "applied")
    assert first.stop(signal.SIGINT) == 0
    wait_until(lambda: accepts_webhook(second))


def test_a_port_in_use_is_reported(data: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = subprocess.run(
            [sys.executable, "-m", "showup", "serve", "--port", port],
            capture_output=True,
            text=True,
            env=environment(SHOWUP_DATA_DIR=str(data)),
            check=False,
        )
    assert result.returncode == 1
    assert f"port {port}" in result.stderr
    # For each way to start Showup, the message has a command that works.
    assert "`SHOWUP_PORT=8001 make run` or `showup serve --port 8001`" in result.stderr
    assert "Traceback" not in result.stderr
    assert not data.exists()


def test_a_signal_during_startup_leaves_no_process(data: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "showup", "serve", "--port", "0"],
        stdout=subprocess.PIPE,
        env=environment(SHOWUP_DATA_DIR=str(data)),
    )
    wait_until(data.exists)
    processes = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0
    assert still_running(processes) == []
    assert not list(data.glob("postgres/*/postmaster.pid"))
