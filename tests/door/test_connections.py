"""IN3, IN7: webhooks take a way of their own through the server; nobody can tell, and nobody can hold it up."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import NoReturn
from uuid import UUID, uuid4

import httpx2
import pytest
from structlog.testing import capture_logs

from showup.access.account import Account
from showup.clock import system_clock
from showup.inbox.raw_event import Incoming, Kept
from showup.sources.calcom.signature import sign
from showup.web.webhooks import MOST_COMING, WebhookDoor
from tests.door.conftest import SECRET, Sender, nothing_here, served

WHOSE = "ann@acme.example"
BODY = b'{"triggerEvent":"PING","payload":{}}'
SIGNATURE = sign(SECRET.encode(), BODY).encode()
HEAD = b"POST %b HTTP/1.1\r\nHost: x\r\nX-Cal-Signature-256: %b\r\nContent-Length: %d\r\n\r\n"
# What makes the server take a webhook on its ordinary way.
ODD = "?odd=1"


def request(body: bytes = BODY, path: bytes = b"/webhooks/calcom") -> bytes:
    return HEAD % (path, sign(SECRET.encode(), body).encode(), len(body)) + body


class Patient:
    """Keeps nothing before it is told to."""

    def __init__(self) -> None:
        self.kept: list[Incoming] = []
        self.called = asyncio.Event()
        self.told = asyncio.Event()

    async def keep(self, incoming: Incoming) -> Kept:
        self.kept.append(incoming)
        self.called.set()
        await self.told.wait()
        return Kept(id=uuid4())


class Faulty:
    async def keep(self, _incoming: Incoming) -> NoReturn:
        raise ValueError(WHOSE)


class OneAccount:
    """Signs with SECRET."""

    async def find(self, _name: str | None) -> Account:
        zero = UUID(int=0)
        return Account(id=zero, name="default", workspace_id=zero, secrets=(SECRET.encode(),), has_routes=False)


async def answer(reader: asyncio.StreamReader) -> bytes:
    """The whole of one answer."""
    head = await reader.readuntil(b"\r\n\r\n")
    declared = re.search(rb"content-length: (\d+)", head)
    return head + await reader.readexactly(int(declared[1]) if declared else 0)


@pytest.fixture
def patient() -> Patient:
    return Patient()


@pytest.fixture
async def port(patient: Patient) -> AsyncIterator[int]:
    door = WebhookDoor(OneAccount(), patient, system_clock, fallback=nothing_here, come_within=0.2)
    async with served(door) as port:
        yield port


@pytest.mark.parametrize("path", ["/webhooks/calcom", "/webhooks/calcom/bare", "/webhooks/calcom/nobody"])
@pytest.mark.parametrize("secret", [SECRET, "another"])
async def test_both_ways_give_the_same_answer(door: Sender, path: str, secret: str) -> None:
    first = await door.send(BODY, path=path, secret=secret)
    plain, odd = [await door.send(BODY, path=path + query, secret=secret) for query in ("", ODD)]
    assert (plain.status_code, plain.json()) == (odd.status_code, odd.json())
    assert dict(plain.headers) | {"date": ""} == dict(odd.headers) | {"date": ""}
    assert first.headers["x-content-type-options"] == "nosniff"


async def test_both_ways_keep_the_same(door: Sender) -> None:
    sent = {"X-Cal-Webhook-Version": "2021-10-20"}
    for query in ("", ODD):
        assert (await door.send(BODY + query.encode(), path=f"/webhooks/calcom{query}", **sent)).status_code == 200
    told = [(row["source_address"], row["content_type"], row["webhook_version"]) for row in await door.kept()]
    assert told == [("127.0.0.1", "application/json", "2021-10-20")] * 2


async def test_requests_sent_ahead_are_answered_in_their_order(door: Sender) -> None:
    reader, writer = await asyncio.open_connection(door.client.base_url.host, door.client.base_url.port)
    ways = ("", "?odd=1", "/bare", "/nobody", "")
    paths = [f"/webhooks/calcom{way}".encode() for way in ways]
    writer.write(b"".join(request(BODY + b" " * number, path) for number, path in enumerate(paths)))
    statuses = [(await answer(reader)).split()[1] for _ in paths]
    assert statuses == [b"200", b"200", b"503", b"404", b"200"]
    assert len(await door.kept()) == 3
    writer.close()


async def test_a_head_or_body_in_pieces_is_put_together(door: Sender) -> None:
    reader, writer = await asyncio.open_connection(door.client.base_url.host, door.client.base_url.port)
    whole = request()
    for piece in (whole[:5], whole[5:60], whole[60:-4], whole[-4:]):
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0)
    assert (await answer(reader)).startswith(b"HTTP/1.1 200 ")
    writer.close()


@pytest.mark.parametrize("sent", [b"", b"POST /webh", request()[:-4], request(path=b"/webhooks/calcom?odd=1")[:-4]])
async def test_whoever_does_not_finish_is_let_go(port: int, sent: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    assert (await answer(reader)).startswith(b"HTTP/1.1 408 ")
    writer.close()


async def test_a_request_that_waits_for_its_commit_is_not_let_go(port: int, patient: Patient) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request())
    await patient.called.wait()
    slow, other = await asyncio.open_connection("127.0.0.1", port)
    await answer(slow)
    patient.told.set()
    assert (await answer(reader)).startswith(b"HTTP/1.1 200 ")
    writer.close()
    other.close()


async def test_the_answer_waits_until_it_is_kept(port: int, patient: Patient) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request())
    await patient.called.wait()
    assert [one.body for one in patient.kept] == [BODY]
    reading = asyncio.create_task(answer(reader))
    await asyncio.sleep(0)
    assert not reading.done()
    patient.told.set()
    assert (await reading).startswith(b"HTTP/1.1 200 ")
    writer.close()


async def test_unfinished_bodies_are_bounded_and_whole_ones_pass(patient: Patient) -> None:
    patient.told.set()
    door = WebhookDoor(OneAccount(), patient, system_clock, fallback=nothing_here)
    async with served(door) as port:
        unfinished = [await asyncio.open_connection("127.0.0.1", port) for _ in range(MOST_COMING + 1)]
        answers = [asyncio.create_task(answer(reader)) for reader, _ in unfinished]
        for _, writer in unfinished:
            writer.write(request()[:-1])
        (first,), waiting = await asyncio.wait(answers, return_when=asyncio.FIRST_COMPLETED)
        assert first.result().startswith(b"HTTP/1.1 503 ")
        assert b"retry-after" in first.result()
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            whole = await client.post("/webhooks/calcom", content=BODY, headers={b"X-Cal-Signature-256": SIGNATURE})
        assert whole.status_code == 200
        for _, writer in unfinished:
            writer.write(request()[-1:])
        done = [one.result() for one in (await asyncio.wait(waiting))[0]]
        assert {one.split()[1] for one in done} == {b"200"}
        assert len(done) == MOST_COMING
        for _, writer in unfinished:
            writer.close()


@pytest.mark.parametrize(("proxies", "seen"), [(["127.0.0.1"], "192.0.2.7"), ([], "127.0.0.1")])
@pytest.mark.parametrize("query", ["", ODD])
async def test_the_address_is_the_senders_behind_a_trusted_proxy_alone(
    patient: Patient, proxies: list[str], seen: str, query: str
) -> None:
    patient.told.set()
    headers = {b"X-Cal-Signature-256": SIGNATURE, b"X-Forwarded-For": b"192.0.2.7"}
    door = WebhookDoor(OneAccount(), patient, system_clock, fallback=nothing_here)
    async with served(door, proxies) as port, httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        await client.post(f"/webhooks/calcom{query}", content=BODY, headers=headers)
    assert [one.source_address for one in patient.kept] == [seen]


@pytest.mark.parametrize("query", ["", ODD])
async def test_a_fault_is_answered_and_logged_without_its_text(query: str) -> None:
    door = WebhookDoor(OneAccount(), Faulty(), system_clock, fallback=nothing_here)
    with capture_logs() as logged:
        async with served(door) as port, httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            sent = {b"X-Cal-Signature-256": SIGNATURE}
            given = await client.post(f"/webhooks/calcom{query}", content=BODY, headers=sent)
    assert (given.status_code, given.json()["type"]) == (500, "urn:showup:problem:fault")
    assert [(line["fault"], line["path"]) for line in logged] == [("ValueError", "/webhooks/calcom")]
    assert WHOSE not in str(logged)


async def test_told_to_end_it_answers_what_it_can_and_lets_the_others_go(patient: Patient) -> None:
    door = WebhookDoor(OneAccount(), patient, system_clock, fallback=nothing_here)
    async with served(door) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request())
        await patient.called.wait()
    assert await reader.read() == b""
    writer.close()
