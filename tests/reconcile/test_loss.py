"""A Cal.com whose webhooks get lost: after one reconciliation everything stands as if none had been (IN8, PI9)."""

import os
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from tests.calcom_far.courier import Courier, Fate
from tests.calcom_far.server import FarCalcom
from tests.calcom_far.weeks import generate
from tests.calcom_far.world import World
from tests.destinations.far.faults import Faults
from tests.reconcile.conftest import Opening
from tests.reconcile.forgotten import forgotten
from tests.reconcile.stage import differences

# A thousand take a minute and a half: SHOWUP_TEST_BOOKINGS=1000.
BOOKINGS = int(os.environ.get("SHOWUP_TEST_BOOKINGS", "130"))
SECRET = "of no importance here"
# More of them leave no trace at Cal.com than this would be a fault of the test.
MOST_FORGOTTEN = 0.05


@pytest.fixture
async def far(world: World) -> AsyncIterator[FarCalcom]:
    """A Cal.com that answers 429 and 500 now and then."""
    with FarCalcom(world, faults=Faults({"500": 0.05, "429": 0.02}, seed=1)) as far:
        yield far


@pytest.mark.parametrize("stamps_new", [False, True], ids=["updated_at is null at first", "updated_at is never null"])
@pytest.mark.parametrize("silent", [False, True], ids=["webhooks tell all", "some tell nothing"])
async def test_one_reconciliation_puts_right_what_lost_webhooks_would_have_told(
    world: World, far: FarCalcom, opening: Opening, silent: bool, stamps_new: bool
) -> None:
    whole, lossy = await opening(), await opening()
    world.stamps_new = stamps_new
    generate(world, seed=7 + silent + 2 * stamps_new, bookings=BOOKINGS, silent=silent)
    world.advance(timedelta(hours=1))
    await Courier(world, whole.receive, secret=SECRET).deliver_all()
    fate = Fate(lost=0.2, delayed=0.2, doubled=0.1, seed=3)
    courier = Courier(world, lossy.receive, secret=SECRET, fate=fate)
    await courier.deliver_all()
    await whole.apply()
    await lossy.apply()
    assert differences(await lossy.standing(), await whole.standing()), "nothing of importance was lost"

    told = await whole.reconcile()
    assert silent or (told["healed"], told["drift"]) == ({}, [])
    healed = await lossy.reconcile()

    assert (healed["state"], healed["drift"]) == ("done", [])
    gone = forgotten(world, courier.lost)
    assert len(gone.uids) <= MOST_FORGOTTEN * len(world.bookings)
    assert differences(await lossy.standing(), await whole.standing(), gone.concerns) == []
    assert (await lossy.reconcile())["healed"] == {}
    assert await lossy.rebuilt() == []
    assert far.worst_minute() <= 120
