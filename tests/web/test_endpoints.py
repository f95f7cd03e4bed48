"""`/api/endpoints`: registering, changing, pausing, rotating, trying out, deleting; and sending again (TE8)."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import insert
from standardwebhooks.webhooks import Webhook

from showup.database.engine import transaction
from showup.database.tables import lanes
from showup.destinations.public_addresses import Outside
from showup.web.app import create_app
from showup.web.every_answer import completed
from tests.web.cast import ADMIN_KEY, id_of
from tests.web.conftest import Asking, client_of
from tests.web.scene import TODAY, Scene, ticking

PATH = "/api/endpoints"
SAID = {"url": "https://crm.example.com/showup", "kinds": ["deal.won", "booking.*"], "description": "our CRM"}


@pytest.fixture
def admin(acting: Asking) -> httpx2.AsyncClient:
    return acting("admin")


@pytest.fixture
async def made(admin: httpx2.AsyncClient) -> dict[str, Any]:
    answer = await admin.post(PATH, json=SAID)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def subscriptions(scene: Scene, endpoint_id: str) -> list[dict[str, Any]]:
    found = await scene.rows("subscriptions", destination=f"webhook:{endpoint_id}")
    return sorted(found, key=lambda row: row["since"])


async def test_its_secret_is_shown_once(made: dict[str, Any], admin: httpx2.AsyncClient) -> None:
    secret = made.pop("secret")
    Webhook(secret)
    assert secret.startswith("whsec_")
    assert (made["state"], made["description"]) == ("open", "our CRM")
    assert made["kinds"][-1] == "deal.won"
    assert "booking.no_show" in made["kinds"]
    assert (await admin.get(f"{PATH}/{made['id']}")).json() == made
    listed = (await admin.get(PATH)).json()["items"]
    assert listed == [made]


async def test_not_even_whoever_repeats_the_request_sees_it_again(admin: httpx2.AsyncClient, scene: Scene) -> None:
    once = {"Idempotency-Key": "once"}
    first, again = [await admin.post(PATH, json=SAID, headers=once) for _ in range(2)]
    assert (first.status_code, again.status_code, again.headers["idempotency-replayed"]) == (201, 201, "true")
    assert first.json()["secret"].startswith("whsec_")
    assert again.json() == first.json() | {"secret": None}
    (kept,) = await scene.rows("idempotency_keys")
    assert "whsec_" not in kept["answer"]
    assert len((await admin.get(PATH)).json()["items"]) == 1


async def test_it_is_told_its_kinds_from_now_on(made: dict[str, Any], admin: httpx2.AsyncClient, scene: Scene) -> None:
    (first,) = await subscriptions(scene, made["id"])
    assert (first["kinds"], first["until"]) == (sorted(made["kinds"]), None)
    answer = await admin.patch(f"{PATH}/{made['id']}", json={"kinds": ["deal.*"]})
    assert all(kind.startswith("deal.") for kind in answer.json()["kinds"])
    ended, second = await subscriptions(scene, made["id"])
    assert (ended["until"], second["kinds"]) == (second["since"], sorted(answer.json()["kinds"]))


@pytest.mark.parametrize(
    ("said", "field", "because"),
    [
        ({"url": "http://crm.example.com/"}, "url", "https://"),
        ({"url": "https://127.0.0.1/"}, "url", "no public address"),
        ({"url": "https://[::ffff:10.0.0.1]/"}, "url", "no public address"),
        ({"url": "https://localhost:8000/api/rules"}, "url", "no public address"),
        ({"url": "https://169.254.169.254/latest/meta-data"}, "url", "no public address"),
        ({"url": "https://me:secret@crm.example.com/"}, "url", "user or a password"),
        ({"url": "crm"}, "url", "no address"),
        ({"kinds": ["deal.wun"]}, "kinds", "deal.won"),
        ({"kinds": []}, "kinds", ""),
    ],
)
async def test_what_can_be_no_good_is_refused(
    admin: httpx2.AsyncClient, made: dict[str, Any], said: dict[str, Any], field: str, because: str
) -> None:
    for answer in (await admin.post(PATH, json=SAID | said), await admin.patch(f"{PATH}/{made['id']}", json=said)):
        assert answer.status_code == 422
        (error,) = answer.json()["errors"]
        assert error["field"] == field
        assert because in error["detail"]
        assert "secret" not in error["detail"]


async def test_a_name_that_leads_into_our_network_is_refused(scene: Scene) -> None:
    async def lookup(_host: str, _port: int) -> Sequence[str]:
        return ["10.0.0.7"]

    for private, status in ((False, 422), (True, 201)):
        outside = Outside(private=private, lookup=lookup)
        app = create_app(engine=scene.engine, clock=ticking(), admin_key=ADMIN_KEY, version="0", outside=outside)
        answer = await client_of(completed(app, cors_origins=[]), "admin").post(PATH, json=SAID)
        assert answer.status_code == status, answer.text


async def test_pausing_and_letting_it_go_on(made: dict[str, Any], admin: httpx2.AsyncClient) -> None:
    path = f"{PATH}/{made['id']}"
    paused = (await admin.patch(path, json={"paused": True})).json()
    assert (paused["state"], paused["because"]) == ("paused", "key:admin paused it")
    assert paused["paused_at"] is not None
    refused = await admin.post(f"{path}/test")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:showup:problem:conflict")
    open_ = (await admin.patch(path, json={"paused": False})).json()
    assert (open_["state"], open_["because"], open_["paused_at"]) == ("open", None, None)


async def test_a_ping_is_a_delivery(made: dict[str, Any], admin: httpx2.AsyncClient) -> None:
    answer = await admin.post(f"{PATH}/{made['id']}/test")
    assert answer.status_code == 200
    ping = answer.json()
    assert (ping["kind"], ping["state"], ping["booking_id"]) == ("ping", "scheduled", None)
    assert ping["destination"] == f"webhook:{made['id']}"
    again = (await admin.post(f"{PATH}/{made['id']}/test")).json()
    assert again["id"] != ping["id"]


async def test_a_rotated_secret_is_another_and_is_shown_once(
    made: dict[str, Any], admin: httpx2.AsyncClient, scene: Scene
) -> None:
    (before,) = await scene.rows("endpoints")
    answer = await admin.post(f"{PATH}/{made['id']}/rotate-secret")
    assert answer.status_code == 200
    assert answer.json()["secret"] not in (None, made["secret"])
    (after,) = await scene.rows("endpoints")
    assert after["secrets"] != before["secrets"]
    assert "secret" not in (await admin.get(f"{PATH}/{made['id']}")).json()


async def test_a_deleted_one_is_gone(made: dict[str, Any], admin: httpx2.AsyncClient, scene: Scene) -> None:
    path = f"{PATH}/{made['id']}"
    ping = (await admin.post(f"{path}/test")).json()
    assert (await admin.delete(path)).json()["id"] == made["id"]
    for answer in (await admin.get(path), await admin.delete(path), await admin.post(f"{path}/test")):
        assert answer.status_code == 404
    assert (await admin.get(PATH)).json()["items"] == []
    (row,) = await scene.rows("deliveries", id=UUID(ping["id"]))
    assert (row["state"], row["because"]) == ("withdrawn", "key:admin deleted its endpoint")
    (ended,) = await subscriptions(scene, made["id"])
    assert ended["until"] is not None


async def test_how_it_goes_is_shown(made: dict[str, Any], admin: httpx2.AsyncClient, scene: Scene) -> None:
    fails = {"because": "the endpoint answered 500", "failing_since": TODAY, "failures": 2}
    row = {"workspace_id": id_of("ours"), "destination": f"webhook:{made['id']}", "tokens": 1.0, "tokens_at": TODAY}
    async with transaction(scene.engine) as tx:
        await tx.execute(insert(lanes).values(**row, **fails))
    seen = (await admin.get(f"{PATH}/{made['id']}")).json()
    assert (seen["state"], seen["because"]) == ("failing", "the endpoint answered 500")
    assert seen["failing_since"] == "2026-09-14T12:00:00Z"


async def test_only_outgoing_webhooks_are_sent_again(writer: httpx2.AsyncClient) -> None:
    answer = await writer.post(f"/api/deliveries/{id_of('ours.failed')}/redeliver")
    assert answer.status_code == 409
    assert "only outgoing webhooks" in answer.json()["detail"].lower()
