"""The commands of INTERFACE: each helps with an example, speaks JSON, and fails in a sentence that says what to do."""

import asyncio

import asyncpg
import pytest

from showup.__main__ import app
from tests.commands.conftest import SECRET_KEY, Showup

COMMANDS = [
    *(["serve"], ["work"], ["migrate"], ["doctor"], ["openapi"], ["sample"], ["simulate"], ["rebuild"], ["verify"]),
    *(["accounts", verb] for verb in ("add", "list", "rotate-secret", "route", "routes")),
    *(["workspaces", verb] for verb in ("add", "list")),
    *(["calcom", verb] for verb in ("register", "status", "backfill")),
    *(["connections", verb] for verb in ("list", "set", "test", "remove")),
    *(["keys", verb] for verb in ("create", "list", "revoke")),
    *(["deliveries", verb] for verb in ("list", "retry", "withdraw")),
    ["email", "preview"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_helps_with_an_example(showup: Showup, command: list[str]) -> None:
    said = showup(*command, "--help")
    assert said.code == 0
    assert "Example: " in said.out
    assert f"showup {' '.join(command)}" in said.out


def test_no_command_is_forgotten_above() -> None:
    alone = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    groups = {group.name for group in app.registered_groups}
    assert alone | groups == {command[0] for command in COMMANDS}


def test_an_account_is_added_listed_and_rotated_and_its_secret_shown_once(ready: Showup) -> None:
    made = ready("accounts", "add", "acme", "--json", SHOWUP_URL="https://showup.example.com/base")
    assert made.json["url"] == "https://showup.example.com/base/webhooks/calcom/acme"
    secret = made.json["secret"]
    rotated = ready("accounts", "rotate-secret", "acme", "--json")
    assert rotated.json["secret"] != secret
    listed = ready("accounts", "list", "--json")
    assert [(one["name"], one["has_secret"]) for one in listed.json] == [("acme", True), ("default", False)]
    for said in (listed, ready("accounts", "list"), ready("connections", "list", "--json")):
        assert secret not in said.out
        assert rotated.json["secret"] not in said.out


def test_a_chosen_secret_is_taken_and_cal_coms_word_for_none_is_not(ready: Showup) -> None:
    assert ready("accounts", "add", "acme", "--secret", "of my own choice").out.count("of my own choice") == 1
    said = ready("accounts", "add", "other", "--secret", "no-secret-provided")
    assert (said.code, said.out) == (1, "")
    assert "--secret" in said.error


def test_routes_are_made_listed_in_their_order_and_cleared(ready: Showup) -> None:
    """AP6: and an account whose routes are gone goes on being sorted."""
    assert ready("workspaces", "add", "acme").code == 0
    for said in (["--team-id", "7", "--event-type", "demo"], ["--organizer-domain", "@Acme.com"]):
        made = ready("accounts", "route", "default", *said, "--to", "acme")
        assert made.code == 0, made.error
    assert ready("accounts", "routes", "default", "--json").json == [
        {"event_type": "demo", "team_id": 7, "organizer_domain": None, "to": "acme"},
        {"event_type": None, "team_id": None, "organizer_domain": "acme.com", "to": "acme"},
    ]
    never = ready("accounts", "route", "default", "--organizer-domain", "acme.com", "--team-id", "8", "--to", "default")
    assert (never.code, never.error.partition(" agrees")[0]) == (1, "Route 2")
    assert ready("accounts", "routes", "default", "--clear", "--json").json == []
    assert "no routes" in ready("accounts", "routes", "default").out
    assert ready("accounts", "list", "--json").json[0]["has_routes"]


def test_workspaces_and_keys(ready: Showup) -> None:
    assert ready("workspaces", "add", "acme", "--time-zone", "Europe/Berlin").code == 0
    assert [one["slug"] for one in ready("workspaces", "list", "--json").json] == ["default", "acme"]
    key = ready("keys", "create", "reporting", "--scope", "read", "--workspace", "acme", "--json").json["key"]
    assert key.startswith("showup_")
    assert ready("keys", "revoke", "reporting").code == 0
    listed = ready("keys", "list", "--json")
    assert listed.json[0]["workspace"] == "acme"
    assert listed.json[0]["revoked_at"] is not None
    assert key not in listed.out


def test_a_connections_credentials_are_sealed_kept_and_never_shown(ready: Showup, database_url: str) -> None:
    secret = '{"api_key": "re_very_secret"}'
    said = ready(
        *("connections", "set", "resend", "main", "--setting", "from=a@b.example", "--credentials-file", "-"),
        stdin=secret,
    )
    assert said.code == 0, said.error
    assert ready("connections", "set", "resend", "main", "--setting", "reply_to=c@d.example").code == 0
    listed = ready("connections", "list", "--json")
    assert listed.json[-1]["settings"] == {"from": "a@b.example", "reply_to": "c@d.example"}
    assert listed.json[-1]["has_credentials"]
    assert "very_secret" not in listed.out
    assert b"very_secret" not in asyncio.run(sealed(database_url))
    assert "can be opened" in ready("connections", "test", "resend", "main").out


async def sealed(url: str) -> bytes:
    driver = await asyncpg.connect(url)
    found: bytes = await driver.fetchval("SELECT credentials FROM connections WHERE name = 'main'")
    await driver.close()
    return found


def test_an_accounts_api_key_is_added_without_losing_its_secret(ready: Showup) -> None:
    ready("accounts", "add", "acme")
    said = ready("connections", "set", "calcom", "acme", "--credentials-file", "-", stdin='{"api_key": "cal_x"}')
    assert said.code == 0, said.error
    accounts = ready("accounts", "list", "--json").json
    assert next(one for one in accounts if one["name"] == "acme")["has_secret"]


REFUSALS = [
    (["accounts", "add", "default"], "rotate-secret default"),
    (["accounts", "add", "Not A Name"], "lower-case"),
    (["accounts", "add", "acme", "--workspace", "nowhere"], "workspaces list"),
    (["accounts", "rotate-secret", "nobody"], "accounts list"),
    (["accounts", "route", "nobody", "--team-id", "7", "--to", "default"], "accounts list"),
    (["accounts", "route", "default", "--team-id", "7", "--to", "nowhere"], "workspaces list"),
    (["accounts", "route", "default", "--event-type", "", "--to", "default"], "--organizer-domain"),
    (["accounts", "route", "default", "--organizer-domain", "ann@acme.com", "--to", "default"], "acme.com"),
    (["accounts", "routes", "nobody"], "accounts list"),
    (["workspaces", "add", "default"], "another slug"),
    (["workspaces", "add", "acme", "--time-zone", "Mars/Olympus"], "IANA"),
    (["keys", "revoke", "nobody"], "keys list"),
    (["keys", "create", "x", "--scope", "read", "--workspace", "nowhere"], "workspaces list"),
    (["connections", "set", "fax", "main"], "one of calcom"),
    (["connections", "set", "calcom", "acme"], "accounts add acme"),
    (["connections", "set", "resend", "main", "--setting", "novalue"], "KEY=VALUE"),
    (["connections", "set", "resend", "main", "--credentials-file", "/nowhere.json"], "JSON object"),
    (["connections", "test", "resend", "nobody"], "connections list"),
    (["openapi", "--check", "missing.json"], "--write missing.json"),
]


@pytest.mark.parametrize(("command", "says"), REFUSALS, ids=[" ".join(command) for command, _ in REFUSALS])
def test_what_cannot_be_done_is_refused_in_a_sentence(ready: Showup, command: list[str], says: str) -> None:
    said = ready(*command)
    assert (said.code, said.out) == (1, "")
    assert says in said.error
    assert "Traceback" not in said.error


def test_a_default_account_with_its_secret_in_the_environment_is_rotated_there(ready: Showup) -> None:
    said = ready("accounts", "rotate-secret", "default", CALCOM_WEBHOOK_SECRET="from the environment")
    assert said.code == 1
    assert "CALCOM_WEBHOOK_SECRET_PREVIOUS" in said.error


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"DATABASE_URL": "postgresql://me:hidden@127.0.0.1:1/d"}, "check that it runs"),
        ({"DATABASE_URL": "mysql://me:hidden@127.0.0.1/d"}, "postgresql://"),
        ({"SHOWUP_SECRET_KEY": ""}, "SHOWUP_SECRET_KEY"),
        ({"SHOWUP_DATE_DIR": "x"}, "SHOWUP_DATA_DIR"),
        ({"DATABASE_URL": "", "SHOWUP_DATA_DIR": "/dev/null/x"}, "data folder"),
        ({"DATABASE_URL": "", "SHOWUP_RUN_AS": "nobody-here"}, "can't run as the account nobody-here"),
    ],
)
@pytest.mark.parametrize("command", [["accounts", "list"], ["migrate"], ["serve", "--port", "0"], ["work"]])
def test_expected_faults_are_sentences(
    showup: Showup, command: list[str], variables: dict[str, str], says: str
) -> None:
    said = showup(*command, **variables)
    assert said.code == 1
    assert says in said.error
    assert "Traceback" not in said.error
    assert "hidden" not in said.error


