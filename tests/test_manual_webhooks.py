"""U07: the commands of docs/WEBHOOKS_BY_HAND.md work as written, and each refusal says what is wrong."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from signal import SIGINT

import httpx2
import pytest

from tests.showup_process import ShowupProcess, environment

PAGE = Path(__file__).parents[1] / "docs" / "WEBHOOKS_BY_HAND.md"
KEY = "k" * 40


def commands(title: str = "Send a webhook") -> str:
    """Returns the shell commands of one of the page's sections, in order."""
    section = PAGE.read_text().partition(f"## {title}\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"^    (.*)$", section, re.MULTILINE)
    return "\n".join(line for line in blocks if not line.startswith(('{"', "showup ")))


@pytest.fixture
def settings(database_url: str) -> dict[str, str]:
    return {"DATABASE_URL": database_url, "SHOWUP_SECRET_KEY": KEY}


@pytest.fixture
def server(settings: dict[str, str]) -> Iterator[ShowupProcess]:
    process = ShowupProcess(**settings)
    yield process
    process.stop(SIGINT)


def run_showup(settings: dict[str, str], *arguments: str) -> dict[str, str]:
    command = [sys.executable, "-m", "showup", *arguments, "--json"]
    result = subprocess.run(command, env=environment(**settings), capture_output=True, check=True, text=True)
    answer: dict[str, str] = json.loads(result.stdout)
    return answer


def deals(server: ShowupProcess, key: str) -> list[str]:
    """Returns the companies of the deals, once Showup has applied the booking."""
    deadline = time.monotonic() + 10
    while True:
        response = httpx2.get(f"{server.address}/api/deals", headers={"Authorization": f"Bearer {key}"})
        companies = [deal["company"]["name"] for deal in response.json()["items"]]
        if companies or time.monotonic() > deadline:
            return companies
        time.sleep(0.05)


def send(script: str, folder: Path) -> dict[str, object]:
    result = subprocess.run(["bash", "-euc", script], cwd=folder, capture_output=True, check=True, text=True)
    answer: dict[str, object] = json.loads(result.stdout)
    return answer


def test_u07_the_commands_of_the_page_send_a_webhook(
    server: ShowupProcess, settings: dict[str, str], tmp_path: Path
) -> None:
    account = run_showup(settings, "accounts", "add", "by-hand")
    script = commands().replace("http://127.0.0.1:8000", server.address)
    assert f"URL={server.address}/webhooks/calcom/by-hand" in script
    assert script.count("the-secret-that-was-printed") == 1
    script = script.replace("the-secret-that-was-printed", account["secret"])
    first = send(script, tmp_path)
    assert first["status"] == "accepted"
    assert send(script, tmp_path) == {"status": "duplicate", "id": first["id"]}
    variables = "".join(f"{line}\n" for line in script.splitlines() if line.startswith(("URL=", "SECRET=")))
    booking = send(variables + commands("Send a booking"), tmp_path)
    assert booking["status"] == "accepted"
    assert deals(server, run_showup(settings, "keys", "create", "reader", "--scope", "read")["key"]) == ["lee.example"]

    wrong = send(script.replace(account["secret"], "another-secret"), tmp_path)
    missing = send(script.replace('-H "X-Cal-Signature-256: $SIGNATURE" ', ""), tmp_path)
    unknown = send(script.replace("calcom/by-hand", "calcom/by-hnad"), tmp_path)
    assert (wrong["title"], missing["title"]) == ("Invalid signature", "Missing signature")
    assert unknown == wrong, "the answer must not show which accounts exist"
    page = PAGE.read_text()
    for answer in (wrong, missing):
        assert f"`{str(answer['type']).rpartition(':')[2]}`" in page
        assert f"{answer['status']} {answer['title']}" in page
    for line in ("bad webhook signature", "webhook without a signature", "webhook for an unknown account"):
        server.wait_for_output(line)
        assert f"`{line}`" in page
