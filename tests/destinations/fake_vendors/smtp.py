"""An SMTP server on loopback: stores accepted mail, and fails on request. A context manager, in threads."""

import ssl
import warnings
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from tests.vendors.faults import Fault, Faults
from tests.vendors.http_server import HOST

# The command at which each fault occurs, and the reply; none resets the connection. `lost`: the mail is accepted first.
REPLIES = {
    "sender_550": ("MAIL", "550 5.7.1 you may not write from here"),
    "530": ("MAIL", "530 5.7.0 authentication required"),
    "421": ("MAIL", "421 4.3.2 going down"),
    "550": ("RCPT", "550 5.1.1 no such mailbox"),
    "451": ("RCPT", "451 4.7.1 greylisted, come again"),
    "554": ("DATA", "554 5.6.0 looks like spam"),
    "452": ("DATA", "452 4.3.1 disk full"),
    "lost": ("DATA", ""),
    "reset": ("RCPT", ""),
}


@dataclass(frozen=True, slots=True)
class AcceptedMail:
    """A received mail: envelope, message, and whether the connection was encrypted."""

    sender: str
    recipients: list[str]
    message: EmailMessage
    encrypted: bool
    user: str | None
    options: tuple[str, ...]


class _Handler:
    def __init__(self, fake: "FakeSmtp") -> None:
        self._fake = fake

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, _session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        fault = self._fake.faults.draw()
        assert fault is None or fault in REPLIES, f"no such fault: {fault}"
        self._fake.fault = fault
        if reply := self._met("MAIL", server):
            return reply
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802 - as above
        self, server: SMTP, _session: Any, envelope: Any, address: str, _options: list[str]
    ) -> str:
        if reply := self._met("RCPT", server):
            return reply
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:  # noqa: N802 - as above
        if self._fake.fault != "lost" and (reply := self._met("DATA", server)):
            return reply
        message = message_from_bytes(envelope.original_content, policy=policy.default)
        options = tuple(envelope.mail_options)
        user = session.auth_data
        self._fake.taken.append(
            AcceptedMail(envelope.mail_from, envelope.rcpt_tos, message, session.ssl is not None, user, options)
        )
        return self._met("DATA", server) or "250 OK"

    def _met(self, phase: str, server: SMTP) -> str | None:
        where, reply = REPLIES.get(str(self._fake.fault), ("", ""))
        if where != phase:
            return None
        if not reply:
            server.transport.abort()
            return "250 nobody hears this"
        return reply


class FakeSmtp:
    """`login`: the required user and password. `certificate`: offers STARTTLS, or uses TLS from the start (`tls`).

    `taken` has the accepted mails, in order. The kinds of its `faults`, one for each mail, are the keys of `REPLIES`.
    """

    def __init__(
        self,
        *,
        login: tuple[str, str] | None = None,
        certificate: tuple[Path, Path] | None = None,
        tls: bool = False,
        utf8: bool = True,
    ) -> None:
        self.faults = Faults()
        self.fault: Fault | None = None
        self.taken: list[AcceptedMail] = []
        self.logins: list[tuple[str, str]] = []
        self._login = login
        context = _context(*certificate) if certificate else None
        self._controller = _Controller(
            _Handler(self),
            hostname=HOST,
            port=0,
            ssl_context=context if tls else None,
            tls_context=None if tls else context,
            enable_SMTPUTF8=utf8,
            authenticator=self._authenticate,
            auth_required=login is not None,
            auth_require_tls=False,
        )

    @property
    def port(self) -> int:
        return self._controller.port

    @property
    def url(self) -> str:
        return f"smtp://{HOST}:{self.port}"

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    def _authenticate(
        self, _server: SMTP, _session: Any, _envelope: Any, _mechanism: str, credentials: Any
    ) -> AuthResult:
        assert isinstance(credentials, LoginPassword)
        login = (credentials.login.decode(), credentials.password.decode())
        self.logins.append(login)
        return AuthResult(success=login == self._login, handled=False, auth_data=login[0])


class _Controller(Controller):
    """Listens on a free port, and returns it."""

    def factory(self) -> SMTP:
        with warnings.catch_warnings():
            # Some tests need a login without TLS.
            warnings.simplefilter("ignore", UserWarning)
            return SMTP(self.handler, **self.SMTP_kwargs)

    def _trigger_server(self) -> None:
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


def _context(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
