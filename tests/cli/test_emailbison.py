"""`showup emailbison`: register the webhook, read leads now, and see how far that came (CA1)."""

import json
from collections.abc import Iterator

import pytest

from tests.cli.conftest import CommandResult, Showup
from tests.destinations.fake_vendors.emailbison import FakeEmailBison


@pytest.fixture
def fake() -> Iterator[FakeEmailBison]:
    with FakeEmailBison() as fake:
        fake.workspace.add_campaign(101, "Founders NL")
        for number in range(20):
            fake.workspace.add_lead(f"lead{number}@acme.example", [101])
        yield fake


@pytest.fixture
def connected(ready: Showup, fake: FakeEmailBison) -> Showup:
    """Runs commands of a Showup that is connected to the fake EmailBison."""

    def run(*arguments: str, stdin: str = "") -> CommandResult:
        return ready(*arguments, stdin=stdin, SHOWUP_ALLOW_PRIVATE_ADDRESSES="true")

    setting = ("--setting", f"api_url={fake.url}", "--credentials-file", "-")
    result = run("connections", "set", "emailbison", "main", *setting, stdin=json.dumps({"api_key": fake.key}))
    assert result.code == 0, result.error
    return run


def test_connect_sync_and_see_the_state(connected: Showup, fake: FakeEmailBison) -> None:
    assert connected("connections", "test", "emailbison", "main").code == 0
    before = connected("emailbison", "status")
    assert before.code == 1
    assert "not begun" in before.out
    assert "run `showup emailbison register`" in before.out
    synced = connected("emailbison", "sync")
    assert synced.code == 0, synced.error
    assert "20 leads, complete since" in synced.out
    assert "workspace   Cody's Team (1)" in synced.out
    row = connected("emailbison", "sync", "--full", "--json").json
    assert row["import"].startswith("20 leads, complete since")
    assert fake.key not in json.dumps(row)


def test_register_warns_where_emailbison_cannot_reach_showup(connected: Showup, fake: FakeEmailBison) -> None:
    fake.workspace.variables.clear()
    result = connected("emailbison", "register")
    assert result.code == 0, result.error
    assert "The webhook 1 was created. Its address is a secret." in result.out
    assert "The custom variable meeting_status was created." in result.out
    assert "Warning: EmailBison can't reach 127.0.0.1" in result.out
    [webhook] = fake.workspace.webhooks.values()
    assert webhook["url"] not in result.out
    assert connected("emailbison", "register", "--json").json["created"] is False
    assert "webhook     registered" in connected("emailbison", "status").out


@pytest.mark.parametrize("command", ["register", "sync"])
def test_a_fault_says_what_to_do(connected: Showup, fake: FakeEmailBison, command: str) -> None:
    fake.faults.queue("401")
    result = connected("emailbison", command)
    assert result.code == 1
    assert "EmailBison rejected the API token: Unauthenticated. Create an API token" in result.error
    assert fake.key not in result.error


def test_a_workspace_without_emailbison_learns_how_to_connect(ready: Showup) -> None:
    result = ready("emailbison", "sync")
    assert result.code == 1
    assert "default is not connected to EmailBison. Set EMAILBISON_URL and EMAILBISON_API_KEY" in result.error


def test_doctor_asks_emailbison_and_names_its_last_good_sync(connected: Showup, fake: FakeEmailBison) -> None:
    connected("emailbison", "sync")
    fake.faults.queue("500")
    assert connected("emailbison", "sync").code == 1
    rows = {(row["subject"], row["state"]): row["message"] for row in connected("doctor", "--json").json}
    assert rows["connection emailbison main", "ok"].startswith("emailbison accepts the credentials")
    message = rows["leads emailbison main", "warn"]
    assert message.startswith("EmailBison data unavailable (EmailBison is unavailable: Server Error")
    assert "last good sync 20" in message
