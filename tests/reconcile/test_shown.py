"""What people see of it: `GET /api/connections` and `showup calcom backfill` (IN8)."""

from typing import Any

import httpx2

from showup.web.app import create_app
from tests.calcom_far.server import FarCalcom
from tests.calcom_far.world import World
from tests.reconcile.stage import Showup
from tests.reconcile.test_polling import HOUR, booked

ADMIN = "an admin's key, long enough to be one"


async def shown(showup: Showup) -> dict[str, Any]:
    app = create_app(engine=showup.engine, clock=showup.clock, admin_key=ADMIN, version="0.0.0")
    wire = httpx2.ASGITransport(app=app)
    headers = {"Authorization": f"Bearer {ADMIN}"}
    async with httpx2.AsyncClient(transport=wire, base_url="http://showup.example", headers=headers) as client:
        answer = await client.get("/api/connections")
    (connection,) = answer.json()["items"]
    assert (connection["kind"], connection["name"], connection["has_credentials"]) == ("calcom", "default", False)
    found: dict[str, Any] = connection["calcom"]
    return found


async def test_what_healed_and_how_far_it_is_compared_is_shown(world: World, showup: Showup) -> None:
    booked(world)
    world.advance(HOUR)
    await showup.reconcile()
    calcom = await shown(showup)
    assert (calcom["available"], calcom["message"]) == (True, None)
    run = calcom["last_run"]
    assert (run["kind"], run["state"], run["healed"], run["drifting"]) == ("poll", "done", {"created": 1}, 0)


async def test_while_cal_com_is_away_it_says_since_when_and_why(world: World, far: FarCalcom, showup: Showup) -> None:
    synced_at = world.clock()
    far.stop()
    try:
        world.advance(HOUR)
        await showup.reconcile()
    finally:
        far.start()
    calcom = await shown(showup)
    assert calcom["available"] is False
    assert calcom["message"].startswith("Cal.com data unavailable (")
    assert f"last good sync {synced_at:%Y-%m-%d %H:%M} UTC" in calcom["message"]
    assert calcom["last_run"]["state"] == "failed"


async def test_an_account_without_a_key_is_not_asked(world: World, showup: Showup) -> None:
    await showup.rows("DELETE FROM reconciliations RETURNING 1")
    await showup.rows("DELETE FROM syncs RETURNING 1")
    assert world.clock()
    app = create_app(engine=showup.engine, clock=showup.clock, admin_key=ADMIN, version="0.0.0")
    wire = httpx2.ASGITransport(app=app)
    headers = {"Authorization": f"Bearer {ADMIN}"}
    async with httpx2.AsyncClient(transport=wire, base_url="http://showup.example", headers=headers) as client:
        (connection,) = (await client.get("/api/connections")).json()["items"]
    assert connection["calcom"] is None