def test_a_key_that_sealed_nothing_here_is_told(ready: Showup) -> None:
    ready("accounts", "add", "acme")
    said = ready("accounts", "list", SHOWUP_SECRET_KEY="another " * 8)
    assert said.code == 1
    assert "SHOWUP_SECRET_KEY" in said.error
    assert ready("accounts", "list", SHOWUP_SECRET_KEY=f"{'another ' * 8},{SECRET_KEY}").code == 0


def test_migrate_checks_for_drift(ready: Showup, database_url: str) -> None:
    assert ready("migrate", "--check").code == 0
    asyncio.run(change(database_url, "DROP INDEX ix_deals_page"))
    said = ready("migrate", "--check")
    assert said.code == 1
    assert "ix_deals_page" in said.error


async def change(url: str, statement: str) -> None:
    driver = await asyncpg.connect(url)
    await driver.execute(statement)
    await driver.close()


@pytest.mark.parametrize(
    ("statement", "command", "says"),
    [
        ("UPDATE alembic_version SET version_num = '0000'", "accounts", "showup migrate"),
        ("UPDATE alembic_version SET version_num = '9999'", "migrate", "newer version"),
    ],
)
def test_a_database_of_another_version_is_told(
    ready: Showup, database_url: str, statement: str, command: str, says: str
) -> None:
    asyncio.run(change(database_url, statement))
    said = ready(command, *(["list"] if command == "accounts" else []))
    assert said.code == 1
    assert says in said.error


def test_the_openapi_file_is_written_and_checked(showup: Showup) -> None:
    assert showup("openapi").json["openapi"].startswith("3.")
    assert showup("openapi", "--write", "api.json").code == 0
    assert showup("openapi", "--check", "api.json").code == 0


def test_the_version_is_told(showup: Showup) -> None:
    assert showup("--version").out.startswith("showup 0.")
