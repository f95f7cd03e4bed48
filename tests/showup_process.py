"""A real `showup serve` in a separate process, with its child processes."""

import json
import os
import queue
import re
import subprocess
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from uuid import uuid4

import httpx2
import psutil

from showup.sources.calcom.signature import sign

SECRET = "the default account's secret"
ADMIN_KEY = "a" * 40
PAYLOAD = Path(__file__).parent / "payloads" / "docs_booking_created.json"
SHOWUP_VARIABLE_PREFIXES = ("SHOWUP_", "CALCOM_", "DATABASE_", "PG", "LOG_")
# Long enough for a machine that is busy with other tests; no test measures time with it.
TIMEOUT = 60.0


def environment(**variables: str) -> dict[str, str]:
    """Returns this process's environment, with only these settings of Showup."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(SHOWUP_VARIABLE_PREFIXES)}
    # Two checkouts would share the default data folder, so a test without a database names a folder of its own.
    own = {"CALCOM_WEBHOOK_SECRET": SECRET, "SHOWUP_ADMIN_KEY": ADMIN_KEY, "SHOWUP_DATA_DIR": "/dev/null/none"}
    return clean | own | variables


class ShowupProcess:
    """A running `showup serve`; the constructor returns when `address` responds."""

    def __init__(self, *arguments: str, **variables: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "showup", "serve", "--port", "0", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment(**variables),
            start_new_session=True,
        )
        self._lines: queue.Queue[str] = queue.Queue()
        self.output: list[str] = []
        self._reader = threading.Thread(target=self._read_output, daemon=True)
        self._reader.start()
        self.address = self.wait_for_output(r"running at (\S+)")
        self.client = httpx2.Client(base_url=self.address, timeout=10)

    def _read_output(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout:
            for line in self.process.stdout:
                self.output.append(line)
                self._lines.put(line)
        self._lines.put("")

    def wait_for_output(self, pattern: str) -> str:
        """Waits for a matching line of output; returns its first group, or the whole match."""
        output = ""
        while line := self._next_line(output):
            output += line
            if match := re.search(pattern, line):
                return match[match.lastindex or 0]
        raise AssertionError(f"the process ended with this output:\n{output}")

    def _next_line(self, output: str) -> str:
        try:
            return self._lines.get(timeout=TIMEOUT)
        except queue.Empty:
            raise AssertionError(f"no other line within {TIMEOUT} s; the output so far:\n{output}") from None

    def process_tree(self) -> list[psutil.Process]:
        """Returns the process and all its descendants, including PostgreSQL."""
        parent = psutil.Process(self.process.pid)
        return [parent, *parent.children(recursive=True)]

    def children(self, kind: str) -> list[psutil.Process]:
        """Returns its children of one kind: `web` or `work`."""
        processes = psutil.Process(self.process.pid).children()
        return [child for child in processes if child.name().startswith(f"showup-{kind}")]

    def post(self, body: bytes | None = None, *, secret: str = SECRET) -> httpx2.Response:
        """Sends a signed webhook: `body`, or else a new booking."""
        body = booking_body() if body is None else body
        signature = {"X-Cal-Signature-256": sign(secret.encode(), body), "Content-Type": "application/json"}
        return self.client.post("/webhooks/calcom", content=body, headers=signature)

    def event_state(self, event_id: str) -> str:
        """Returns the state of an inbox event."""
        response = self.client.get(f"/api/events/{event_id}", headers={"Authorization": f"Bearer {ADMIN_KEY}"})
        state: str = response.raise_for_status().json()["state"]
        return state

    def stop(self, signal: int) -> int:
        """Sends a signal to the parent process, and returns its exit code."""
        self.process.send_signal(signal)
        code = self.process.wait(TIMEOUT)
        self._reader.join(TIMEOUT)
        self.client.close()
        return code


def booking_body() -> bytes:
    """Returns the body of a BOOKING_CREATED webhook with a new uid."""
    body = json.loads(PAYLOAD.read_bytes())
    body["payload"]["uid"] = uuid4().hex
    return json.dumps(body).encode()


def still_running(processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    """Returns the processes that still run after the timeout."""
    _, alive = psutil.wait_procs(list(processes), timeout=TIMEOUT)
    return alive
