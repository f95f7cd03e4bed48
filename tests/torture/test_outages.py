"""R4: while PostgreSQL is away the door says 503; then everything goes on by itself, and nothing is half-done."""

import pytest

from tests.torture.conftest import PlayedOn
from tests.torture.outages import Outages
from tests.torture.small_disk import SmallDisk, refusal


@pytest.mark.parametrize("outage", ["restart", "cut"])
async def test_what_needs_the_database_comes_again(alone: Outages, played: PlayedOn, outage: str) -> None:
    await played(alone, outage)


@pytest.mark.parametrize("outage", ["connections held", "hang", "disk full"])
async def test_as_long_as_it_lasts_the_door_says_503(alone: Outages, played: PlayedOn, outage: str) -> None:
    if outage == "disk full" and not isinstance(alone, SmallDisk):
        pytest.skip(refusal() or "")
    result = await played(alone, outage)
    assert result.sent.put_off["503"] > 0
    assert set(result.sent.put_off) == {"503"}
