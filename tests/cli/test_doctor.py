"""RU4: `showup doctor` reports each fault and its correction, without secrets."""

import asyncio

import asyncpg
import msgspec

from showup.access.account import Credentials, WebhookSecret
from showup.access.secrets_at_rest import Seal
from tests.cli.conftest import SECRET_KEY, Showup

SECRET = "webhook secret of the environment"


def states(result: object) -> dict[str, str]:
    return {row["subject"]: row["state"] for row in result.json}  # type: ignore[attr-defined] # a CommandResult


async def execute(url: str, *statements: str) -> None:
    driver = await asyncpg.connect(url)
    for statement in statements:
        await driver.execute(statement)
    await driver.close()


def test_a_healthy_setup_passes(ready: Showup) -> None:
    result = ready("doctor", "--json", CALCOM_WEBHOOK_SECRET=SECRET)
    assert result.code == 0
    states_by_subject = states(result)
    assert states_by_subject.pop("server") == "warn", "no server runs in this test"
    assert set(states_by_subject.values()) == {"ok"}
    assert SECRET not in result.out


def test_a_missing_secret_is_one_warning_with_a_fix(ready: Showup) -> None:
    """U02: no other line says that the account receives webhooks, or that a ping at Cal.com would help."""
    result = ready("doctor")
    assert result.code == 0
    (line,) = [one for one in result.out.splitlines() if "webhook" in one]
    assert line.startswith("warn  webhooks:default: no webhook secret, so Showup refuses its webhooks")
    assert "rotate-secret default" in line


def test_u02_an_unused_default_account_is_no_warning(ready: Showup) -> None:
    ready("accounts", "add", "acme")
    assert states(ready("doctor", "--json"))["webhooks:default"] == "ok"
    assert "no API key" in ready("connections", "test", "calcom", "acme").out


def test_credentials_that_cannot_be_decrypted_are_a_failure(ready: Showup) -> None:
    ready("accounts", "add", "acme")
    result = ready("doctor", "--json", SHOWUP_SECRET_KEY="another " * 8)
    assert result.code == 1
    assert states(result)["connection calcom acme"] == "fail"


def test_an_older_database_is_a_failure(ready: Showup, database_url: str) -> None:
    asyncio.run(execute(database_url, "UPDATE alembic_version SET version_num = '0000'"))
    result = ready("doctor", "--json")
    assert (result.code, states(result)["migrations"]) == (1, "fail")


def test_an_unreachable_database_is_a_failure(showup: Showup) -> None:
    result = showup("doctor", "--json", DATABASE_URL="postgresql://me:hidden@127.0.0.1:1/d")
    assert (result.code, states(result)["database"]) == (1, "fail")
    assert "hidden" not in result.out


def test_invalid_settings_are_failures(showup: Showup) -> None:
    result = showup("doctor", "--json", SHOWUP_URL="not an address", LOG_LEVEL="LOUD")
    assert result.code == 1
    assert [row["subject"] for row in result.json] == ["settings", "settings"]


def test_failed_events_are_reported(ready: Showup, database_url: str) -> None:
    event = (
        "INSERT INTO inbox_events (id, account_id, received_at, digest, body, state)"
        " SELECT gen_random_uuid(), id, now() - interval '1 hour', '\\x01', '\\x', 'failed' FROM connections"
    )
    asyncio.run(execute(database_url, event))
    result = ready("doctor", "--json")
    assert (result.code, states(result)["inbox events"]) == (0, "warn")


def test_s12_a_short_secret_that_is_already_stored_is_a_warning(ready: Showup, database_url: str) -> None:
    """New ones are refused, but an earlier version accepted them."""
    assert ready("accounts", "add", "acme").code == 0
    assert ready("accounts", "add", "fine").code == 0
    sealed = Seal([SECRET_KEY]).encrypt(msgspec.json.encode(Credentials(webhook_secrets=(WebhookSecret("guessable"),))))
    hexadecimal = f"decode('{sealed.hex()}', 'hex')"
    asyncio.run(execute(database_url, f"UPDATE connections SET credentials = {hexadecimal} WHERE name = 'acme'"))  # noqa: S608
    result = ready("doctor", "--json", CALCOM_WEBHOOK_SECRET=SECRET)
    short = [row for row in result.json if "rotate-secret acme" in row["message"]]
    assert [(row["subject"], row["state"]) for row in short] == [("account acme", "warn")]
    assert "guessable" not in result.out
    assert "account fine" not in states(result)
