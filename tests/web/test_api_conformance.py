"""R5: for any request to any operation, the response is one that the OpenAPI document describes."""

import asyncio
from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from starlette.testclient import TestClient

from showup.container import event_handlers
from showup.database.engine import connect
from showup.web.app import create_app
from tests.database_pool import DatabasePool
from tests.web.api_conformance import CASES, check_response
from tests.web.sample_data import ADMIN_KEY, key_of
from tests.web.scenario import ticking_clock


@pytest.fixture(scope="module")
def client(database_pool: DatabasePool, scenario_template: str) -> Iterator[TestClient]:
    engine = connect(asyncio.run(database_pool.take(scenario_template)).url)
    app = create_app(
        engine=engine, clock=ticking_clock(), admin_key=ADMIN_KEY, version="0", event_handlers=event_handlers()
    )
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client
        assert client.portal is not None
        client.portal.call(engine.dispose)


@pytest.mark.parametrize(
    ("operation", "mode"), CASES, ids=[f"{operation.label} {mode.value}" for operation, mode in CASES]
)
def test_every_response_matches_the_document(
    client: TestClient, operation: schemathesis.schemas.APIOperation, mode: schemathesis.GenerationMode
) -> None:
    @settings(
        max_examples=10,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def send_case(case: schemathesis.Case) -> None:
        check_response(client, operation, case, ADMIN_KEY if operation.method == "get" else key_of("admin"))

    send_case()
