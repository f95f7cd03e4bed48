"""Let nobody in: every command, given by its owner, by too small a key, and by a stranger."""

from typing import Any, NamedTuple
from uuid import UUID

import pytest
from fastapi.routing import iter_route_contexts
from sqlalchemy import update

from showup.database.engine import transaction
from showup.database.tables import deliveries
from showup.web.app import create_app
from tests.web.cast import id_of
from tests.web.conftest import Asking
from tests.web.scene import Scene, ticking

# What a stranger's own workspace takes in, though ours has the same: neither learns of the other.
OF_THEIR_OWN = {
    *(("POST", "/api/people"), ("POST", "/api/companies"), ("PATCH", "/api/rules")),
    *(("POST", "/api/deliveries/retry"), ("POST", "/api/endpoints"), ("POST", "/api/connections")),
}
ENDPOINT = {"url": "https://crm.example.com/hook", "kinds": ["deal.*"]}
CONNECTION = {"kind": "resend", "name": "mail", "credentials": {"api_key": "re_x"}}
READING_ONLY = {"GET", "HEAD"}
# They come without a key: tests/feedback and tests/destinations/slack show who may.
SIGNED = {"/webhooks/resend", "/webhooks/resend/{name}", "/webhooks/slack/actions", "/unsubscribe/{token}"}
STANDING = (
    "bookings",
    "deals",
    "people",
    "companies",
    "merges",
    "rules",
    "journal",
    "suppressions",
    "deliveries",
    "endpoints",
)


class Told(NamedTuple):
    """A command and what is said with it, about things of ours."""

    method: str
    route: str
    path: str
    said: dict[str, Any] | None


def commands(scene: Scene) -> set[tuple[str, str]]:
    app = create_app(engine=scene.engine, clock=ticking(), admin_key=None, version="0")
    return {
        (method, str(route.path))
        for route in iter_route_contexts(app.routes)
        if route.path not in SIGNED
        for method in (route.methods or set()) - READING_ONLY
    }


def of_endpoint(endpoint_id: UUID) -> list[Told]:
    route, path = "/api/endpoints/{endpoint_id}", f"/api/endpoints/{endpoint_id}"
    sent = id_of("ours.hooked")
    return [
        Told("POST", "/api/endpoints", "/api/endpoints", ENDPOINT),
        Told("PATCH", route, path, {"description": "ours"}),
        Told("POST", f"{route}/test", f"{path}/test", None),
        Told("POST", f"{route}/rotate-secret", f"{path}/rotate-secret", None),
        Told("POST", "/api/deliveries/{delivery_id}/redeliver", f"/api/deliveries/{sent}/redeliver", None),
        Told("DELETE", route, path, None),
    ]


def of_connection(connection_id: UUID) -> list[Told]:
    route, path = "/api/connections/{connection_id}", f"/api/connections/{connection_id}"
    return [
        Told("POST", "/api/connections", "/api/connections", CONNECTION | {"name": "another"}),
        Told("PATCH", route, path, {"settings": {"rate_per_second": 3}}),
        Told("DELETE", route, path, None),
    ]


async def of_ours(
    scene: Scene, merge_id: UUID, event_id: UUID, suppression_id: UUID, endpoint_id: UUID, connection_id: UUID
) -> list[Told]:
    """Each command once, in an order in which all can be done. A new route must be given its body here."""
    deal, booking, private = await scene.deal_of("met"), await scene.booking("met"), await scene.booking("private")
    acme, initech = str(scene.company("acme.com")), str(scene.company("initech.com"))
    gina, ian, sarah = (scene.person(one) for one in ("gina@globex.co.uk", "ian@initech.com", "sarah@acme.com"))
    waiting, asked = id_of("ours.waiting"), id_of("ours.asked")
    people = {"gone_id": str(gina), "stays_id": str(ian)}
    return [
        Told("POST", "/api/deals", "/api/deals", {"company_id": initech}),
        Told("PATCH", "/api/deals/{deal_id}", f"/api/deals/{deal}", {"stage": "proposal"}),
        Told(
            "POST",
            "/api/bookings/{booking_id}/outcome",
            f"/api/bookings/{booking}/outcome",
            {"outcome": "showed"},
        ),
        Told("POST", "/api/bookings/{booking_id}/move", f"/api/bookings/{private}/move", {"company_id": acme}),
        Told("POST", "/api/people", "/api/people", {"email": "new@hooli.com"}),
        Told("PATCH", "/api/people/{person_id}", f"/api/people/{sarah}", {"name": "Sarah"}),
        Told("POST", "/api/companies", "/api/companies", {"domain": "hooli.com"}),
        Told("PATCH", "/api/companies/{company_id}", f"/api/companies/{scene.company('acme.com')}", {"name": "A"}),
        Told("DELETE", "/api/merges/{merge_id}", f"/api/merges/{merge_id}", None),
        Told("POST", "/api/people/merge", "/api/people/merge", people),
        Told("POST", "/api/companies/merge", "/api/companies/merge", {"gone_id": initech, "stays_id": acme}),
        Told("POST", "/api/events/{event_id}/replay", f"/api/events/{event_id}/replay", None),
        Told("DELETE", "/api/suppressions/{suppression_id}", f"/api/suppressions/{suppression_id}", None),
        Told("POST", "/api/deliveries/{delivery_id}/retry", f"/api/deliveries/{id_of('ours.failed')}/retry", None),
        Told("POST", "/api/deliveries/{delivery_id}/withdraw", f"/api/deliveries/{waiting}/withdraw", None),
        Told("POST", "/api/deliveries/{delivery_id}/choose", f"/api/deliveries/{asked}/choose", {"record": "86a"}),
        Told("POST", "/api/deliveries/retry", "/api/deliveries/retry", {}),
        *of_endpoint(endpoint_id),
        *of_connection(connection_id),
        Told("PATCH", "/api/rules", "/api/rules", {"changes": {"cancel_deal": "last_meeting"}}),
    ]


