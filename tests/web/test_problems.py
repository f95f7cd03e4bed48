"""Errors: all have the same format, and each says what to do."""

from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.testing import capture_logs

from showup.container import event_handlers
from showup.database.engine import connect, transaction
from showup.web.app import create_app
from showup.web.http.body_limits import MAX_BODY_BYTES
from tests.web.conftest import ClientFactory
from tests.web.sample_data import ADMIN_KEY, NOW, id_of, key_of


async def read_problem(client: httpx2.AsyncClient, path: str, method: str = "GET") -> dict[str, Any]:
    response = await client.request(method, path)
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert problem["status"] == response.status_code
    assert {"type", "title", "detail"} <= set(problem)
    return problem


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/api/bookings?limit=0", "limit"),
        ("/api/bookings?limit=201", "limit"),
        ("/api/bookings?limit=many", "limit"),
        ("/api/bookings?sort=title", "sort"),
        ("/api/bookings?attended=maybe", "attended"),
        ("/api/bookings?status=accepted", "status"),
        ("/api/bookings?company_id=acme", "company_id"),
        ("/api/bookings?from=yesterday", "from"),
        ("/api/bookings?from=2026-02-30", "from"),
        ("/api/bookings?to=2026-03-11T15:00:00", "to"),
        ("/api/bookings?to=0001-01-01T00:00:00%2B14:00", "to"),
        ("/api/bookings?q=%00", "q"),
        ("/api/bookings?uid=", "uid"),
        ("/api/bookings/intro", "booking_id"),
        ("/api/deals?created_from=1741000000", "created_from"),
    ],
)
async def test_invalid_parameters_are_named(reader: httpx2.AsyncClient, path: str, field: str) -> None:
    problem = await read_problem(reader, path)
    assert problem["status"] == 422
    (error,) = problem["errors"]
    assert error["field"] == field
    assert error["detail"]


async def test_an_unknown_parameter_is_answered_with_the_nearest_known_one(
    reader: httpx2.AsyncClient,
) -> None:
    problem = await read_problem(reader, "/api/bookings?organiser=dana@brand.example&form=2026-03-01")
    details = {error["field"]: error["detail"] for error in problem["errors"]}
    assert "Did you mean 'organizer'?" in details["organiser"]
    assert "Did you mean 'from'?" in details["form"]


async def test_detail_routes_name_their_parameters_too(reader: httpx2.AsyncClient) -> None:
    problem = await read_problem(reader, f"/api/deals/{id_of('ours.acme_deal')}?work_space=ours")
    assert "workspace" in problem["errors"][0]["detail"]


async def test_no_such_path_thing_or_method(reader: httpx2.AsyncClient) -> None:
    assert (await read_problem(reader, "/api/nothing"))["type"] == "urn:showup:problem:no-such-path"
    assert (await read_problem(reader, f"/api/deals/{id_of('x')}"))["type"] == "urn:showup:problem:not-found"
    assert (await read_problem(reader, "/api/stats", "DELETE"))["type"] == "urn:showup:problem:no-such-method"
    assert (await reader.delete("/api/stats")).headers["allow"] == "GET, HEAD"


async def test_a_too_large_body_is_refused(client_as: ClientFactory) -> None:
    """The body is read before the key is checked, so its size must be limited."""
    for name in ("writer", "nobody"):
        response = await client_as(name).post("/api/companies", json={"name": "x" * MAX_BODY_BYTES})
        assert (response.status_code, response.json()["type"]) == (413, "urn:showup:problem:body-too-large")


async def test_a_missing_key_explains_how_to_send_one(anonymous: httpx2.AsyncClient) -> None:
    problem = await read_problem(anonymous, "/api/deals?limit=0")
    assert (problem["status"], "Authorization: Bearer" in problem["detail"]) == (401, True)


@pytest.mark.parametrize("header", ["Basic c2VjcmV0", "Bearer", "Bearer ", f"Bearer {key_of('reader')}x", "Bearer ü"])
async def test_invalid_keys_are_refused(anonymous: httpx2.AsyncClient, header: str) -> None:
    response = await anonymous.get("/api/deals", headers=[(b"authorization", header.encode())])
    assert response.status_code == 401


async def test_the_environments_key_opens_everything(anonymous: httpx2.AsyncClient) -> None:
    response = await anonymous.get("/api/stats", headers={"Authorization": f"Bearer {ADMIN_KEY}"})
    assert (response.status_code, response.json()["companies"]) == (200, 3)


@pytest.mark.usefixtures("own_sample_database")
async def test_a_fault_reveals_no_details(reader: httpx2.AsyncClient, sample_engine: AsyncEngine) -> None:
    async with transaction(sample_engine) as tx:
        await tx.execute(text("ALTER TABLE deals RENAME COLUMN stage TO phase"))
    with capture_logs() as logged:
        response = await reader.get("/api/deals", headers={"Origin": "https://app.example"})
    assert (response.status_code, response.json()["type"]) == (500, "urn:showup:problem:fault")
    assert (response.headers["x-content-type-options"], response.headers["cache-control"]) == ("nosniff", "no-store")
    assert response.headers["access-control-allow-origin"] == "https://app.example"
    assert [(line["fault"], line["path"]) for line in logged] == [("UndefinedColumnError (42703)", "/api/deals")]
    assert "phase" not in response.text
    assert "SELECT" not in response.text


async def test_an_unreachable_database_answers_503() -> None:
    """R4."""
    engine = connect("postgresql://showup@127.0.0.1:1/showup")
    app = create_app(
        engine=engine, clock=lambda: NOW, admin_key=ADMIN_KEY, version="0", event_handlers=event_handlers()
    )
    transport = httpx2.ASGITransport(app=app)
    key = {"Authorization": f"Bearer {ADMIN_KEY}"}
    async with httpx2.AsyncClient(transport=transport, base_url="http://showup.example", headers=key) as client:
        assert (await read_problem(client, "/api/deals"))["status"] == 503
        response = await client.get("/api/deals", headers={"Authorization": "Bearer showup_unknown"})
        assert (response.status_code, response.headers["retry-after"]) == (503, "2")
        assert (await client.get("/readyz")).json() == {"status": "down"}
        assert (await client.get("/healthz")).json() == {"status": "up"}
        page = await client.get("/signin")
        assert (page.status_code, "PostgreSQL does not respond" in page.text) == (503, True)
    await engine.dispose()


async def test_closed_connections_recover(own_sample_database: str, reader: httpx2.AsyncClient, postgres: str) -> None:
    """R4."""
    assert (await reader.get("/api/deals")).status_code == 200
    other = connect(postgres)
    async with other.connect() as tx:
        cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"
        await tx.execute(text(cut), {"name": urlsplit(own_sample_database).path[1:]})
    await other.dispose()
    responses = [(await reader.get("/api/deals")).status_code for _ in range(20)]
    assert set(responses) <= {200, 503}
    assert responses[-1] == 200


async def test_s13_many_errors_make_a_short_answer(client_as: ClientFactory) -> None:
    body = {f"unknown_{number}": 1 for number in range(12_000)}
    response = await client_as("writer").post("/api/companies", json={"name": "Acme", "domain": "acme.example"} | body)
    assert (response.status_code, len(response.content) < 20_000) == (422, True)
    errors = response.json()["errors"]
    assert len(errors) == 21
    assert errors[-1]["detail"] == "There are 11,980 more errors. Correct these first."
