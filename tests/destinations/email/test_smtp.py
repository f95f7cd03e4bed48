"""TE1, TE3: mail over a real SMTP server, parsed as a mail program does (reference: SMTP and calendar)."""

import socket
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest
from icalendar import Calendar
from msgspec.structs import replace

from showup.destinations.contract import Delivered, GaveUp, Outcome, TryAgain
from showup.destinations.email.destination import Mail
from showup.destinations.email.settings import SmtpServer
from showup.destinations.email.smtp import Smtp
from tests.destinations.email.sample_mail import CALENDAR, DELIVERY, MAIL, NOW, now
from tests.destinations.fake_vendors import certificate
from tests.destinations.fake_vendors.smtp import AcceptedMail, FakeSmtp

LOGIN = ("olivia@acme.example", "p:ss/w@rd")
WITH_LOGIN = "smtp://olivia%40acme.example:p%3Ass%2Fw%40rd@127.0.0.1"


async def sent(url: str, mail: Mail = MAIL) -> Outcome:
    return await Smtp(SmtpServer.from_url(url), clock=now).send(DELIVERY, mail)


async def arrived(fake: FakeSmtp, mail: Mail = MAIL) -> AcceptedMail:
    outcome = await sent(fake.url, mail)
    assert isinstance(outcome, Delivered), outcome
    [taken] = fake.taken
    return taken


def leaves(message: EmailMessage) -> list[EmailMessage]:
    return [part for part in message.walk() if not part.is_multipart()]  # type: ignore[misc] # EmailMessage's parts are


async def test_the_envelope_and_the_headers(fake_smtp: FakeSmtp) -> None:
    taken = await arrived(fake_smtp)
    assert (taken.sender, taken.recipients) == ("sales@acme.example", ["juergen@client.example"])
    message = taken.message
    assert message["From"] == MAIL.sender
    assert message["To"].addresses[0].display_name == "Jürgen Groß"
    assert message["Reply-To"] == MAIL.reply_to
    assert message["Subject"] == MAIL.subject
    assert message["Date"].datetime == NOW
    assert message["Message-ID"] == f"<{DELIVERY}@acme.example>"
    assert {name: message[name] for name in MAIL.headers} == MAIL.headers
    assert not message.defects


async def test_the_parts_stand_in_the_order_that_clients_expect(fake_smtp: FakeSmtp) -> None:
    message = (await arrived(fake_smtp)).message
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "text/calendar",
        "application/ics",
    ]
    text, html, invitation, attached = leaves(message)
    assert (text.get_content().strip(), html.get_content().strip()) == (MAIL.text, MAIL.html)
    assert invitation.get_param("method") == "REQUEST"
    assert invitation["Content-Transfer-Encoding"] == "base64"
    assert attached.get_filename() == "invite.ics"


async def test_both_calendars_have_the_meeting_at_its_instants(fake_smtp: FakeSmtp) -> None:
    _, _, invitation, attached = leaves((await arrived(fake_smtp)).message)
    assert attached.get_content() == CALENDAR.encode()
    for content in (invitation.get_payload(decode=True), attached.get_payload(decode=True)):
        assert isinstance(content, bytes)
        calendar = Calendar.from_ical(content)
        [meeting] = calendar.events
        assert calendar["METHOD"] == invitation.get_param("method")
        assert meeting.start == datetime(2026, 3, 4, 15, 0, tzinfo=UTC)
        assert meeting.end == datetime(2026, 3, 4, 15, 30, tzinfo=UTC)
        assert (meeting["UID"], meeting["SEQUENCE"]) == ("abc@Cal.com", 1)
        assert meeting["SUMMARY"] == "Kennenlernen mit Jürgen"


async def test_without_a_calendar_there_are_two_parts(fake_smtp: FakeSmtp) -> None:
    message = (await arrived(fake_smtp, replace(MAIL, calendar=None, calendar_method=None))).message
    assert [part.get_content_type() for part in leaves(message)] == ["text/plain", "text/html"]


async def test_lines_that_begin_with_a_dot_stay_whole(fake_smtp: FakeSmtp) -> None:
    text = ".\n..\nFrom here\n" + "x" * 2000
    body, *_ = leaves((await arrived(fake_smtp, replace(MAIL, text=text))).message)
    assert body.get_content().replace("\r\n", "\n").rstrip("\n") == text


