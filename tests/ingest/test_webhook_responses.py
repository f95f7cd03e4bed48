"""IN1, IN3, IN4, IN5: the responses of the webhook paths, sent after PostgreSQL has committed the event."""

import asyncio
import hashlib
from datetime import timedelta

import pytest
from msgspec.structs import replace

from showup.clock import system_clock
from showup.database.engine import driver_connection, transaction
from showup.inbox import store
from showup.inbox.inbox_event import IncomingEvent
from showup.simulation.render_booking import instant
from tests.histories.webhooks import body, payload
from tests.ingest.conftest import WebhookSender

NOW = system_clock()
CREATED = body("BOOKING_CREATED", NOW, payload("abc", 100, NOW + timedelta(days=3), ["Sarah@Acme.example"]))
CANCELLED = body("BOOKING_CANCELLED", NOW, payload("abc", 100, NOW + timedelta(days=3), ["Sarah@Acme.example"]))


async def test_an_accepted_webhook_is_stored_byte_for_byte(sender: WebhookSender) -> None:
    response = await sender.send(CREATED, **{"X-Cal-Webhook-Version": "2021-10-20"})
    assert response.status_code == 200
    (stored,) = await sender.stored()
    assert response.json() == {"status": "accepted", "id": str(stored["id"])}
    assert stored["body"] == CREATED
    assert stored["digest"] == hashlib.sha256(CREATED).digest()
    assert (stored["webhook_version"], stored["source_address"], stored["state"]) == (
        "2021-10-20",
        "127.0.0.1",
        "pending",
    )


async def test_a_repeated_body_is_stored_as_a_duplicate(sender: WebhookSender) -> None:
    first = (await sender.send(CREATED)).json()
    again = (await sender.send(CREATED)).json()
    assert again == {"status": "duplicate", "id": first["id"]}
    rows = await sender.stored()
    assert [row["state"] for row in rows] == ["pending", "duplicate"]
    assert str(rows[1]["duplicate_of"]) == first["id"]


async def test_many_copies_in_one_group_are_one_event(sender: WebhookSender) -> None:
    responses = await asyncio.gather(*(sender.send(CREATED) for _ in range(50)))
    assert len({response.json()["id"] for response in responses}) == 1
    assert sum(response.json()["status"] == "accepted" for response in responses) == 1
    assert len(await sender.stored("duplicate_of IS NULL")) == 1
    assert len(await sender.stored()) == 50


async def test_a_group_is_written_in_the_order_of_its_digests(sender: WebhookSender) -> None:
    """Two processes that store the same bodies lock them in the same order, so there is no deadlock."""
    model = IncomingEvent(account_id=(await sender.account()), workspace_id=None, body=b"", received_at=NOW)
    incoming = [replace(model, body=b"%d" % number) for number in range(50)]
    async with transaction(sender.engine) as tx:
        connection = await driver_connection(tx)
        # In a new file, the place of a row is the order in which it was written.
        await connection.execute("TRUNCATE inbox_events CASCADE")
        stored = await store.insert_events(connection, incoming)
        written = await connection.fetch("SELECT id, digest FROM inbox_events ORDER BY ctid")
    digests = [row["digest"] for row in written]
    assert digests == sorted(digests)
    assert [event.id for event in stored] == sorted(row["id"] for row in written), (
        "the results are in the order of the calls"
    )


async def test_the_same_body_for_two_accounts_is_two_events(sender: WebhookSender) -> None:
    from tests.ingest.conftest import OTHER_SECRET

    await sender.send(CREATED)
    response = await sender.send(CREATED, path="/webhooks/calcom/other", secret=OTHER_SECRET)
    assert response.json()["status"] == "accepted"


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
async def test_every_signed_body_is_stored(sender: WebhookSender, odd: bytes) -> None:
    response = await sender.send(odd)
    assert (response.status_code, response.json()["status"]) == (200, "accepted")
    assert [row["body"] for row in await sender.stored()] == [odd]


@pytest.mark.parametrize(("sent", "status"), [(b"", 400), (b"x" * (1024 * 1024 + 1), 413), (b"x" * 2**21, 413)])
async def test_an_empty_or_too_large_body_is_refused(sender: WebhookSender, sent: bytes, status: int) -> None:
    assert (await sender.send(sent)).status_code == status
    assert await sender.stored() == []


async def test_a_body_that_grows_too_large_in_chunks_is_refused(sender: WebhookSender) -> None:
    async def chunks():  # type: ignore[no-untyped-def]
        for _ in range(40):
            yield b"x" * 65_536

    response = await sender.client.post("/webhooks/calcom", content=chunks())
    assert response.status_code == 413


async def test_other_methods_answer_405(sender: WebhookSender) -> None:
    response = await sender.client.get("/webhooks/calcom")
    assert (response.status_code, response.headers["allow"]) == (405, "POST")


class TestSeed003:
    """`/webhook/calcom-booking` responds as seed 003 specifies."""

    PATH = "/webhook/calcom-booking"

    async def test_a_new_booking_is_accepted_with_its_preparation_data(self, sender: WebhookSender) -> None:
        response = await sender.send(CREATED, path=self.PATH)
        (stored,) = await sender.stored()
        assert response.status_code == 202
        assert response.json() == {
            "status": "accepted",
            "email": "sarah@acme.example",
            "name": "Sarah",
            "meeting_time": instant(NOW + timedelta(days=3))[:19] + "Z",
            "event_id": str(stored["id"]),
        }

    async def test_other_events_answer_ignored_and_are_stored(self, sender: WebhookSender) -> None:
        response = await sender.send(CANCELLED, path=self.PATH)
        assert (response.status_code, response.json()["status"]) == (200, "ignored")
        assert len(await sender.stored()) == 1

    async def test_a_payload_without_attendees_is_invalid_and_stored(self, sender: WebhookSender) -> None:
        booked = payload("abc", 100, NOW, ["sarah@acme.example"])
        # Showup takes the booker from the answers too.
        nobody = body("BOOKING_CREATED", NOW, booked | {"attendees": [], "responses": {}})
        assert (await sender.send(nobody, path=self.PATH)).status_code == 400
        assert len(await sender.stored()) == 1

    async def test_the_seeds_own_example_without_a_uid_is_accepted(self, sender: WebhookSender) -> None:
        example = (
            b'{"triggerEvent":"BOOKING_CREATED","payload":{"booking":{"startTime":"2026-11-25T14:00:00Z",'
            b'"attendees":[{"email":"customer@example.com","name":"Customer"}]}}}'
        )
        response = await sender.send(example, path=self.PATH)
        assert response.status_code == 202
        assert response.json()["email"] == "customer@example.com"


class TestSeeds002And004:
    async def test_a_booking_is_processed(self, sender: WebhookSender) -> None:
        assert (await sender.send(CREATED, path="/api/webhooks/calcom")).status_code == 200
        assert (await sender.send(CREATED, path="/api/webhooks/cal")).json() == {"success": True}

    @pytest.mark.parametrize("path", ["/api/webhooks/calcom", "/api/webhooks/cal"])
    async def test_invalid_payloads_answer_400_and_are_stored(self, sender: WebhookSender, path: str) -> None:
        assert (await sender.send(b'{"hello":1}', path=path)).status_code == 400
        assert len(await sender.stored()) == 1
