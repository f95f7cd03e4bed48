"""TE1, TE4, TE10: workers die, the fake vendor fails, and each delivery is sent once; `make torture` is longer."""

import shutil
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.torture import exactly_once


@pytest.fixture
def folder() -> Iterator[Path]:
    """Short, because socket paths are limited, and readable by the account that runs PostgreSQL when we are root."""
    short_folder = Path(tempfile.mkdtemp(prefix="showup-once-"))
    short_folder.chmod(0o711)
    yield short_folder
    shutil.rmtree(short_folder)


@pytest.mark.timeout(300)
async def test_every_attendee_is_notified_once(folder: Path) -> None:
    plan = exactly_once.Plan(bookings=60, seed=7, ahead=timedelta(seconds=75), offsets=[timedelta(seconds=35)], kills=3)
    result = await exactly_once.run_plan(folder, plan)
    assert result.faults == [], exactly_once.summarize(result)
    assert result.killed.total() > 0