class TestAddresses:
    async def test_a_domain_beyond_ascii_asks_nothing_more_of_a_server(self) -> None:
        with FakeSmtp(utf8=False) as fake:
            taken = await arrived(fake, replace(MAIL, to="Anna <anna@bücher.example>"))
        assert taken.recipients == ["anna@xn--bcher-kva.example"]

    async def test_a_name_before_the_at_beyond_ascii_is_written_as_it_is(self, fake_smtp: FakeSmtp) -> None:
        taken = await arrived(fake_smtp, replace(MAIL, to="Jürgen <jürgen@client.example>"))
        assert taken.recipients == ["jürgen@client.example"]
        assert "SMTPUTF8" in taken.options
        # `email` leaves non-ASCII bytes in a header unchanged.
        assert taken.message["To"].addresses[0].username.encode("ascii", "surrogateescape").decode() == "jürgen"

    async def test_a_server_that_knows_no_such_names_gets_none(self) -> None:
        with FakeSmtp(utf8=False) as fake:
            outcome = await sent(fake.url, replace(MAIL, to="jürgen@client.example"))
        assert isinstance(outcome, GaveUp)
        assert "jürgen@client.example" in outcome.because
        assert fake.taken == []

    async def test_a_name_in_quotes_is_the_name(self, fake_smtp: FakeSmtp) -> None:
        taken = await arrived(fake_smtp, replace(MAIL, to='"Groß, \\"J\\"" <j@client.example>'))
        [to] = taken.message["To"].addresses
        assert (to.display_name, to.addr_spec) == ('Groß, "J"', "j@client.example")

    @pytest.mark.parametrize(
        "to", ["nobody", "", "@client.example", "a b@client.example", "a@x..y", "a@b>\r\nRSET <c@d"]
    )
    async def test_an_invalid_address_fails_permanently(self, fake_smtp: FakeSmtp, to: str) -> None:
        assert isinstance(await sent(fake_smtp.url, replace(MAIL, to=to)), GaveUp)
        assert fake_smtp.taken == []

    @pytest.mark.parametrize(
        "changed", [{"subject": "Hi\r\nBcc: all@x.example"}, {"headers": {"X-A": "1\nBcc: a@b.c"}}]
    )
    async def test_no_header_breaks_its_line(self, fake_smtp: FakeSmtp, changed: dict[str, object]) -> None:
        outcome = await sent(fake_smtp.url, replace(MAIL, **changed))
        assert isinstance(outcome, GaveUp)
        assert fake_smtp.taken == []


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        pytest.param("550", "550 5.1.1 no such mailbox", id="recipient refused"),
        pytest.param("sender_550", "550 5.7.1", id="sender refused"),
        pytest.param("554", "554 5.6.0 looks like spam", id="content refused"),
    ],
)
async def test_a_permanent_refusal_fails_permanently(fake_smtp: FakeSmtp, fault: str, words: str) -> None:
    fake_smtp.faults.queue(fault)
    outcome = await sent(fake_smtp.url)
    assert isinstance(outcome, GaveUp)
    assert words in outcome.because


@pytest.mark.parametrize(
    ("fault", "whose", "words"),
    [
        pytest.param("451", "delivery", "451 4.7.1 greylisted", id="greylisted"),
        pytest.param("452", "delivery", "452 4.3.1 disk full", id="no room for this one"),
        pytest.param("421", "destination", "421 4.3.2 going down", id="going down"),
        pytest.param("530", "destination", "530 5.7.0", id="wants a login"),
        pytest.param("reset", "delivery", "did not confirm", id="broken off before the mail"),
        pytest.param("lost", "delivery", "did not confirm", id="broken off after the mail"),
    ],
)
async def test_what_may_pass_is_tried_again(fake_smtp: FakeSmtp, fault: str, whose: str, words: str) -> None:
    fake_smtp.faults.queue(fault)
    outcome = await sent(fake_smtp.url)
    assert isinstance(outcome, TryAgain)
    assert outcome.fault == whose
    assert words in outcome.because
    assert isinstance(await sent(fake_smtp.url), Delivered)


async def test_a_mail_sent_twice_can_be_known_by_its_message_id(fake_smtp: FakeSmtp) -> None:
    """TE3: at least once. The server accepted the mail and failed before its reply."""
    fake_smtp.faults.queue("lost")
    assert isinstance(await sent(fake_smtp.url), TryAgain)
    assert isinstance(await sent(fake_smtp.url), Delivered)
    first, second = fake_smtp.taken
    assert first.message["Message-ID"] == second.message["Message-ID"]


