"""R1, in short: parts of one Showup are killed under load; every event answered 2xx is stored and applied once."""

import pytest

from tests.torture.conftest import RunRound
from tests.torture.deployment import Deployment


@pytest.mark.parametrize("target", ["web and worker", "backend", "everything"])
async def test_a_kill_loses_and_doubles_nothing(single_serve: Deployment, check_round: RunRound, target: str) -> None:
    await check_round(single_serve, target)
