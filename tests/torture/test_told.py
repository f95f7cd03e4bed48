"""TE1, TE4, TE10 in short: workers die, the far side fails, and everybody is told once; `make torture` is longer."""

import shutil
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.torture import told


@pytest.fixture
def folder() -> Iterator[Path]:
    """Short for the sake of socket paths, and open to the account that runs PostgreSQL when we are root."""
    made = Path(tempfile.mkdtemp(prefix="showup-told-"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made)


@pytest.mark.timeout(300)
async def test_everybody_is_told_once(folder: Path) -> None:
    plan = told.Plan(bookings=60, seed=7, ahead=timedelta(seconds=75), offsets=[timedelta(seconds=35)], kills=3)
    result = await told.play(folder, plan)
    assert result.faults == [], told.shown(result)
    assert result.killed.total() > 0
