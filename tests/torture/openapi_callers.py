"""Sends generated requests to every operation of the OpenAPI document, as every kind of caller (R5).

Each response must be one that the document describes, and none is a 5xx; but 503 is allowed where it is documented.
"""

import argparse
import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from starlette.testclient import TestClient

from showup.container import event_handlers
from showup.database.embedded.server import EmbeddedPostgres
from showup.database.engine import connect
from showup.database.migrate import upgrade
from showup.web.app import create_app
from showup.web.http.middleware import with_middleware
from tests.torture.report import Report
from tests.web.api_conformance import CASES, check_response
from tests.web.sample_data import ADMIN_KEY, key_of
from tests.web.scenario import create_scenario, ticking_clock

CALLERS: Final[dict[str, str | None]] = {
    "no key": None,
    "a wrong key": "showup_wrong",
    "read": key_of("reader"),
    "write": key_of("writer"),
    "admin": key_of("admin"),
    "admin of another workspace": key_of("stranger"),
    "admin of every workspace": ADMIN_KEY,
}
_SHOWN = 1_500


async def run(folder: Path, arguments: argparse.Namespace) -> Report:
    """Runs the test as the command line says."""
    return await asyncio.to_thread(_run, folder, arguments)


def _run(folder: Path, arguments: argparse.Namespace) -> Report:
    faults: list[str] = []
    count = 0
    with _client(folder) as client:
        for operation, mode in CASES:
            for caller, key in CALLERS.items():
                try:
                    count += _send(client, operation, mode, key, arguments)
                except Exception as fault:  # noqa: BLE001  # each failed check is a fault of the API
                    faults.append(f"{operation.label}, {mode.value}, {caller}: {str(fault)[:_SHOWN]}")
    operations = len({operation.label for operation, _ in CASES})
    summary = f"{count:,} requests to {operations} operations as {len(CALLERS)} callers"
    return Report(summary, "no 5xx, and every response is as documented", faults)


def _send(
    client: TestClient,
    operation: schemathesis.schemas.APIOperation,
    mode: schemathesis.GenerationMode,
    key: str | None,
    arguments: argparse.Namespace,
) -> int:
    count = 0

    @seed(arguments.seed)
    @settings(
        max_examples=arguments.examples,
        deadline=None,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def send_case(case: schemathesis.Case) -> None:
        nonlocal count
        count += 1
        check_response(client, operation, case, key)

    send_case()
    return count


@contextmanager
def _client(folder: Path) -> Iterator[TestClient]:
    with EmbeddedPostgres(folder / "data") as server:
        asyncio.run(_fill(server.dsn))
        engine = connect(server.dsn)
        app = create_app(
            engine=engine, clock=ticking_clock(), admin_key=ADMIN_KEY, version="0", event_handlers=event_handlers()
        )
        with TestClient(with_middleware(app, cors_origins=[]), raise_server_exceptions=False) as client:
            yield client
            assert client.portal is not None
            client.portal.call(engine.dispose)


async def _fill(url: str) -> None:
    await upgrade(url)
    engine = connect(url)
    await create_scenario(engine, ticking_clock())
    await engine.dispose()
