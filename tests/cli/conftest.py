"""Runs commands as a person would, each with its own environment."""

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
SHOWUP_VARIABLE_PREFIXES = ("SHOWUP_", "CALCOM_", "DATABASE_", "PG", "LOG_")


class CommandResult(msgspec.Struct, frozen=True):
    """A command's output and exit code."""

    code: int
    out: str
    error: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Showup = Callable[..., CommandResult]


@pytest.fixture(autouse=True)
def restore_logging() -> Iterator[None]:
    """Restores the logging: a command sends its process's logs to its stderr, which is closed after the test."""
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
    """Runs `showup` in this process on the test's own database; keywords set variables, and "" removes one."""
    base_variables = {"DATABASE_URL": database_url, "SHOWUP_SECRET_KEY": SECRET_KEY, "COLUMNS": "200"}

    def run(*arguments: str, stdin: str = "", **variables: str) -> CommandResult:
        with monkeypatch.context() as patch:
            for name in [name for name in os.environ if name.startswith(SHOWUP_VARIABLE_PREFIXES)]:
                patch.delenv(name)
            for name, value in (base_variables | variables).items():
                patch.setenv(name, value)
            patch.chdir(tmp_path)
            patch.setattr(sys, "argv", ["showup", *arguments])
            patch.setattr(sys, "stdin", io.StringIO(stdin))
            capsys.readouterr()
            with pytest.raises(SystemExit) as exit_info:
                main()
        code = exit_info.value.code
        return CommandResult(code if isinstance(code, int) else 0, *capsys.readouterr())

    return run


@pytest.fixture
def ready(showup: Showup) -> Showup:
    """Runs `showup` on a database that has the workspace and the account `default`."""
    result = showup("migrate")
    assert result.code == 0, result.error
    return showup
