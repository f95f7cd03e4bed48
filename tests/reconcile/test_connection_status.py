"""The state of reconciliation in `GET /api/connections` (IN8)."""

from typing import Any

import httpx2

from showup.container import event_handlers
from showup.web.app import create_app
from tests.fake_calcom.server import FakeCalcom
from tests.fake_calcom.world import World
from tests.reconcile.showup_instance import ShowupInstance
from tests.reconcile.test_poll import HOUR, create_booking

ADMIN = "an admin's key, long enough to be one"


async def connection_status(showup: ShowupInstance) -> dict[str, Any]:
    app = create_app(
        engine=showup.engine, clock=showup.clock, admin_key=ADMIN, version="0.0.0", event_handlers=event_handlers()
    )
    transport = httpx2.ASGITransport(app=app)
    headers = {"Authorization": f"Bearer {ADMIN}"}
    async with httpx2.AsyncClient(transport=transport, base_url="http://showup.example", headers=headers) as client:
        answer = await client.get("/api/connections")
    (connection,) = answer.json()["items"]
    assert (connection["kind"], connection["name"], connection["has_credentials"]) == ("calcom", "default", False)
    found: dict[str, Any] = connection["calcom"]
    return found


async def test_the_connection_shows_repairs_and_progress(world: World, showup: ShowupInstance) -> None:
    create_booking(world)
    world.move_by(HOUR)
    await showup.reconcile()
    calcom = await connection_status(showup)
    assert (calcom["available"], calcom["message"]) == (True, None)
    run = calcom["last_run"]
    assert (run["kind"], run["state"], run["repaired"], run["drifting"]) == ("poll", "done", {"created": 1}, 0)


async def test_an_outage_shows_its_start_and_reason(
    world: World, fake_calcom: FakeCalcom, showup: ShowupInstance
) -> None:
    synced_at = world.clock()
    fake_calcom.stop()
    try:
        world.move_by(HOUR)
        await showup.reconcile()
    finally:
        fake_calcom.start()
    calcom = await connection_status(showup)
    assert calcom["available"] is False
    assert calcom["message"].startswith("Cal.com data unavailable (")
    assert f"last good sync {synced_at:%Y-%m-%d %H:%M} UTC" in calcom["message"]
    assert calcom["last_run"]["state"] == "failed"


async def test_an_account_without_a_key_is_not_polled(world: World, showup: ShowupInstance) -> None:
    await showup.rows("DELETE FROM reconciliations RETURNING 1")
    await showup.rows("DELETE FROM syncs RETURNING 1")
    assert world.clock()
    app = create_app(
        engine=showup.engine, clock=showup.clock, admin_key=ADMIN, version="0.0.0", event_handlers=event_handlers()
    )
    transport = httpx2.ASGITransport(app=app)
    headers = {"Authorization": f"Bearer {ADMIN}"}
    async with httpx2.AsyncClient(transport=transport, base_url="http://showup.example", headers=headers) as client:
        (connection,) = (await client.get("/api/connections")).json()["items"]
    assert connection["calcom"] is None
