"""U12: `showup email test` really sends a mail, and reports the sender and the provider's answer."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Showup
from tests.destinations.fake_vendors.resend import FakeResend
from tests.destinations.fake_vendors.smtp import FakeSmtp

SENDERS = """
[[senders]]
host = "book.example.com"
from = "page@example.com"
[[senders]]
domain = "example.org"
from = "ann@example.org"
[[senders]]
from = "team@example.com"
"""


@pytest.fixture
def with_senders(ready: Showup, tmp_path: Path) -> Showup:
    (tmp_path / "showup.toml").write_text(SENDERS)
    return ready


@pytest.fixture
def resend() -> Iterator[FakeResend]:
    with FakeResend() as fake:
        yield fake


@pytest.mark.parametrize(
    ("options", "sender"),
    [
        ([], "team@example.com"),
        (["--organizer", "eve@example.org"], "ann@example.org"),
        (["--page", "https://book.example.com/ann"], "page@example.com"),
        (["--organizer", "eve@else.example"], "team@example.com"),
    ],
)
def test_u12_a_test_mail_is_sent_by_smtp_from_the_sender_of_such_a_meeting(
    with_senders: Showup, options: list[str], sender: str
) -> None:
    with FakeSmtp() as smtp:
        result = with_senders("email", "test", "you@example.net", *options, SMTP_URL=smtp.url)
    assert (result.code, result.error) == (0, "")
    (mail,) = smtp.taken
    assert (mail.message["From"], mail.message["To"]) == (sender, "you@example.net")
    assert f"Sender  {sender} (" in result.out
    assert str(mail.message["Message-ID"]) in result.out


def test_u12_a_test_mail_is_sent_by_resend(with_senders: Showup, resend: FakeResend) -> None:
    variables = {"RESEND_API_KEY": resend.key, "RESEND_API_URL": resend.url}
    result = with_senders("email", "test", "you@example.net", "--json", **variables)
    (mail,) = resend.sent
    assert mail.asked["from"] == "team@example.com"
    assert result.json == {
        "to": "you@example.net",
        "sender": "team@example.com",
        "chosen_by": "for all other meetings",
        "provider": "Resend",
        "reference": mail.id,
        "because": None,
    }


def test_u12_the_provider_s_refusal_is_reported_with_exit_code_1(with_senders: Showup, resend: FakeResend) -> None:
    variables = {"RESEND_API_KEY": "re_wrong", "RESEND_API_URL": resend.url}
    result = with_senders("email", "test", "you@example.net", "--json", **variables)
    assert (result.code, resend.sent) == (1, [])
    assert "API key" in json.loads(result.out)["because"]
    assert "re_wrong" not in result.out + result.error


def test_u12_without_mail_a_sender_or_a_valid_address_nothing_is_sent(ready: Showup) -> None:
    preview = ready("email", "test", "you@example.net")
    assert (preview.code, "RESEND_API_KEY or SMTP_URL" in preview.error) == (1, True)
    with FakeSmtp() as smtp:
        no_sender = ready("email", "test", "you@example.net", SMTP_URL=smtp.url)
        no_address = ready("email", "test", "you", SMTP_URL=smtp.url)
    assert (no_sender.code, "[[senders]]" in no_sender.error) == (1, True)
    assert (no_address.code, "is not an email address" in no_address.error) == (1, True)
    assert smtp.taken == []


def _add_connection(ready: Showup, kind: str, credentials: dict[str, str]) -> None:
    text = json.dumps(credentials)
    allowed = {"SHOWUP_ALLOW_PRIVATE_ADDRESSES": "true"}
    assert ready("connections", "set", kind, "main", "--credentials-file", "-", stdin=text, **allowed).code == 0


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def test_u02_the_test_of_an_smtp_connection_connects_and_logs_in(ready: Showup) -> None:
    allowed = {"SHOWUP_ALLOW_PRIVATE_ADDRESSES": "true"}
    with FakeSmtp(login=("ann", "right")) as smtp:
        for password, code in (("right", 0), ("wrong", 1)):
            url = smtp.url.replace("smtp://", f"smtp://ann:{password}@") + "?starttls=never"
            _add_connection(ready, "smtp", {"url": url})
            result = ready("connections", "test", "smtp", "main", **allowed)
            assert result.code == code, result.error
        assert "rejected the user or password" in result.error
        assert set(smtp.logins) == {("ann", "right"), ("ann", "wrong")}
        assert smtp.taken == []
    _add_connection(ready, "smtp", {"url": f"smtp://127.0.0.1:{_free_port()}"})
    dead = ready("connections", "test", "smtp", "main", "--json", **allowed)
    assert (dead.code, len(dead.json["faults"])) == (1, 1)


@pytest.mark.parametrize("is_restricted", [True, False])
def test_u02_a_resend_key_is_asked_and_one_that_may_only_send_is_valid(
    ready: Showup, resend: FakeResend, is_restricted: bool
) -> None:
    if is_restricted:
        resend.faults.queue("restricted")
    _add_connection(ready, "resend", {"api_key": resend.key})
    assert ready("connections", "test", "resend", "main", RESEND_API_URL=resend.url).code == 0
    _add_connection(ready, "resend", {"api_key": "re_wrong"})
    result = ready("connections", "test", "resend", "main", RESEND_API_URL=resend.url)
    assert (result.code, "API key" in result.error) == (1, True)
    assert resend.sent == []