class TestLogin:
    """A failure before the first mail command is the destination's fault, and says what to correct."""

    async def test_with_user_and_password(self) -> None:
        with FakeSmtp(login=LOGIN) as fake:
            outcome = await sent(f"{WITH_LOGIN}:{fake.port}?starttls=never")
        assert isinstance(outcome, Delivered)
        assert fake.logins == [LOGIN]

    async def test_with_a_wrong_password(self) -> None:
        with FakeSmtp(login=(LOGIN[0], "another")) as fake:
            outcome = await sent(f"{WITH_LOGIN}:{fake.port}?starttls=never")
        assert isinstance(outcome, TryAgain)
        assert outcome.fault == "destination"
        assert "correct it" in outcome.because
        assert LOGIN[1] not in outcome.because

    async def test_a_password_is_not_sent_in_the_clear_unless_configured(self) -> None:
        with FakeSmtp(login=LOGIN) as fake:
            outcome = await sent(f"{WITH_LOGIN}:{fake.port}")
        assert isinstance(outcome, TryAgain)
        assert outcome.fault == "destination"
        assert "STARTTLS" in outcome.because
        assert fake.logins == fake.taken == []

    async def test_a_refused_connection(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        outcome = await sent(f"smtp://127.0.0.1:{port}")
        assert isinstance(outcome, TryAgain)
        assert outcome.fault == "destination"
        assert f"127.0.0.1:{port} accepts no mail" in outcome.because

    async def test_a_silent_server(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as mute:
            server = SmtpServer.from_url(f"smtp://127.0.0.1:{mute.getsockname()[1]}")
            outcome = await Smtp(server, clock=now, timeout=0.2).send(DELIVERY, MAIL)
        assert isinstance(outcome, TryAgain)
        assert outcome.fault == "destination"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return certificate.make(tmp_path_factory.mktemp("certificate"))


class TestEncryption:
    @pytest.fixture
    def _trusted(self, files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
        # As an operator sets their own certificate authority.
        monkeypatch.setenv("SSL_CERT_FILE", str(files[0]))

    @pytest.mark.usefixtures("_trusted")
    @pytest.mark.parametrize("setting", ["", "?starttls=required"])
    async def test_starttls_is_taken_where_it_is_offered(self, files: tuple[Path, Path], setting: str) -> None:
        with FakeSmtp(certificate=files, login=LOGIN) as fake:
            outcome = await sent(f"{WITH_LOGIN}:{fake.port}{setting}")
        assert isinstance(outcome, Delivered), outcome
        assert [one.encrypted for one in fake.taken] == [True]
        assert fake.logins == [LOGIN]

    @pytest.mark.usefixtures("_trusted")
    async def test_starttls_is_not_used_where_it_is_disabled(self, files: tuple[Path, Path]) -> None:
        with FakeSmtp(certificate=files) as fake:
            assert isinstance(await sent(f"{fake.url}?starttls=never"), Delivered)
        assert [one.encrypted for one in fake.taken] == [False]

    async def test_starttls_that_must_be_and_is_not_offered(self, fake_smtp: FakeSmtp) -> None:
        outcome = await sent(f"{fake_smtp.url}?starttls=required")
        assert isinstance(outcome, TryAgain)
        assert outcome.fault == "destination"
        assert fake_smtp.taken == []

    @pytest.mark.usefixtures("_trusted")
    async def test_smtps_is_encrypted_from_the_first_byte(self, files: tuple[Path, Path]) -> None:
        with FakeSmtp(certificate=files, tls=True) as fake:
            assert isinstance(await sent(fake.url.replace("smtp:", "smtps:")), Delivered)
        assert len(fake.taken) == 1

    async def test_an_untrusted_certificate(self, files: tuple[Path, Path]) -> None:
        with FakeSmtp(certificate=files) as fake:
            outcome = await sent(fake.url)
        assert isinstance(outcome, TryAgain)
        assert outcome.fault == "destination"
        assert "certificate" in outcome.because.lower()
        assert fake.taken == []


class TestUrl:
    @pytest.mark.parametrize(
        ("url", "server"),
        [
            ("smtp://mail.example.com", ("mail.example.com", 587, None, None, False, None)),
            ("smtp://mail.example.com:25?starttls=required", ("mail.example.com", 25, None, None, False, True)),
            ("smtp://u:p@mail.example.com", ("mail.example.com", 587, "u", "p", False, True)),
            ("smtp://u:p@[::1]:1025?starttls=never", ("::1", 1025, "u", "p", False, False)),
            ("smtps://u%40x:p%23@mail.example.com", ("mail.example.com", 465, "u@x", "p#", True, False)),
        ],
    )
    def test_what_it_says(self, url: str, server: tuple[object, ...]) -> None:
        host, port, user, password, tls, starttls = server
        parsed = SmtpServer.from_url(url)
        assert (parsed.host, parsed.port, parsed.user, parsed.password) == (host, port, user, password)
        assert (parsed.tls, parsed.starttls) == (tls, starttls)

    @pytest.mark.parametrize(
        "url",
        [
            "http://mail.example.com",
            "smtp://",
            "smtp://mail?starttls=maybe",
            "smtp://mail?tls=1",
            "smtp://mail:port",
            "smtp://mail/x",
        ],
    )
    def test_what_it_can_not_say(self, url: str) -> None:
        with pytest.raises(ValueError, match="SMTP address"):
            SmtpServer.from_url(url)

    @pytest.mark.parametrize("password", ["se/cret", "se#cret", "se?cret", "se[cret", "s@cret:9"])
    def test_a_password_that_breaks_it_is_not_quoted(self, password: str) -> None:
        with pytest.raises(ValueError, match="SMTP address") as fault:
            SmtpServer.from_url(f"smtp://user:{password}@mail:58x")
        assert "cret" not in str(fault.value)
        assert fault.value.__cause__ is None

    def test_its_password_is_shown_nowhere(self) -> None:
        assert "secret" not in f"{SmtpServer.from_url('smtp://u:secret@mail.example.com')!r}"
