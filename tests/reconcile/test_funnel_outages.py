"""Seed 002 on the funnel: error scenarios 1 and 2, and its integration test with Cal.com's API."""

import csv
import re
from collections.abc import AsyncIterator
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from showup.inbox.inbox_event import IncomingEvent
from tests.campaigns.funnel_client import get, open_api
from tests.campaigns.scenario import CampaignScenario
from tests.fake_calcom.rows import Guest
from tests.fake_calcom.server import FakeCalcom
from tests.fake_calcom.world import World
from tests.reconcile.showup_instance import ShowupInstance
from tests.reconcile.test_poll import ANN, DAY, HOUR, MINUTE, create_booking

UNKNOWN = {"available": None, "last_synced_at": None, "message": None}


@pytest.fixture
async def client(showup: ShowupInstance, tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """The API of an instance that knows one lead, who got two mails."""
    account = IncomingEvent(
        account_id=showup.account_id, workspace_id=showup.workspace_id, body=b"", received_at=showup.clock()
    )
    scenario = CampaignScenario(showup.engine, account, tmp_path)
    await scenario.import_rows("Founders", [{"email": ANN.email, "emails_sent": "2", "interested": "true"}])
    async with open_api(showup.engine, showup.clock) as client:
        yield client


def counts(funnel: dict[str, Any]) -> tuple[int, int, int]:
    return funnel["sent"], funnel["booked"], funnel["showed"]


async def test_error_scenario_1_calcom_api_down(
    world: World, fake_calcom: FakeCalcom, showup: ShowupInstance, client: httpx2.AsyncClient
) -> None:
    """The funnel shows the last known data, that Cal.com can't be reached, and the last good synchronization."""
    booking = create_booking(world)
    world.move_by(HOUR)
    await showup.reconcile()
    synced_at = (await showup.sync())["last_ok_at"]
    before = await get(client, "/api/funnel")
    assert counts(before) == (2, 1, 0)
    assert before["calcom"] == {
        "available": True,
        "last_synced_at": synced_at.isoformat().replace("+00:00", "Z"),
        "message": None,
    }
    fake_calcom.stop()
    try:
        world.move_by(HOUR)
        await showup.reconcile()
        world.cancel(booking.uid)
        await _assert_last_known_data(client, before)
    finally:
        fake_calcom.start()
    world.move_by(HOUR)
    await showup.reconcile()
    after = await get(client, "/api/funnel")
    assert (counts(after), after["calcom"]["available"], after["calcom"]["message"]) == ((2, 0, 0), True, None)


async def _assert_last_known_data(client: httpx2.AsyncClient, before: dict[str, Any]) -> None:
    during = await get(client, "/api/funnel", group_by="campaign")
    assert counts(during) == counts(before)
    assert during["emailbison"] == UNKNOWN
    assert during["calcom"]["available"] is False
    assert during["calcom"]["last_synced_at"] == before["calcom"]["last_synced_at"]
    synced_at = datetime.fromisoformat(before["calcom"]["last_synced_at"])
    sentence = rf"Cal\.com data unavailable \(.+\); last good sync {synced_at:%Y-%m-%d %H:%M} UTC"
    assert re.fullmatch(sentence, during["calcom"]["message"])
    # Also where no group exists.
    for query in ({}, {"group_by": "organizer", "organizer": "nobody@outbound.example"}):
        (row,) = csv.DictReader(StringIO((await client.get("/api/funnel.csv", params=query)).text))
        assert row["notice"] == during["calcom"]["message"]


async def test_error_scenario_2_webhook_delivery_failure(
    world: World, showup: ShowupInstance, client: httpx2.AsyncClient
) -> None:
    """No webhook arrives for a week; the next poll brings the attendance, and the funnel has it."""
    missed = create_booking(world)
    world.move_by(3 * DAY)
    assert counts(await get(client, "/api/funnel")) == (2, 0, 0)
    world.mark_absent(missed.uid, {ANN.email: True})
    world.move_by(4 * DAY)
    await showup.reconcile()
    funnel = await get(client, "/api/funnel")
    assert (counts(funnel), funnel["split"]["no_show"], funnel["held_rate"]["of"]) == ((2, 1, 0), 1, 1)
    again = create_booking(world)
    world.move_by(3 * DAY)
    await showup.reconcile()
    assert counts(await get(client, "/api/funnel")) == (2, 1, 1)
    listed = (await get(client, "/api/clients/default/bookings"))["bookings"]
    assert [one["scheduled_time"] for one in listed] == [
        booking.start_at.isoformat().replace("+00:00", "Z") for booking in (again, missed)
    ]
    assert [one["showed_up"] for one in listed] == [True, False]


async def test_mock_calcom_api_responses(world: World, showup: ShowupInstance, client: httpx2.AsyncClient) -> None:
    """Bookings that only Cal.com's API names are matched, counted and listed, each attendee for itself."""
    booking = create_booking(world)
    stranger = Guest("Stella", "stella@elsewhere.example")
    world.book(next(iter(world.event_types.values())), stranger, start_at=booking.start_at + HOUR)
    world.move_by(10 * MINUTE)
    await showup.reconcile()
    assert counts(await get(client, "/api/funnel")) == (2, 1, 0)
    listed = await get(client, "/api/clients/default/bookings")
    assert {(one["lead_email"], one["campaign_name"]) for one in listed["bookings"]} == {
        (ANN.email, "Founders"),
        (stranger.email, ""),
    }
    assert listed["summary"]["pending_meetings"] == 2


async def test_another_workspace_is_not_unavailable(showup: ShowupInstance, client: httpx2.AsyncClient) -> None:
    await showup.rows("UPDATE syncs SET failing_since = now(), because = 'down' RETURNING 1")
    other = uuid4()
    await showup.rows("INSERT INTO workspaces (id, slug, name) VALUES (:id, 'other', 'Other') RETURNING 1", id=other)
    assert (await get(client, "/api/funnel"))["calcom"]["available"] is False
    assert (await get(client, "/api/funnel", workspace="other"))["calcom"] == UNKNOWN
