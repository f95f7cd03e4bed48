"""Run the attacks S01 to S07 on a `showup serve`, one after the other, while 20 webhooks a second come in.

Usage: `python -m tests.torture.attacks [S01 …]`, on a quiet machine. It prints a row for each attack: how many webhooks
were refused, their slowest and median answers, and by how much the memory of the processes grew. The exit status is 1
where a webhook was refused, or later than 500 ms, or where the web process grew by more than 64 MB.
"""

import contextlib
import shutil
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from signal import SIGTERM
from statistics import median
from typing import Any

import httpx2
from rich.console import Console
from rich.table import Table

from showup.sources.calcom.signature import sign
from tests.showup_process import ADMIN_KEY, SECRET, ShowupProcess, booking_body
from tests.test_serve_under_attack import connect, send_repeatedly

_WEBHOOKS_A_SECOND = 20
_LONGEST_SECONDS = 0.5
_MOST_GROWTH = 64
_SECONDS = 12
_AUTHORIZED = {"Authorization": f"Bearer {ADMIN_KEY}"}


class Measurement:
    """Sends webhooks at a fixed rate until it is stopped, each on its own connection."""

    def __init__(self, showup: ShowupProcess) -> None:
        self.seconds: list[float] = []
        self.refused = 0
        self.growth: dict[str, float] = {}
        self._stopped = threading.Event()
        # One client, because to create one takes longer than an answer.
        self._client = httpx2.Client(base_url=showup.address, timeout=30, headers={"Connection": "close"})
        self._processes = {kind: child for kind in ("web", "work", "deliver") for child in showup.children(kind)}
        self._first = {kind: child.memory_info().rss for kind, child in self._processes.items()}

    def run(self) -> None:
        due = time.monotonic()
        while not self._stopped.wait(max(0.0, due - time.monotonic())):
            due += 1 / _WEBHOOKS_A_SECOND
            self._send_one()
            for kind, child in self._processes.items():
                grown = (child.memory_info().rss - self._first[kind]) / 1024 / 1024
                self.growth[kind] = max(self.growth.get(kind, 0.0), grown)
        self._client.close()

    def stop(self) -> None:
        self._stopped.set()

    def _send_one(self) -> None:
        body = booking_body()
        headers = {"X-Cal-Signature-256": sign(SECRET.encode(), body)}
        started = time.monotonic()
        try:
            response = self._client.post("/webhooks/calcom", content=body, headers=headers)
            self.refused += response.status_code != 200
        except httpx2.TransportError:
            self.refused += 1
        self.seconds.append(time.monotonic() - started)


def endless_heads(showup: ShowupProcess) -> None:
    """S01: headers, URLs, trailers and chunk extensions without end."""
    chunked = b"POST /webhooks/calcom HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    starts = [b"GET / HTTP/1.1\r\nX: ", b"GET /", chunked + b"1;", chunked + b"0\r\nX: "]
    for _ in _rounds():
        with ExitStack() as opened:
            for start in starts * 4:
                connection = opened.enter_context(connect(showup))
                with contextlib.suppress(OSError):
                    connection.sendall(start)
                send_repeatedly(connection, b"v" * 65536)


def unread_responses(showup: ShowupProcess) -> None:
    """S02: pipelined requests whose responses are not read."""
    with ExitStack() as opened:
        connections = [opened.enter_context(connect(showup, receive_buffer=4096)) for _ in range(16)]
        for _ in _rounds():
            for connection in connections:
                connection.settimeout(0.1)
                send_repeatedly(connection, b"GET /healthz HTTP/1.1\r\n\r\n" * 4096)
            time.sleep(0.1)


def unfinished_bodies(showup: ShowupProcess) -> None:
    """S03: 1,100 idle connections, then 200 unfinished bodies of 900 KB."""
    with ExitStack() as opened:
        for _ in range(1_100):
            with contextlib.suppress(OSError):
                opened.enter_context(connect(showup))
        head = b"POST /webhooks/slack/actions HTTP/1.1\r\nContent-Length: 921601\r\n\r\n"
        for _ in range(200):
            with contextlib.suppress(OSError):
                opened.enter_context(connect(showup)).sendall(head + b"b" * 921_600)
        time.sleep(_SECONDS)


