"""Each command of INTERFACE has an example in its help, prints JSON, and says what to do if it fails."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from showup.__main__ import app
from tests.cli.conftest import SECRET_KEY, Showup
from tests.destinations.fake_vendors.resend import FakeResend

COMMANDS = [
    *(["serve"], ["work"], ["migrate"], ["doctor"], ["openapi"], ["sample"], ["simulate"], ["rebuild"], ["verify"]),
    *(["accounts", verb] for verb in ("add", "list", "rotate-secret", "route", "routes")),
    *(["workspaces", verb] for verb in ("add", "list")),
    *(["calcom", verb] for verb in ("register", "status", "backfill")),
    *(["connections", verb] for verb in ("list", "set", "test", "remove")),
    *(["keys", verb] for verb in ("create", "list", "revoke")),
    *(["teammates", verb] for verb in ("add", "list", "link", "remove")),
    *(["deliveries", verb] for verb in ("list", "retry", "withdraw")),
    *(["email", verb] for verb in ("preview", "test")),
    *(["emailbison", verb] for verb in ("register", "status", "sync")),
    ["leads", "import"],
    ["acknowledge"],
    *(["backup"], ["restore"], ["mcp"], ["statement"]),
    *(["export"], ["erase"], ["retention"], ["secrets", "rotate"]),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_help_has_an_example(showup: Showup, command: list[str]) -> None:
    result = showup(*command, "--help")
    assert result.code == 0
    assert "Example: " in result.out
    assert f"showup {' '.join(command)}" in result.out


def test_the_command_list_is_complete() -> None:
    single_commands = {
        command.name or command.callback.__name__ for command in app.registered_commands if command.callback
    }
    groups = {group.name for group in app.registered_groups}
    assert single_commands | groups == {command[0] for command in COMMANDS}


def test_an_account_is_added_listed_and_rotated_and_its_secret_shown_once(ready: Showup) -> None:
    added = ready("accounts", "add", "acme", "--json", SHOWUP_URL="https://showup.example.com/base")
    assert added.json["url"] == "https://showup.example.com/base/webhooks/calcom/acme"
    secret = added.json["secret"]
    rotated = ready("accounts", "rotate-secret", "acme", "--json")
    assert rotated.json["secret"] != secret
    listed = ready("accounts", "list", "--json")
    assert [(account["name"], account["has_secret"]) for account in listed.json] == [("acme", True), ("default", False)]
    for result in (listed, ready("accounts", "list"), ready("connections", "list", "--json")):
        assert secret not in result.out
        assert rotated.json["secret"] not in result.out


def test_a_chosen_secret_is_accepted_and_the_no_secret_placeholder_is_refused(ready: Showup) -> None:
    assert ready("accounts", "add", "acme", "--secret", "of my own choice").out.count("of my own choice") == 1
    result = ready("accounts", "add", "other", "--secret", "no-secret-provided")
    assert (result.code, result.out) == (1, "")
    assert "--secret" in result.error


def test_routes_are_added_listed_in_order_and_cleared(ready: Showup) -> None:
    """AP6: an account stays marked as routed after its routes are removed."""
    assert ready("workspaces", "add", "acme").code == 0
    for conditions in (["--team-id", "7", "--event-type", "demo"], ["--organizer-domain", "@Acme.com"]):
        added = ready("accounts", "route", "default", *conditions, "--to", "acme")
        assert added.code == 0, added.error
    assert ready("accounts", "routes", "default", "--json").json == [
        {"event_type": "demo", "team_id": 7, "organizer_domain": None, "to": "acme"},
        {"event_type": None, "team_id": None, "organizer_domain": "acme.com", "to": "acme"},
    ]
    unreachable = ready(
        "accounts", "route", "default", "--organizer-domain", "acme.com", "--team-id", "8", "--to", "default"
    )
    assert (unreachable.code, unreachable.error.partition(" comes")[0]) == (1, "Route 2")
    assert ready("accounts", "routes", "default", "--clear", "--json").json == []
    assert "no routes" in ready("accounts", "routes", "default").out
    assert ready("accounts", "list", "--json").json[0]["has_routes"]


def test_workspaces_and_keys_are_managed(ready: Showup) -> None:
    assert ready("workspaces", "add", "acme", "--time-zone", "Europe/Berlin").code == 0
    assert [workspace["slug"] for workspace in ready("workspaces", "list", "--json").json] == ["default", "acme"]
    key = ready("keys", "create", "reporting", "--scope", "read", "--workspace", "acme", "--json").json["key"]
    assert key.startswith("showup_")
    assert ready("keys", "revoke", "reporting").code == 0
    listed = ready("keys", "list", "--json")
    assert listed.json[0]["workspace"] == "acme"
    assert listed.json[0]["revoked_at"] is not None
    assert key not in listed.out


def test_connection_credentials_are_encrypted_preserved_and_never_shown(ready: Showup, database_url: str) -> None:
    secret = '{"api_key": "re_very_secret"}'
    result = ready(
        *("connections", "set", "resend", "main", "--setting", "from=a@b.example", "--credentials-file", "-"),
        stdin=secret,
    )
    assert result.code == 0, result.error
    assert ready("connections", "set", "resend", "main", "--setting", "reply_to=c@d.example").code == 0
    listed = ready("connections", "list", "--json")
    assert listed.json[-1]["settings"] == {"from": "a@b.example", "reply_to": "c@d.example"}
    assert listed.json[-1]["has_credentials"]
    assert "very_secret" not in listed.out
    assert b"very_secret" not in asyncio.run(read_encrypted_credentials(database_url))
    with FakeResend(key="re_very_secret") as resend:
        assert ready("connections", "test", "resend", "main", RESEND_API_URL=resend.url).out == "Resend accepts mail.\n"


async def read_encrypted_credentials(url: str) -> bytes:
    driver = await asyncpg.connect(url)
    credentials: bytes = await driver.fetchval("SELECT credentials FROM connections WHERE name = 'main'")
    await driver.close()
    return credentials


def test_an_accounts_api_key_is_added_without_losing_its_secret(ready: Showup) -> None:
    ready("accounts", "add", "acme")
    result = ready("connections", "set", "calcom", "acme", "--credentials-file", "-", stdin='{"api_key": "cal_x"}')
    assert result.code == 0, result.error
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
    (["workspaces", "add", "simulation"], "another slug"),
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


@pytest.mark.parametrize(("command", "message"), REFUSALS, ids=[" ".join(command) for command, _ in REFUSALS])
def test_an_impossible_command_is_refused_with_a_message(ready: Showup, command: list[str], message: str) -> None:
    result = ready(*command)
    assert (result.code, result.out) == (1, "")
    assert message in result.error
    assert "Traceback" not in result.error


def test_an_environment_secret_is_rotated_in_the_environment(ready: Showup) -> None:
    result = ready("accounts", "rotate-secret", "default", CALCOM_WEBHOOK_SECRET="from the environment")
    assert result.code == 1
    assert "CALCOM_WEBHOOK_SECRET_PREVIOUS" in result.error


@pytest.mark.parametrize(
    ("variables", "message"),
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
def test_expected_errors_are_messages_without_a_traceback(
    showup: Showup, command: list[str], variables: dict[str, str], message: str
) -> None:
    result = showup(*command, **variables)
    assert result.code == 1
    assert message in result.error
    assert "Traceback" not in result.error
    assert "hidden" not in result.error


def test_a_wrong_encryption_key_is_reported(ready: Showup) -> None:
    ready("accounts", "add", "acme")
    result = ready("accounts", "list", SHOWUP_SECRET_KEY="another " * 8)
    assert result.code == 1
    assert "SHOWUP_SECRET_KEY" in result.error
    assert ready("accounts", "list", SHOWUP_SECRET_KEY=f"{'another ' * 8},{SECRET_KEY}").code == 0


def test_migrate_checks_for_drift(ready: Showup, database_url: str) -> None:
    assert ready("migrate", "--check").code == 0
    asyncio.run(execute(database_url, "DROP INDEX ix_deals_page"))
    result = ready("migrate", "--check")
    assert result.code == 1
    assert "ix_deals_page" in result.error


async def execute(url: str, statement: str) -> None:
    driver = await asyncpg.connect(url)
    await driver.execute(statement)
    await driver.close()


@pytest.mark.parametrize(
    ("statement", "command", "message"),
    [
        ("UPDATE alembic_version SET version_num = '0000'", "accounts", "showup migrate"),
        ("UPDATE alembic_version SET version_num = '9999'", "migrate", "newer version"),
    ],
)
def test_a_database_of_another_version_is_reported(
    ready: Showup, database_url: str, statement: str, command: str, message: str
) -> None:
    asyncio.run(execute(database_url, statement))
    result = ready(command, *(["list"] if command == "accounts" else []))
    assert result.code == 1
    assert message in result.error


def test_the_openapi_file_is_written_and_checked(showup: Showup) -> None:
    assert showup("openapi").json["openapi"].startswith("3.")
    assert showup("openapi", "--write", "api.json").code == 0
    assert showup("openapi", "--check", "api.json").code == 0


def test_the_version_is_printed(showup: Showup) -> None:
    assert showup("--version").out.startswith("showup 0.")


@pytest.mark.parametrize("command", [("accounts", "add", "acme"), ("accounts", "rotate-secret", "default")])
def test_s12_a_secret_is_read_from_stdin_or_a_file(ready: Showup, tmp_path: Path, command: tuple[str, ...]) -> None:
    file = tmp_path / "secret"
    file.write_text("a secret in a file\n", encoding="utf-8")
    from_stdin = ready(*command, "--json", "--secret", "-", stdin="a secret from stdin\n")
    assert (from_stdin.json["secret"], "Warning" in from_stdin.error) == ("a secret from stdin", False)
    from_file = ready("accounts", "rotate-secret", from_stdin.json["name"], "--json", "--secret-file", str(file))
    assert (from_file.json["secret"], "Warning" in from_file.error) == ("a secret in a file", False)


def test_s12_a_secret_in_the_arguments_is_accepted_with_a_warning(ready: Showup) -> None:
    added = ready("accounts", "add", "acme", "--json", "--secret", "of my own choice")
    assert (added.code, added.json["secret"]) == (0, "of my own choice")
    assert "list of processes" in added.error
    both = ready("accounts", "add", "other", "--secret", "of my own choice", "--secret-file", "x")
    assert (both.code, "can't be used together" in both.error) == (1, True)
    missing = ready("accounts", "add", "other", "--secret-file", "no such file")
    assert (missing.code, "can't be read" in missing.error) == (1, True)


def test_s12_a_short_secret_is_refused_or_reported(ready: Showup) -> None:
    refused = ready("accounts", "add", "acme", "--secret", "-", stdin="fifteen letters")
    assert (refused.code, "too short" in refused.error, "fifteen" in refused.error) == (1, True, False)
    checks = ready("doctor", "--json", CALCOM_WEBHOOK_SECRET="short").json
    (account,) = [one for one in checks if one["subject"] == "account default"]
    assert (account["state"], "can be guessed" in account["message"]) == ("warn", True)


@pytest.mark.parametrize("name", ["", " ", "a" * 64, "a\nb", "a\x1b[31m", "-a", "ann ", "ключ"])
def test_s12_the_name_of_a_key_is_short_and_plain(ready: Showup, name: str) -> None:
    refused = ready("keys", "create", "--scope", "read", "--", name)
    assert (refused.code, len(refused.error) < 300) == (1, True)
    assert "can't be the name of a key" in refused.error


def test_s12_usual_names_of_keys_are_accepted(ready: Showup) -> None:
    for name in ("reporting", "ann@acme.example", "CI key 2", "x" * 63):
        assert ready("keys", "create", name, "--scope", "read").code == 0
