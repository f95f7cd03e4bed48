"""A change that comes again with its Idempotency-Key is done once, and answered as the first time."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import httpx2
import pytest
from fastapi import FastAPI
from sqlalchemy import text, update
from starlette.types import Message, Scope

from showup.database.engine import raw, transaction
from showup.database.tables import idempotency_keys
from showup.inbox.act import hold
from showup.web.app import create_app
from showup.web.idempotency_store import KEPT_FOR
from tests.web.cast import ADMIN_KEY, id_of, key_of
from tests.web.conftest import Asking, client_of
from tests.web.scene import TODAY, Scene, ticking

COMPANY = {"name": "The Shop"}
SHOP = b'{"name": "The Shop"}'
SHOP_HEADERS = (
    ("authorization", f"Bearer {key_of('writer')}"),
    ("idempotency-key", "a"),
    ("content-type", "application/json"),
)


async def entered(client: httpx2.AsyncClient, key: str, **said: str) -> httpx2.Response:
    return await client.post("/api/companies", json=said or COMPANY, headers={"Idempotency-Key": key})


async def test_the_same_again_is_answered_the_same_and_done_once(writer: httpx2.AsyncClient, scene: Scene) -> None:
    first, again = await entered(writer, "a"), await entered(writer, "a")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["content-type"] == first.headers["content-type"]
    assert ("idempotency-replayed" in first.headers, again.headers["idempotency-replayed"]) == (False, "true")
    assert len(await scene.commands()) == 1
    other = await entered(writer, "b")
    assert other.json()["id"] != first.json()["id"]


async def test_without_a_key_it_is_done_each_time(writer: httpx2.AsyncClient, scene: Scene) -> None:
    for _ in range(2):
        assert (await writer.post("/api/companies", json=COMPANY)).status_code == 201
    assert len(await scene.commands()) == 2


async def test_a_key_is_for_one_request(writer: httpx2.AsyncClient, scene: Scene) -> None:
    made = await entered(writer, "a")
    key = {"Idempotency-Key": "a"}
    others = [
        await entered(writer, "a", name="Another Shop"),
        await writer.post("/api/companies?workspace=ours", json=COMPANY, headers=key),
        await writer.patch(f"/api/companies/{made.json()['id']}", json=COMPANY, headers=key),
    ]
    for answer in others:
        assert (answer.status_code, answer.json()["type"]) == (422, "urn:showup:problem:key-of-another-request")
    assert len(await scene.commands()) == 1


async def test_each_has_keys_of_their_own(acting: Asking) -> None:
    first, second = await entered(acting("writer"), "a"), await entered(acting("admin"), "a")
    assert (second.status_code, second.json()["id"] != first.json()["id"]) == (201, True)


async def test_two_at_once_do_it_once(writer: httpx2.AsyncClient, scene: Scene) -> None:
    answers = await asyncio.gather(*(entered(writer, "a") for _ in range(6)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sorted("idempotency-replayed" in answer.headers for answer in answers) == [False] + [True] * 5
    assert len(await scene.commands()) == 1


async def test_a_refusal_is_an_answer_too(writer: httpx2.AsyncClient, scene: Scene) -> None:
    path, key = f"/api/deals/{await scene.deal_of('met')}", {"Idempotency-Key": "a"}
    first, again = [await writer.patch(path, json={"stage": "signed"}, headers=key) for _ in range(2)]
    assert (first.status_code, again.content) == (409, first.content)
    assert again.headers["content-type"] == "application/problem+json"
    assert again.headers["idempotency-replayed"] == "true"
    assert [one["state"] for one in await scene.commands()] == ["refused"]


async def test_what_was_not_understood_leaves_the_key_free(writer: httpx2.AsyncClient) -> None:
    assert (await entered(writer, "a", nam="The Shop")).status_code == 422
    unknown = await writer.patch(f"/api/companies/{uuid4()}", json=COMPANY, headers={"Idempotency-Key": "a"})
    assert unknown.status_code == 404
    assert (await entered(writer, "a")).status_code == 201


class CutOff(Exception):
    """The other end is gone."""


async def test_an_answer_that_never_left_is_there_for_who_asks_again(writer: httpx2.AsyncClient, scene: Scene) -> None:
    """Whoever dies between the commit and the answer: the retry finds both."""
    with pytest.raises(CutOff):
        await asked_and_cut_off(create_app(engine=scene.engine, clock=ticking(), admin_key=None, version="0"))
    (done,) = await scene.commands()
    assert done["state"] == "applied"
    answer = await writer.post("/api/companies", content=SHOP, headers=dict(SHOP_HEADERS))
    assert (answer.status_code, answer.headers["idempotency-replayed"]) == (201, "true")
    assert (await writer.get(f"/api/companies/{answer.json()['id']}")).json() == answer.json()
    assert len(await scene.commands()) == 1


async def asked_and_cut_off(app: FastAPI) -> None:
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
        raise CutOff

    await app(scope, receive, send)


async def test_running_an_event_again_takes_a_key(writer: httpx2.AsyncClient, scene: Scene) -> None:
    await entered(writer, "a")
    (event,) = await scene.commands()
    key = {"Idempotency-Key": "replay"}
    first, again = [await writer.post(f"/api/events/{event['id']}/replay", headers=key) for _ in range(2)]
    assert (first.status_code, again.content) == (409, first.content)
    assert again.headers["idempotency-replayed"] == "true"


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "ü", "\x7f"])
async def test_what_is_no_key_is_refused(writer: httpx2.AsyncClient, scene: Scene, key: str) -> None:
    headers = [(b"idempotency-key", key.encode("latin-1"))]
    answer = await writer.post("/api/companies", json=COMPANY, headers=headers)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert (error["field"], error["in"]) == ("Idempotency-Key", "header")
    assert not await scene.commands()


async def test_old_keys_go_in_time_and_young_ones_stay(writer: httpx2.AsyncClient, scene: Scene) -> None:
    for key in ("old", "young"):
        await entered(writer, key)
    for key, age in (("old", KEPT_FOR + timedelta(hours=1)), ("young", KEPT_FOR - timedelta(hours=1))):
        async with transaction(scene.engine) as tx:
            change = update(idempotency_keys).where(idempotency_keys.c.key == key)
            await tx.execute(change.values(created_at=TODAY - age))
    await entered(writer, "new")
    assert {row["key"] for row in await scene.rows("idempotency_keys")} == {"young", "new"}


def soon_busy(scene: Scene) -> Asking:
    """Clients of an app that does not wait for long."""
    waits_for = timedelta(milliseconds=200)
    app = create_app(engine=scene.engine, clock=ticking(), admin_key=ADMIN_KEY, version="0", waits_for=waits_for)
    return lambda name: client_of(app, name)


async def test_who_waits_too_long_is_told_to_come_again(acting: Asking, scene: Scene) -> None:
    """R4: a busy workspace answers, in place of hanging; nothing is done, and the key is free."""
    async with transaction(scene.engine) as tx:
        await hold(await raw(tx), id_of("ours"))
        answer = await entered(soon_busy(scene)("writer"), "a")
        elsewhere = await entered(acting("stranger"), "a")
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:showup:problem:busy")
    assert answer.headers["retry-after"] == "2"
    assert elsewhere.status_code == 201, "another workspace is not busy"
    assert (await entered(acting("writer"), "a")).status_code == 201
    assert len(await scene.commands(workspace_id=id_of("ours"))) == 1


async def test_many_who_wait_leave_room_for_who_reads(scene: Scene) -> None:
    asking = soon_busy(scene)
    async with transaction(scene.engine) as tx:
        await hold(await raw(tx), id_of("ours"))
        waiting = [asyncio.create_task(entered(asking("writer"), str(number))) for number in range(12)]
        await some_wait(scene)
        assert (await asking("reader").get("/api/deals")).status_code == 200
        answers = await asyncio.gather(*waiting)
    assert {answer.status_code for answer in answers} == {503}


async def some_wait(scene: Scene) -> None:
    waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    async with scene.engine.connect() as tx:
        while not await tx.scalar(waiting):
            pass