def endless_template(showup: ShowupProcess) -> None:
    """S04: a text message with a loop of 10¹⁰ rounds, set over the API."""
    loop = "{% for a in range(10000000000) %}x{% endfor %}"
    connection = {
        "kind": "twilio",
        "name": "loop",
        "settings": {"account_sid": "AC" + "0" * 32, "from_number": "+12025550100", "texts": {"confirmation": loop}},
        "credentials": {"auth_token": "t"},
    }
    for _ in _rounds():
        httpx2.post(f"{showup.address}/api/connections", json=connection, headers=_AUTHORIZED, timeout=30)
        time.sleep(0.2)


def slow_searches(showup: ShowupProcess) -> None:
    """S05: 16 searches for 100 words of one letter at once."""
    words = " ".join("abcdefghij" * 10)
    paths = [f"/api/{name}" for name in ("bookings", "deals", "people", "companies")] * 4

    def search(path: str) -> None:
        with contextlib.suppress(httpx2.TransportError):
            httpx2.get(f"{showup.address}{path}", params={"q": words}, headers=_AUTHORIZED, timeout=30)

    with ThreadPoolExecutor(len(paths)) as threads:
        for _ in _rounds():
            list(threads.map(search, paths))


def private_addresses(showup: ShowupProcess) -> None:
    """S06: endpoints at addresses of this machine and of its network."""
    for _ in _rounds():
        for host in ("127.0.0.1", "169.254.169.254", "localhost", "168.63.129.16"):
            _create_endpoint(showup, f"https://{host}/")


def slow_endpoints(showup: ShowupProcess) -> None:
    """S07: endpoints that never answer, as many as are allowed, each with 50 deliveries."""
    with socket.create_server(("127.0.0.1", 0), backlog=1_000) as silent:
        port = silent.getsockname()[1]
        created = [_create_endpoint(showup, f"http://127.0.0.1:{port}/") for _ in range(60)]
        ids = [response["id"] for response in created if "id" in response]
        for _ in _rounds():
            for endpoint_id in ids:
                path = f"{showup.address}/api/endpoints/{endpoint_id}/test"
                httpx2.post(path, headers=_AUTHORIZED, timeout=30)


def _create_endpoint(showup: ShowupProcess, url: str) -> Any:
    body = {"url": url, "kinds": ["*"]}
    return httpx2.post(f"{showup.address}/api/endpoints", json=body, headers=_AUTHORIZED, timeout=30).json()


def _rounds() -> Iterator[None]:
    until = time.monotonic() + _SECONDS
    while time.monotonic() < until:
        yield


_ATTACKS: dict[str, Callable[[ShowupProcess], None]] = {
    "none": lambda _: time.sleep(_SECONDS),
    "S01": endless_heads,
    "S02": unread_responses,
    "S03": unfinished_bodies,
    "S04": endless_template,
    "S05": slow_searches,
    "S06": private_addresses,
    "S07": slow_endpoints,
}


@contextmanager
def _measured(showup: ShowupProcess) -> Iterator[Measurement]:
    measurement = Measurement(showup)
    thread = threading.Thread(target=measurement.run)
    thread.start()
    try:
        yield measurement
    finally:
        measurement.stop()
        thread.join()


def main() -> None:
    names = sys.argv[1:] or list(_ATTACKS)
    table = Table("attack", "webhooks", "refused", "slowest ms", "median ms", "memory in MB, by process")
    is_sound = True
    for name in names:
        # Only S07 needs endpoints on this machine; S06 shows that they are refused otherwise.
        allowed = {"SHOWUP_ALLOW_PRIVATE_ADDRESSES": "true"} if name == "S07" else {}
        folder = tempfile.mkdtemp(prefix="showup-attacks-")
        # PostgreSQL runs under another account when we are root, and must be able to enter the folder.
        Path(folder).chmod(0o711)
        showup = ShowupProcess(SHOWUP_DATA_DIR=f"{folder}/data", **allowed)
        try:
            for _ in range(50):
                showup.post().raise_for_status()
            with _measured(showup) as measurement:
                _ATTACKS[name](showup)
        finally:
            showup.stop(SIGTERM)
            shutil.rmtree(folder, ignore_errors=True)
        slowest = max(measurement.seconds)
        growth = ", ".join(f"{process} {size:+.0f}" for process, size in sorted(measurement.growth.items()))
        table.add_row(
            name,
            str(len(measurement.seconds)),
            str(measurement.refused),
            f"{slowest * 1_000:.0f}",
            f"{median(measurement.seconds) * 1_000:.0f}",
            growth,
        )
        is_sound &= not measurement.refused and slowest < _LONGEST_SECONDS
        is_sound &= max(measurement.growth.values(), default=0.0) < _MOST_GROWTH
    Console().print(table)
    sys.exit(0 if is_sound else 1)


if __name__ == "__main__":
    main()
