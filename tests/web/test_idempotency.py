"""A repeated request with the same Idempotency-Key is executed once and gets the first response."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import httpx2
import pytest
from fastapi import FastAPI
from sqlalchemy import text, update
from starlette.types import Message, Scope

from showup.commands.idempotency_store import RETENTION
from showup.container import event_handlers
from showup.database.engine import driver_connection, transaction
from showup.database.tables import idempotency_keys
from showup.inbox.apply import lock_pipeline
from showup.web.app import create_app
from tests.web.conftest import ClientFactory, client_of
from tests.web.sample_data import ADMIN_KEY, id_of, key_of
from tests.web.scenario import TODAY, Scenario, ticking_clock

COMPANY = {"name": "The Shop"}
SHOP = b'{"name": "The Shop"}'
SHOP_HEADERS = (
    ("authorization", f"Bearer {key_of('writer')}"),
    ("idempotency-key", "a"),
    ("content-type", "application/json"),
)


async def create_company(client: httpx2.AsyncClient, key: str, **fields: str) -> httpx2.Response:
    return await client.post("/api/companies", json=fields or COMPANY, headers={"Idempotency-Key": key})


async def test_a_repeated_request_is_executed_once(writer: httpx2.AsyncClient, scenario: Scenario) -> None:
    first, again = await create_company(writer, "a"), await create_company(writer, "a")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["content-type"] == first.headers["content-type"]
    assert ("idempotency-replayed" in first.headers, again.headers["idempotency-replayed"]) == (False, "true")
    assert len(await scenario.commands()) == 1
    other = await create_company(writer, "b")
    assert other.json()["id"] != first.json()["id"]


async def test_ap1_a_commands_answer_says_as_of_and_is_repeated_unchanged(writer: httpx2.AsyncClient) -> None:
    first, again = [await writer.post("/api/companies", content=SHOP, headers=dict(SHOP_HEADERS)) for _ in range(2)]
    assert (first.status_code, list(first.json())[-1]) == (201, "as_of")
    assert first.content == again.content
    missing = await writer.patch(f"/api/companies/{uuid4()}", json={"name": "Shop"})
    assert (missing.status_code, "as_of" in missing.json()) == (404, False)


async def test_without_a_key_it_is_done_each_time(writer: httpx2.AsyncClient, scenario: Scenario) -> None:
    for _ in range(2):
        assert (await writer.post("/api/companies", json=COMPANY)).status_code == 201
    assert len(await scenario.commands()) == 2


async def test_a_key_is_for_one_request(writer: httpx2.AsyncClient, scenario: Scenario) -> None:
    created = await create_company(writer, "a")
    key = {"Idempotency-Key": "a"}
    others = [
        await create_company(writer, "a", name="Another Shop"),
        await writer.post("/api/companies?workspace=ours", json=COMPANY, headers=key),
        await writer.patch(f"/api/companies/{created.json()['id']}", json=COMPANY, headers=key),
    ]
    for response in others:
        assert (response.status_code, response.json()["type"]) == (422, "urn:showup:problem:key-of-another-request")
    assert len(await scenario.commands()) == 1


async def test_each_actor_has_separate_keys(scenario_client_as: ClientFactory) -> None:
    first, second = (
        await create_company(scenario_client_as("writer"), "a"),
        await create_company(scenario_client_as("admin"), "a"),
    )
    assert (second.status_code, second.json()["id"] != first.json()["id"]) == (201, True)


async def test_concurrent_requests_are_executed_once(writer: httpx2.AsyncClient, scenario: Scenario) -> None:
    responses = await asyncio.gather(*(create_company(writer, "a") for _ in range(6)))
    assert {response.status_code for response in responses} == {201}
    assert len({response.content for response in responses}) == 1
    assert sorted("idempotency-replayed" in response.headers for response in responses) == [False] + [True] * 5
    assert len(await scenario.commands()) == 1


async def test_a_refusal_is_replayed_too(writer: httpx2.AsyncClient, scenario: Scenario) -> None:
    path, key = f"/api/deals/{await scenario.deal_id('met')}", {"Idempotency-Key": "a"}
    first, again = [await writer.patch(path, json={"stage": "signed"}, headers=key) for _ in range(2)]
    assert (first.status_code, again.content) == (409, first.content)
    assert again.headers["content-type"] == "application/problem+json"
    assert again.headers["idempotency-replayed"] == "true"
    assert [one["state"] for one in await scenario.commands()] == ["refused"]


async def test_an_invalid_request_leaves_the_key_unused(writer: httpx2.AsyncClient) -> None:
    assert (await create_company(writer, "a", nam="The Shop")).status_code == 422
    unknown = await writer.patch(f"/api/companies/{uuid4()}", json=COMPANY, headers={"Idempotency-Key": "a"})
    assert unknown.status_code == 404
    assert (await create_company(writer, "a")).status_code == 201


class Disconnected(Exception):
    """The client has disconnected."""


async def test_an_unsent_response_is_replayed(writer: httpx2.AsyncClient, scenario: Scenario) -> None:
    """If the process stops between the commit and the response, a retry gets the stored response."""
    with pytest.raises(Disconnected):
        await send_and_disconnect(
            create_app(
                engine=scenario.engine,
                clock=ticking_clock(),
                admin_key=None,
                version="0",
                event_handlers=event_handlers(),
            )
        )
    (done,) = await scenario.commands()
    assert done["state"] == "applied"
    response = await writer.post("/api/companies", content=SHOP, headers=dict(SHOP_HEADERS))
    assert (response.status_code, response.headers["idempotency-replayed"]) == (201, "true")
    read = (await writer.get(f"/api/companies/{response.json()['id']}")).json()
    assert read == response.json() | {"as_of": read["as_of"]}
    assert len(await scenario.commands()) == 1


async def send_and_disconnect(app: FastAPI) -> None:
    scope: Scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/companies",
        "raw_path": b"/api/companies",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in SHOP_HEADERS],
        "scheme": "http",
        "server": ("showup.example", 80),
        "client": None,
        "http_version": "1.1",
    }

    async def receive() -> Message:
        return {"type": "http.request", "body": SHOP, "more_body": False}

    async def send(_message: Message) -> None:
        raise Disconnected

    await app(scope, receive, send)


async def test_an_event_replay_accepts_a_key(writer: httpx2.AsyncClient, scenario: Scenario) -> None:
    await create_company(writer, "a")
    (event,) = await scenario.commands()
    key = {"Idempotency-Key": "replay"}
    first, again = [await writer.post(f"/api/events/{event['id']}/replay", headers=key) for _ in range(2)]
    assert (first.status_code, again.content) == (409, first.content)
    assert again.headers["idempotency-replayed"] == "true"


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "ü", "\x7f"])
async def test_an_invalid_key_is_refused(writer: httpx2.AsyncClient, scenario: Scenario, key: str) -> None:
    headers = [(b"idempotency-key", key.encode("latin-1"))]
    response = await writer.post("/api/companies", json=COMPANY, headers=headers)
    assert response.status_code == 422
    (error,) = response.json()["errors"]
    assert (error["field"], error["in"]) == ("Idempotency-Key", "header")
    assert not await scenario.commands()


async def test_expired_keys_are_deleted_and_recent_ones_stay(writer: httpx2.AsyncClient, scenario: Scenario) -> None:
    for key in ("old", "young"):
        await create_company(writer, key)
    for key, age in (("old", RETENTION + timedelta(hours=1)), ("young", RETENTION - timedelta(hours=1))):
        async with transaction(scenario.engine) as tx:
            change = update(idempotency_keys).where(idempotency_keys.c.key == key)
            await tx.execute(change.values(created_at=TODAY - age))
    await create_company(writer, "new")
    assert {row["key"] for row in await scenario.rows("idempotency_keys")} == {"young", "new"}


def impatient_client_as(scenario: Scenario) -> ClientFactory:
    """A factory of clients of an app with a short lock timeout."""
    waits_for = timedelta(milliseconds=200)
    app = create_app(
        engine=scenario.engine,
        clock=ticking_clock(),
        admin_key=ADMIN_KEY,
        version="0",
        lock_timeout=waits_for,
        event_handlers=event_handlers(),
    )
    return lambda name: client_of(app, name)


async def test_a_busy_workspace_answers_503(scenario_client_as: ClientFactory, scenario: Scenario) -> None:
    """R4: a request to a busy workspace gets 503 instead of hanging, changes nothing and leaves the key unused."""
    async with transaction(scenario.engine) as tx:
        await lock_pipeline(await driver_connection(tx), id_of("ours"))
        response = await create_company(impatient_client_as(scenario)("writer"), "a")
        elsewhere = await create_company(scenario_client_as("stranger"), "a")
    assert (response.status_code, response.json()["type"]) == (503, "urn:showup:problem:busy")
    assert response.headers["retry-after"] == "2"
    assert elsewhere.status_code == 201, "another workspace is not busy"
    assert (await create_company(scenario_client_as("writer"), "a")).status_code == 201
    assert len(await scenario.commands(workspace_id=id_of("ours"))) == 1


async def test_waiting_writes_do_not_block_reads(scenario: Scenario) -> None:
    client_as = impatient_client_as(scenario)
    async with transaction(scenario.engine) as tx:
        await lock_pipeline(await driver_connection(tx), id_of("ours"))
        waiting = [asyncio.create_task(create_company(client_as("writer"), str(number))) for number in range(12)]
        await wait_for_lock(scenario)
        assert (await client_as("reader").get("/api/deals")).status_code == 200
        responses = await asyncio.gather(*waiting)
    assert {response.status_code for response in responses} == {503}


async def wait_for_lock(scenario: Scenario) -> None:
    waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    async with scenario.engine.connect() as tx:
        while not await tx.scalar(waiting):
            pass
