"""One reconciliation leads to the same data as if no webhook had been lost (IN8, PI9)."""

import os
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from tests.fake_calcom.history import generate_history
from tests.fake_calcom.server import FakeCalcom
from tests.fake_calcom.webhook_sender import DeliveryFaults, WebhookSender
from tests.fake_calcom.world import World
from tests.reconcile.conftest import OpenShowup
from tests.reconcile.showup_instance import differences
from tests.reconcile.untraceable import find_untraceable
from tests.vendors.faults import Faults

# A thousand bookings take a minute and a half: SHOWUP_TEST_BOOKINGS=1000.
BOOKINGS = int(os.environ.get("SHOWUP_TEST_BOOKINGS", "130"))
SECRET = "of no importance here"
# A larger share of bookings without a trace at Cal.com would be a fault of the test.
MAX_UNTRACEABLE = 0.07


@pytest.fixture
async def fake_calcom(world: World) -> AsyncIterator[FakeCalcom]:
    """Returns a fake Cal.com that sometimes answers 429 or 500."""
    with FakeCalcom(world, faults=Faults({"500": 0.05, "429": 0.02}, seed=1)) as fake_calcom:
        yield fake_calcom


@pytest.mark.parametrize("stamps_new", [False, True], ids=["updated_at is null at first", "updated_at is never null"])
@pytest.mark.parametrize("silent", [False, True], ids=["all changes have webhooks", "some changes have no webhook"])
async def test_one_reconciliation_repairs_all_lost_webhooks(
    world: World, fake_calcom: FakeCalcom, open_showup: OpenShowup, silent: bool, stamps_new: bool
) -> None:
    complete, lossy = await open_showup(), await open_showup()
    world.stamps_new = stamps_new
    generate_history(world, seed=7 + silent + 2 * stamps_new, bookings=BOOKINGS, silent=silent)
    world.move_by(timedelta(hours=1))
    await WebhookSender(world, complete.receive, secret=SECRET).deliver_all()
    faults = DeliveryFaults(lost=0.2, delayed=0.2, duplicated=0.1, seed=3)
    sender = WebhookSender(world, lossy.receive, secret=SECRET, faults=faults)
    await sender.deliver_all()
    await complete.apply()
    await lossy.apply()
    assert differences(await lossy.load_state(), await complete.load_state()), "no important webhook was lost"

    complete_run = await complete.reconcile()
    assert silent or (complete_run["repaired"], complete_run["drift"]) == ({}, [])
    lossy_run = await lossy.reconcile()

    assert (lossy_run["state"], lossy_run["drift"]) == ("done", [])
    untraceable = find_untraceable(world, sender.lost)
    assert len(untraceable.uids) <= MAX_UNTRACEABLE * len(world.bookings)
    assert differences(await lossy.load_state(), await complete.load_state(), untraceable.covers) == []
    assert (await lossy.reconcile())["repaired"] == {}
    assert await lossy.find_rebuild_differences() == []
    assert fake_calcom.worst_minute() <= 120
