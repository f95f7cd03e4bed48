"""R4: while PostgreSQL is unreachable, webhooks get 503; afterwards Showup recovers, and no event is partly applied."""

import pytest

from tests.torture.conftest import RunRound
from tests.torture.outages import Outages
from tests.torture.small_disk import SmallDisk, unsupported_reason


@pytest.mark.parametrize("outage", ["restart", "cut"])
async def test_requests_that_need_the_database_recover(
    single_serve: Outages, check_round: RunRound, outage: str
) -> None:
    await check_round(single_serve, outage)


@pytest.mark.parametrize("outage", ["connections held", "hang", "disk full"])
async def test_the_endpoint_answers_503_during_an_outage(
    single_serve: Outages, check_round: RunRound, outage: str
) -> None:
    if outage == "disk full" and not isinstance(single_serve, SmallDisk):
        pytest.skip(unsupported_reason() or "")
    result = await check_round(single_serve, outage)
    assert result.sent.retried["503"] > 0
    assert set(result.sent.retried) == {"503"}
