"""R5: for any request to any operation, the response is one that the OpenAPI document describes."""

import asyncio
from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import CHECKS
from starlette.testclient import TestClient

from showup.container import event_handlers
from showup.database.engine import connect
from showup.web.app import create_app, openapi_document
from tests.database_pool import DatabasePool
from tests.web.sample_data import ADMIN_KEY, key_of
from tests.web.scenario import ticking_clock

SCHEMA = schemathesis.openapi.from_dict(openapi_document())
# The stream of changes never ends: see tests/web/dashboard/test_live.py.
OPERATIONS = [found for found in (each.ok() for each in SCHEMA.get_all_operations()) if found.path != "/api/live"]
# An operation without parameters has no invalid requests.
CASES = [
    (operation, mode)
    for operation in OPERATIONS
    for mode in schemathesis.GenerationMode
    if mode is schemathesis.GenerationMode.POSITIVE or operation.query or operation.path_parameters or operation.body
]
RESPONSE_CHECKS = CHECKS.get_by_names(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_schema_conformance",
    ]
)


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
        if operation.method != "get" and case.query:
            # A random name almost never matches a workspace, and commands need one.
            case.query.pop("workspace", None)
        key = ADMIN_KEY if operation.method == "get" else key_of("admin")
        request = case.as_transport_kwargs(headers={"Authorization": f"Bearer {key}"})
        # No operation reads a cookie, and the client would send them again with the next request.
        request.pop("cookies", None)
        if isinstance(request.get("data"), bytes):
            request["content"] = request.pop("data")
        case.validate_response(client.request(**request), checks=RESPONSE_CHECKS)

    send_case()
