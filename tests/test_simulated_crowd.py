"""AP5, PI9: after a simulation against a real Showup, the API's data matches the simulation."""

import signal
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from tests.conftest import RUN_FOLDER
from tests.showup_process import TIMEOUT, ShowupProcess, environment, still_running


@pytest.mark.parametrize("chaos", [(), ("--chaos",)], ids=["in order", "chaos"])
def test_the_api_matches_the_simulation(request: pytest.FixtureRequest, chaos: tuple[str, ...]) -> None:
    data = str(request.config.stash[RUN_FOLDER] / uuid4().hex[:8])
    showup = ShowupProcess(SHOWUP_DATA_DIR=data)
    processes = showup.process_tree()
    try:
        arguments = ("simulate", "--url", showup.address, "--rate", "200", "--count", "250", "--check", *chaos)
        result = subprocess.run(
            [sys.executable, "-m", "showup", *arguments],
            env=environment(SHOWUP_DATA_DIR=data),
            capture_output=True,
            text=True,
            timeout=2 * TIMEOUT,
            cwd=Path(data).parent,
            check=False,
        )
    finally:
        assert showup.stop(signal.SIGINT) == 0
    assert (result.returncode, result.stderr) == (0, "")
    assert "OK: " in result.stdout
    assert still_running(processes) == []
