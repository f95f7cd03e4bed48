"""IN1, IN3, IN4, IN5: what the paths answer, and that it is in PostgreSQL by then."""

import asyncio
import hashlib
from datetime import timedelta

import pytest
from msgspec.structs import replace

from showup.clock import system_clock
from showup.database.engine import raw, transaction
from showup.inbox import store
from showup.inbox.raw_event import Incoming
from tests.door.conftest import Sender
from tests.stories.webhooks import body, payload, stamp

NOW = system_clock()
CREATED = body("BOOKING_CREATED", NOW, payload("abc", 100, NOW + timedelta(days=3), ["Sarah@Acme.example"]))
CANCELLED = body("BOOKING_CANCELLED", NOW, payload("abc", 100, NOW + timedelta(days=3), ["Sarah@Acme.example"]))


async def test_an_accepted_webhook_is_kept_byte_for_byte(door: Sender) -> None:
    answer = await door.send(CREATED, **{"X-Cal-Webhook-Version": "2021-10-20"})
    assert answer.status_code == 200
    (kept,) = await door.kept()
    assert answer.json() == {"status": "accepted", "id": str(kept["id"])}
    assert kept["body"] == CREATED
    assert kept["digest"] == hashlib.sha256(CREATED).digest()
    assert (kept["webhook_version"], kept["source_address"], kept["state"]) == (
        "2021-10-20",
        "127.0.0.1",
        "kept",
    )


async def test_the_same_body_again_is_kept_as_a_duplicate(door: Sender) -> None:
    first = (await door.send(CREATED)).json()
    again = (await door.send(CREATED)).json()
    assert again == {"status": "duplicate", "id": first["id"]}
    rows = await door.kept()
    assert [row["state"] for row in rows] == ["kept", "duplicate"]
    assert str(rows[1]["duplicate_of"]) == first["id"]


async def test_many_copies_in_one_group_are_one_event(door: Sender) -> None:
    answers = await asyncio.gather(*(door.send(CREATED) for _ in range(50)))
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum(answer.json()["status"] == "accepted" for answer in answers) == 1
    assert len(await door.kept("duplicate_of IS NULL")) == 1
    assert len(await door.kept()) == 50


async def test_a_group_is_written_in_the_order_of_its_digests(door: Sender) -> None:
    """Two processes that keep the same bodies lock them in the same order, whatever order they came in: no deadlock."""
    model = Incoming(account_id=(await door.account()), workspace_id=None, body=b"", received_at=NOW)
    incoming = [replace(model, body=b"%d" % number) for number in range(50)]
    async with transaction(door.engine) as tx:
        connection = await raw(tx)
        kept = await store.keep_all(connection, incoming)
        written = await connection.fetch("SELECT id, digest FROM calcom_events ORDER BY ctid")
    digests = [row["digest"] for row in written]
    assert digests == sorted(digests)
    assert [one.id for one in kept] == sorted(row["id"] for row in written), "the answers come in the given order"


async def test_the_same_body_for_two_accounts_is_two_events(door: Sender) -> None:
    from tests.door.conftest import OTHERS_SECRET

    await door.send(CREATED)
    answer = await door.send(CREATED, path="/webhooks/calcom/other", secret=OTHERS_SECRET)
    assert answer.json()["status"] == "accepted"


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param(b"false", id="the literal false"),
        pytest.param(b"event=BOOKING_CREATED&name=O&#x27;Brien", id="form-encoded template"),
        pytest.param(b'{"triggerEvent":', id="malformed JSON"),
        pytest.param(b"\xff\xfe", id="invalid UTF-8"),
        pytest.param(b"[" * 10_000, id="absurd nesting"),
        pytest.param(b'{"triggerEvent":"BOOKING_CONFIRMED","payload":{}}', id="unknown trigger"),
        pytest.param(b'{"triggerEvent":"PING","payload":{}}', id="ping"),
        pytest.param(b"x" * 1024 * 1024, id="1 MiB"),
    ],
)
async def test_everything_signed_is_kept_whatever_it_is(door: Sender, odd: bytes) -> None:
    answer = await door.send(odd)
    assert (answer.status_code, answer.json()["status"]) == (200, "accepted")
    assert [row["body"] for row in await door.kept()] == [odd]


@pytest.mark.parametrize(("sent", "status"), [(b"", 400), (b"x" * (1024 * 1024 + 1), 413), (b"x" * 2**21, 413)])
async def test_no_body_and_too_much_of_it_are_refused(door: Sender, sent: bytes, status: int) -> None:
    assert (await door.send(sent)).status_code == status
    assert await door.kept() == []


async def test_a_body_that_grows_too_large_in_chunks_is_refused(door: Sender) -> None:
    async def chunks():  # type: ignore[no-untyped-def]
        for _ in range(40):
            yield b"x" * 65_536

    answer = await door.client.post("/webhooks/calcom", content=chunks())
    assert answer.status_code == 413


async def test_other_methods_are_told_to_post(door: Sender) -> None:
    answer = await door.client.get("/webhooks/calcom")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


class TestSeed003:
    """`/webhook/calcom-booking` as seed 003 promised it."""

    PATH = "/webhook/calcom-booking"

    async def test_a_new_booking_is_accepted_with_what_the_preparation_needs(self, door: Sender) -> None:
        answer = await door.send(CREATED, path=self.PATH)
        (kept,) = await door.kept()
        assert answer.status_code == 202
        assert answer.json() == {
            "status": "accepted",
            "email": "sarah@acme.example",
            "name": "Sarah",
            "meeting_time": stamp(NOW + timedelta(days=3))[:19] + "Z",
            "event_id": str(kept["id"]),
        }

    async def test_other_news_is_ignored_in_words_and_kept_all_the_same(self, door: Sender) -> None:
        answer = await door.send(CANCELLED, path=self.PATH)
        assert (answer.status_code, answer.json()["status"]) == (200, "ignored")
        assert len(await door.kept()) == 1

    async def test_a_payload_without_attendees_is_invalid_and_kept_all_the_same(self, door: Sender) -> None:
        nobody = body("BOOKING_CREATED", NOW, payload("abc", 100, NOW, []))
        assert (await door.send(nobody, path=self.PATH)).status_code == 400
        assert len(await door.kept()) == 1

    async def test_the_seeds_own_example_without_a_uid_is_accepted(self, door: Sender) -> None:
        example = (
            b'{"triggerEvent":"BOOKING_CREATED","payload":{"booking":{"startTime":"2026-11-25T14:00:00Z",'
            b'"attendees":[{"email":"customer@example.com","name":"Customer"}]}}}'
        )
        answer = await door.send(example, path=self.PATH)
        assert answer.status_code == 202
        assert answer.json()["email"] == "customer@example.com"


class TestSeeds002And004:
    async def test_processed(self, door: Sender) -> None:
        assert (await door.send(CREATED, path="/api/webhooks/calcom")).status_code == 200
        assert (await door.send(CREATED, path="/api/webhooks/cal")).json() == {"success": True}

    @pytest.mark.parametrize("path", ["/api/webhooks/calcom", "/api/webhooks/cal"])
    async def test_invalid_payloads_are_named_and_kept_all_the_same(self, door: Sender, path: str) -> None:
        assert (await door.send(b'{"hello":1}', path=path)).status_code == 400
        assert len(await door.kept()) == 1
