"""U09: each command of README.md works as written, in order, on a real server.

The commands are read from the page, so a new one runs too; one that this test can't run makes it fail.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from signal import SIGINT
from typing import Any

import httpx2
import pytest

from showup.settings import variable_names
from tests.destinations.fake_vendors.smtp import FakeSmtp
from tests.fake_calcom.server import FakeCalcom
from tests.fake_calcom.world import World
from tests.showup_process import ShowupProcess, environment

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
SHOWUP = ".venv/bin/showup "
# The test itself is part of the suite, and a `make run` would install packages: a server from this code runs instead.
NOT_RUN = {"make run", "make test"}
SERVERS = ("serve", "work")


def commands() -> list[str]:
    """Returns the page's commands in order: the lines of its code blocks, and Showup's commands in sentences."""
    text = re.sub(r" \\\n\s+", " ", README)
    found = re.findall(r"^ {4}(\S.*)$|`((?:\.venv/bin/)?showup [^`]+)`", text, re.MULTILINE)
    return [re.sub(r"\s+#.*$", "", block or span) for block, span in found]


class Reader:
    """A person who follows the page: what one command prints is the next one's input."""

    def __init__(self, folder: Path, address: str, variables: dict[str, str]) -> None:
        self.folder = folder
        self.address = address
        self.variables = variables
        self.placeholders: dict[str, str] = {}

    def follow(self, command: str) -> None:
        """Runs one command as written, except for placeholders and the server's port."""
        if re.fullmatch(r"[A-Z_]+=\S+", command):
            self._set_variable(*command.split("=", 1))
        elif command.startswith("curl "):
            self._call(command)
        elif command.startswith(SHOWUP):
            self._showup(command.removeprefix(SHOWUP))
        else:
            pytest.fail(f"README has a command that this test can't run: {command}")

    def _set_variable(self, name: str, value: str) -> None:
        assert name in variable_names()
        with (self.folder / ".env").open("a") as file:
            file.write(f"{name}={self.variables.pop(f'README_{name}', value)}\n")

    def _call(self, command: str) -> None:
        script = command.replace("http://127.0.0.1:8000", self.address).replace(
            "curl ", "curl -sS --fail-with-body ", 1
        )
        answer = json.loads(self._run(["bash", "-euc", script]))
        if answer.get("items"):
            self.placeholders["DEAL"] = answer["items"][0]["id"]

    def _showup(self, arguments: str) -> None:
        words = [self.placeholders.get(word, word) for word in arguments.split()]
        if words[0] in SERVERS:
            self._start_and_stop(words)
            return
        output = self._run([sys.executable, "-m", "showup", *words])
        if words[:2] == ["keys", "create"]:
            self.placeholders["KEY"] = output.split()[0]
        elif words[:2] == ["accounts", "add"]:
            # Somebody else's webhook, so that there is a warning to acknowledge.
            assert httpx2.post(f"{self.address}/webhooks/calcom/{words[2]}", content=b"{}").status_code == 401
            self.placeholders["SUBJECT"] = f"webhooks:{words[2]}"
        elif words[0] == "verify":
            self.placeholders["HEAD"] = re.findall(r"head (\S+)", output)[0]

    def _start_and_stop(self, words: list[str]) -> None:
        port = ["--port", "0"] if words[0] == "serve" else []
        command = [sys.executable, "-m", "showup", *words, *port]
        with subprocess.Popen(
            command, cwd=self.folder, env=self._environment(), stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            try:
                assert any("Press Ctrl-C" in line for line in process.stdout)
            finally:
                process.send_signal(SIGINT)
        assert process.returncode == 0, words

    def _run(self, command: list[str]) -> str:
        result = subprocess.run(
            command, cwd=self.folder, env=self._environment(), capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"
        return result.stdout

    def _environment(self) -> dict[str, str]:
        printed = {name: self.placeholders[name] for name in ("KEY", "DEAL") if name in self.placeholders}
        variables = {name: value for name, value in self.variables.items() if not name.startswith("README_")}
        return environment(**variables, **printed)


@pytest.fixture
def reader(database_url: str, tmp_path: Path) -> Iterator[Reader]:
    (tmp_path / "showup.toml").write_text('[[senders]]\nfrom = "team@example.com"\n')
    (tmp_path / "rules.toml").write_text('[pipeline]\ncancel_deal = "last_meeting"\n')
    (tmp_path / "instantly.csv").write_text("Email,First Name\nann@acme.example,Ann\n")
    database: dict[str, Any] = {"DATABASE_URL": database_url, "SHOWUP_SECRET_KEY": "k" * 40}
    world = World(seed=5)
    world.add_user("Hana Host", "hana@sellers.example")
    with FakeSmtp() as smtp, FakeCalcom(world) as calcom:
        variables = {
            **database,
            "CALCOM_WEBHOOK_SECRET": "",
            "SHOWUP_ADMIN_KEY": "",
            "SMTP_URL": smtp.url,
            "CALCOM_API_URL": calcom.url,
            "README_CALCOM_API_KEY": calcom.key,
        }
        server = ShowupProcess(**{name: value for name, value in variables.items() if not name.startswith("README_")})
        try:
            port = server.address.rpartition(":")[2]
            # The server's own address stands for the public one: `calcom register` sends a test webhook there.
            variables |= {"SHOWUP_PORT": port, "README_SHOWUP_URL": server.address}
            yield Reader(tmp_path, server.address, variables)
        finally:
            server.stop(SIGINT)


@pytest.mark.timeout(600)
def test_u09_each_command_of_the_readme_works_in_order(reader: Reader) -> None:
    reader.placeholders["FILE"] = str(reader.folder / "rules.toml")
    found = [command for command in commands() if command not in NOT_RUN]
    assert len(found) > 15
    for command in found:
        reader.follow(command)


def test_u09_a_new_command_is_found_and_an_unknown_one_is_refused(tmp_path: Path) -> None:
    assert set(commands()) >= {*NOT_RUN, f"{SHOWUP}doctor", f"{SHOWUP}acknowledge SUBJECT"}
    with pytest.raises(pytest.fail.Exception, match="can't run: brew install showup"):
        Reader(tmp_path, "", dict(os.environ)).follow("brew install showup")