@pytest.fixture
async def told(scene: Scene, acting: Asking) -> list[Told]:
    pair = {"gone_id": str(scene.person("pat@gmail.com")), "stays_id": str(scene.person("sarah@acme.com"))}
    merge = (await acting("writer").post("/api/people/merge", json=pair)).json()
    (unreadable,) = await scene.rows("calcom_events", trigger="BOOKING_CANCELLED", workspace_id=id_of("ours"))
    (stopped,) = await scene.rows("suppressions", workspace_id=id_of("ours"))
    endpoint = (await acting("admin").post("/api/endpoints", json=ENDPOINT)).json()
    async with transaction(scene.engine) as tx:
        hooked = update(deliveries).where(deliveries.c.id == id_of("ours.hooked"))
        await tx.execute(hooked.values(destination=f"webhook:{endpoint['id']}"))
    connection = (await acting("admin").post("/api/connections", json=CONNECTION)).json()
    ids = [UUID(one["id"]) for one in (endpoint, connection)]
    return await of_ours(scene, UUID(merge["id"]), unreadable["id"], stopped["id"], *ids)


async def standing(scene: Scene) -> list[Any]:
    found = [await scene.rows(table, workspace_id=id_of("ours")) for table in STANDING]
    return [*found, await scene.rows("calcom_events", workspace_id=id_of("ours"))]


async def test_every_command_is_told_here(told: list[Told], scene: Scene) -> None:
    assert {(one.method, one.route) for one in told} == commands(scene)


async def test_the_owner_may(told: list[Told], acting: Asking) -> None:
    for one in told:
        answer = await acting("admin").request(one.method, one.path, json=one.said)
        # What is applied already is not run again; that it is found is what matters here.
        expected = {409} if one.route.endswith("replay") else {200, 201}
        assert answer.status_code in expected, (one, answer.text)


@pytest.mark.parametrize("who", ["reader", "nobody"])
async def test_too_small_a_key_may_not(told: list[Told], acting: Asking, scene: Scene, who: str) -> None:
    before = await standing(scene)
    for one in told:
        answer = await acting(who).request(one.method, one.path, json=one.said)
        assert (one, answer.status_code) == (one, 403 if who == "reader" else 401)
    assert await standing(scene) == before


async def test_a_stranger_changes_nothing_of_ours_and_learns_nothing(
    told: list[Told], acting: Asking, scene: Scene
) -> None:
    before = await standing(scene)
    for one in told:
        answer = await acting("stranger").request(one.method, one.path, json=one.said)
        if (one.method, one.route) in OF_THEIR_OWN:
            assert answer.status_code in (200, 201), one
        else:
            # 404 for a thing in the path, 422 for one in the body: the same as for what there is not.
            assert (one, answer.status_code) == (one, 404 if "{" in one.route else 422)
    assert await standing(scene) == before


async def test_a_key_for_all_workspaces_may_narrow_itself_out(told: list[Told], acting: Asking, scene: Scene) -> None:
    before = await standing(scene)
    for one in (one for one in told if "{" in one.route):
        answer = await acting("everywhere").request(one.method, f"{one.path}?workspace=theirs", json=one.said)
        assert (one, answer.status_code) == (one, 404)
    assert await standing(scene) == before
