"""S06: a mail server that a user chose can't be an address of this machine or its network, whatever its name says."""

import socket
from collections.abc import Sequence
from pathlib import Path

import pytest

from showup.destinations.contract import Delivered, TryAgain
from showup.destinations.email.settings import SmtpServer
from showup.destinations.email.smtp import Smtp
from showup.destinations.public_addresses import AddressPolicy, Lookup
from tests.destinations.email.sample_mail import DELIVERY, MAIL, now
from tests.destinations.fake_vendors import certificate
from tests.destinations.fake_vendors.smtp import FakeSmtp


def leads_to(*addresses: str) -> Lookup:
    async def lookup(_host: str, _port: int) -> Sequence[str]:
        return addresses

    return lookup


def smtp(port: int, lookup: Lookup, host: str = certificate.HOST_NAME, scheme: str = "smtp") -> Smtp:
    return Smtp(SmtpServer.from_url(f"{scheme}://{host}:{port}"), clock=now, lookup=lookup, timeout=2.0)


@pytest.fixture
def listener() -> "socket.socket":
    """A port of this machine that accepts connections, and shows whether one came."""
    server = socket.create_server(("127.0.0.1", 0))
    server.setblocking(False)
    return server


async def assert_refused(mail_server: Smtp, listener: socket.socket) -> None:
    outcome = await mail_server.send(DELIVERY, MAIL)
    assert isinstance(outcome, TryAgain)
    assert outcome.fault == "destination"
    assert "127.0.0.1, which is not a public address" in outcome.because
    assert "SHOWUP_ALLOW_PRIVATE_ADDRESSES" in outcome.because
    with listener, pytest.raises(BlockingIOError):
        listener.accept()


async def test_s06_a_name_of_this_machine_gets_no_connection(listener: socket.socket) -> None:
    policy = AddressPolicy(lookup=leads_to("127.0.0.1"))
    await assert_refused(smtp(listener.getsockname()[1], policy.resolve), listener)


async def test_s06_a_name_that_resolved_to_a_public_address_before_gets_no_connection(listener: socket.socket) -> None:
    """DNS rebinding: public when the connection is set, loopback when the mail is sent."""
    answers = [["1.1.1.1"], ["127.0.0.1"]]

    async def lookup(_host: str, _port: int) -> Sequence[str]:
        return answers.pop(0)

    policy = AddressPolicy(lookup=lookup)
    assert await policy.refusal_reason(f"https://{certificate.HOST_NAME}") is None
    await assert_refused(smtp(listener.getsockname()[1], policy.resolve), listener)
    assert answers == []


async def test_s06_one_private_address_among_public_ones_is_enough(listener: socket.socket) -> None:
    policy = AddressPolicy(lookup=leads_to("1.1.1.1", "127.0.0.1"))
    await assert_refused(smtp(listener.getsockname()[1], policy.resolve), listener)


async def test_s06_the_connection_uses_the_resolved_address(fake_smtp: FakeSmtp) -> None:
    """The name exists in no DNS, so only the lookup's address can have been used: its second, as the first refuses."""
    outcome = await smtp(fake_smtp.port, leads_to("::1", "127.0.0.1")).send(DELIVERY, MAIL)
    assert isinstance(outcome, Delivered), outcome
    assert len(fake_smtp.taken) == 1


@pytest.mark.parametrize(("scheme", "tls"), [("smtp", False), ("smtps", True)])
async def test_s06_the_certificate_must_have_the_name_and_not_the_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str, *, tls: bool
) -> None:
    files = certificate.make(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(files[0]))
    lookup = leads_to("127.0.0.1")
    with FakeSmtp(certificate=files, tls=tls) as fake:
        outcome = await smtp(fake.port, lookup, scheme=scheme).send(DELIVERY, MAIL)
        assert isinstance(outcome, Delivered), outcome
        other = await smtp(fake.port, lookup, host="mail.other.example", scheme=scheme).send(DELIVERY, MAIL)
    assert isinstance(other, TryAgain)
    assert "certificate" in other.because.lower()
    assert len(fake.taken) == 1


async def test_s06_private_addresses_pass_where_they_are_allowed(fake_smtp: FakeSmtp) -> None:
    policy = AddressPolicy(allow_private=True, lookup=leads_to("127.0.0.1"))
    assert isinstance(await smtp(fake_smtp.port, policy.resolve).send(DELIVERY, MAIL), Delivered)
