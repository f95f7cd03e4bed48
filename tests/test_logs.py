"""Log lines have one style, times in UTC, and no secrets."""

import json
import logging
import re
from collections.abc import Iterator
from uuid import uuid4

import msgspec
import pytest
import structlog

from showup.logs import HIDDEN, configure, log_events


@pytest.fixture(autouse=True)
def restore_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    logging.captureWarnings(capture=False)
    root.handlers[:], root.level = handlers, level


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_our_lines_and_library_lines_have_one_format(capsys: pytest.CaptureFixture[str]) -> None:
    configure("INFO", "json")
    structlog.get_logger("showup.inbox").info("stored", trigger="BOOKING_CREATED")
    logging.getLogger("uvicorn.error").warning("%s is slow", "db", extra={"calcom_api_key": "hunter2"})
    ours, theirs = lines(capsys)
    assert (ours["event"], ours["level"], ours["trigger"]) == ("stored", "info", "BOOKING_CREATED")
    assert (theirs["event"], theirs["logger"]) == ("db is slow", "uvicorn.error")
    assert theirs["calcom_api_key"] == HIDDEN
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", str(line["at"])) for line in (ours, theirs))


@pytest.mark.parametrize(
    "key",
    [
        "secret",
        "webhook_secrets",
        "password",
        "access_token",
        "Authorization",
        "Set-Cookie",
        "X-Cal-Signature-256",
        "SHOWUP_ADMIN_KEY",
        "calcom_webhook_secret_previous",
        "database_url",
    ],
)
@pytest.mark.parametrize("style", ["json", "console"])
def test_a_secret_is_hidden_at_any_depth(key: str, style: str, capsys: pytest.CaptureFixture[str]) -> None:
    configure("INFO", "json" if style == "json" else "console")
    structlog.get_logger().info("seen", **{key: "hunter2"}, headers=[{"inner": {key: "hunter2"}}])
    output = capsys.readouterr().err
    assert "hunter2" not in output
    assert output.count(HIDDEN) == 2


@pytest.mark.parametrize("key", ["idempotency_key", "token_count", "signature_valid", "secretary"])
def test_a_key_that_only_resembles_a_secret_is_not_hidden(key: str, capsys: pytest.CaptureFixture[str]) -> None:
    configure("INFO", "json")
    structlog.get_logger().info("seen", **{key: "plain"})
    assert lines(capsys)[0][key] == "plain"


@pytest.mark.parametrize("style", ["json", "console"])
def test_an_exception_is_shown_without_its_local_variables(style: str, capsys: pytest.CaptureFixture[str]) -> None:
    configure("INFO", "json" if style == "json" else "console")
    secret = "hunter" + str(len("ab"))
    try:
        raise ValueError(len(secret))
    except ValueError:
        structlog.get_logger().exception("failed")
    output = capsys.readouterr().err
    assert "ValueError: 7" in output
    assert "hunter2" not in output


def test_lines_below_the_level_are_not_logged(capsys: pytest.CaptureFixture[str]) -> None:
    configure("WARNING", "json")
    structlog.get_logger().info("quiet")
    structlog.get_logger().warning("loud")
    assert [line["event"] for line in lines(capsys)] == ["loud"]


CREDENTIALS = [
    "postgres://ann:hunter2secret@db/showup is unreachable",
    "called with Authorization: Bearer hunter2secret",
    "the key showup_hunter2secret is unknown",
    "smtp://ann:hunter2secret@mail.example.com refused",
]


class Connection(msgspec.Struct):
    """A value whose representation would show a secret."""

    name: str
    password: str


NESTED = {
    "a struct": Connection("main", "hunter2secret"),
    "a list of headers": [("authorization", "hunter2secret"), (b"Cookie", b"hunter2secret")],
    "bytes as keys": {b"authorization": b"hunter2secret"},
    "a set of texts": {CREDENTIALS[0]},
    "an exception": ValueError(CREDENTIALS[1]),
    "deeper": [{"connections": (Connection("main", "hunter2secret"),)}],
}


@pytest.mark.parametrize("style", ["json", "console"])
@pytest.mark.parametrize("value", [*CREDENTIALS, *NESTED.values()], ids=[*CREDENTIALS, *NESTED])
def test_s13_a_credential_is_hidden_within_a_text_and_in_nested_values(
    value: object, style: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configure("INFO", "json" if style == "json" else "console")
    structlog.get_logger().info("seen", value=value)
    output = capsys.readouterr().err
    assert "hunter2" not in output
    assert HIDDEN in output


@pytest.mark.parametrize("style", ["json", "console"])
def test_s13_an_exception_is_shown_without_the_credential_in_its_text(
    style: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configure("INFO", "json" if style == "json" else "console")
    try:
        raise ValueError(CREDENTIALS[0])
    except ValueError:
        structlog.get_logger().exception("failed")
    output = capsys.readouterr().err
    assert ("hunter2" in output, "ann:" in output) == (False, True)
    assert "Traceback" in output


@pytest.mark.parametrize("count", [1, 2, 100, 101, 500])
def test_m13_a_batch_names_each_of_its_events_in_lines_of_bounded_length(
    count: int, capsys: pytest.CaptureFixture[str]
) -> None:
    configure("INFO", "json")
    ids = [uuid4() for _ in range(count)]
    log_events(structlog.get_logger(), "events processed", ids, state="applied")
    found = lines(capsys)
    named = [name for line in found for name in line.get("event_ids", [line.get("event_id")])]  # type: ignore[attr-defined]  # JSON
    assert named == [str(event_id) for event_id in ids]
    assert max(len(json.dumps(line)) for line in found) < 5_000
    assert {line["state"] for line in found} == {"applied"}
