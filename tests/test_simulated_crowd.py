"""AP5, PI9: a crowd of invented prospects plays against a real Showup, and the API says what the crowd knows."""

import signal
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from tests.conftest import RUN_FOLDER
from tests.serving import AT_MOST, Serving, environment, left


@pytest.mark.parametrize("chaos", [(), ("--chaos",)], ids=["in order", "chaos"])
def test_the_api_says_what_the_crowd_knows(request: pytest.FixtureRequest, chaos: tuple[str, ...]) -> None:
    data = str(request.config.stash[RUN_FOLDER] / uuid4().hex[:8])
    serving = Serving(SHOWUP_DATA_DIR=data)
    family = serving.family()
    try:
        crowd = ("simulate", "--url", serving.address, "--rate", "200", "--count", "250", "--check", *chaos)
        played = subprocess.run(
            [sys.executable, "-m", "showup", *crowd],
            env=environment(SHOWUP_DATA_DIR=data),
            capture_output=True,
            text=True,
            timeout=2 * AT_MOST,
            cwd=Path(data).parent,
            check=False,
        )
    finally:
        assert serving.end(signal.SIGINT) == 0
    assert (played.returncode, played.stderr) == (0, "")
    assert "OK: " in played.stdout
    assert left(family) == []
