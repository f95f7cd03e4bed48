"""Commands as a person gives them, with an environment of their own."""

import io
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from showup.__main__ import main

SECRET_KEY = "k" * 40
OURS = ("SHOWUP_", "CALCOM_", "DATABASE_", "PG", "LOG_")


class Said(msgspec.Struct, frozen=True):
    """What a command said, and how it ended."""

    code: int
    out: str
    error: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Showup = Callable[..., Said]


@pytest.fixture(autouse=True)
def logging_restored() -> Iterator[None]:
    """A command sends the logs of its process to its stderr, which ends with the test."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)


@pytest.fixture
def showup(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Showup:
    """`showup` on the test's own database, in this process; keywords are further variables, "" for none."""
    ours = {"DATABASE_URL": database_url, "SHOWUP_SECRET_KEY": SECRET_KEY, "COLUMNS": "200"}

    def run(*arguments: str, stdin: str = "", **variables: str) -> Said:
        with monkeypatch.context() as given:
            for name in [name for name in os.environ if name.startswith(OURS)]:
                given.delenv(name)
            for name, value in (ours | variables).items():
                given.setenv(name, value)
            given.chdir(tmp_path)
            given.setattr(sys, "argv", ["showup", *arguments])
            given.setattr(sys, "stdin", io.StringIO(stdin))
            capsys.readouterr()
            with pytest.raises(SystemExit) as ended:
                main()
        code = ended.value.code
        return Said(code if isinstance(code, int) else 0, *capsys.readouterr())

    return run


@pytest.fixture
def ready(showup: Showup) -> Showup:
    """The same, with the workspace and the account `default` made."""
    said = showup("migrate")
    assert said.code == 0, said.error
    return showup
