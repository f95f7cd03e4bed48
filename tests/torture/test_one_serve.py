"""R1, in short: parts of one Showup are killed under load; all that was answered 2xx is there, and applied once."""

import pytest

from tests.torture.conftest import PlayedOn
from tests.torture.stage import Stage


@pytest.mark.parametrize("victim", ["web and worker", "backend", "everything"])
async def test_a_kill_loses_and_doubles_nothing(alone: Stage, played: PlayedOn, victim: str) -> None:
    await played(alone, victim)
