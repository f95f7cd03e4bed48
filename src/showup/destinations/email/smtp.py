"""Sends mail through an SMTP server, at least once: the MIME message, and the outcome of each reply.

If the server accepts a mail and stops before it confirms, Showup sends the mail again. The second has the same
Message-ID, so most mailboxes show only one of them.
"""

import asyncio
import re
import socket
from contextlib import suppress
from datetime import datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, unquote
from uuid import UUID

import aiosmtplib

from showup.clock import Clock
from showup.destinations.contract import Delivered, GaveUp, Outcome, Pace, TryAgain
from showup.destinations.email.destination import Mail, invite_name
from showup.destinations.email.settings import SmtpServer
from showup.destinations.public_addresses import Lookup, resolve_host
from showup.destinations.resolved_socket import connect
from showup.destinations.vendor_api import short_message

_QUIT_TIMEOUT = 1.0
# 421: the server shuts down. 530 and 535: authentication failed. None of them is about one mail.
_CONNECTION_CODES = frozenset({421, 530, 535})
_PART = r"[^\s<>@,;:\"()\[\]\\]+"
_PLAIN = rf"(?P<local>{_PART})@(?P<domain>{_PART})"
# Inside quotes, a name may contain any character.
_NAME = r"\s*\"(?:[^\"\\\r\n]|\\[^\r\n])*\"\s*|[^<>\r\n]*"
_ADDRESS = re.compile(rf"(?:(?P<name>{_NAME})(?P<open><))?{_PLAIN}(?(open)>)")


class Smtp:
    """One SMTP server. Each mail opens its own connection, so a stale connection can't fail a mail.

    `lookup` resolves the host for each connection. For a server that a user chose, it must refuse private addresses.
    """

    def __init__(
        self, server: SmtpServer, *, clock: Clock, timeout: float = 8.0, lookup: Lookup = resolve_host
    ) -> None:
        self._server = server
        self._named = f"the mail server {server!r}"
        self._clock = clock
        self._timeout = timeout
        self._lookup = lookup
        # The host name for EHLO: the resolver may be slow, so it is asked once.
        self._local_hostname: str | None = None

    def __str__(self) -> str:
        return f"SMTP server {self._server!r}"

    def pace(self, retry_after: tuple[timedelta, ...]) -> Pace:
        return Pace(rate_per_second=10, at_once=4, timeout=timedelta(seconds=20), retry_after=retry_after)

    async def send(self, delivery_id: UUID, mail: Mail) -> Outcome:
        try:
            message = build_message(delivery_id, mail, self._clock())
        except ValueError as error:
            return GaveUp(because=f"the mail can't be encoded: {short_message(str(error), 'invalid header')}")
        try:
            connection = await self._connect()
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            return self._connection_failed(error)
        try:
            return await self._submit(connection, message)
        finally:
            connection.close()

    async def check_health(self) -> list[str]:
        """Connects, encrypts and logs in as for a mail, and says goodbye."""
        try:
            connection = await self._connect()
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            return [self._connection_failed(error).because]
        try:
            with suppress(aiosmtplib.SMTPException, OSError):
                await connection.quit(timeout=_QUIT_TIMEOUT)
        finally:
            connection.close()
        return []

    async def _connect(self) -> aiosmtplib.SMTP:
        server = self._server
        opened = await self._open_socket()
        connection = aiosmtplib.SMTP(
            # Over an open socket, the host is only the name that TLS requires in the certificate.
            hostname=server.host,
            sock=opened,
            username=server.user,
            password=server.password,
            use_tls=server.tls,
            start_tls=server.starttls,
            timeout=self._timeout,
            local_hostname=self._local_hostname,
        )
        try:
            await connection.connect()
        except BaseException:
            opened.close()
            raise
        self._local_hostname = connection.local_hostname
        return connection

    async def _open_socket(self) -> socket.socket:
        try:
            async with asyncio.timeout(self._timeout):
                return await connect(self._lookup, self._server.host, self._server.port)
        except TimeoutError:
            raise OSError(f"no connection within {self._timeout:.0f} seconds") from None

    async def _submit(self, connection: aiosmtplib.SMTP, message: EmailMessage) -> Outcome:
        try:
            await connection.send_message(message)
        except aiosmtplib.SMTPNotSupported:
            return GaveUp(
                because=f"{message['To']} has non-ASCII letters before the @, which {self._server!r} does not support"
            )
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            return self._rejected(error)
        # The server has the mail, even if the connection breaks now.
        with suppress(aiosmtplib.SMTPException, OSError):
            await connection.quit(timeout=_QUIT_TIMEOUT)
        return Delivered(provider="smtp", reference=str(message["Message-ID"]))

    def _connection_failed(self, error: Exception) -> TryAgain:
        """Returns the outcome of an error before the mail was sent: every other mail would have failed as well."""
        if isinstance(error, aiosmtplib.SMTPAuthenticationError):
            because = f"{self._named} rejected the user or password: {_error_text(error)}: correct it"
        else:
            because = f"{self._named} accepts no mail from Showup: {_error_text(error)}"
        return TryAgain(because=because, fault="destination")

    def _rejected(self, error: Exception) -> Outcome:
        """Returns the outcome of a broken connection.

        Only this mail fails; the next one shows whether the server is down.
        """
        code, words = _code(error), _error_text(error)
        if code in _CONNECTION_CODES:
            return TryAgain(because=f"{self._named} accepts no mail from Showup: {words}", fault="destination")
        if isinstance(error, ValueError) or (code is not None and code >= 500):
            return GaveUp(because=f"{self._named} rejected this mail: {words}")
        if code is None:
            return TryAgain(because=f"{self._named} did not confirm this mail: {words}")
        return TryAgain(because=f"{self._named} can't accept this mail now: {words}")


def _code(error: Exception) -> int | None:
    match error:
        case aiosmtplib.SMTPRecipientsRefused(recipients=[first, *_]):
            return int(first.code)
        case aiosmtplib.SMTPResponseException(code=code) if code > 0:
            return int(code)
        case _:
            return None


def _error_text(error: Exception) -> str:
    match error:
        case aiosmtplib.SMTPRecipientsRefused(recipients=[first, *_]):
            return _error_text(first)
        case aiosmtplib.SMTPResponseException(code=code, message=text):
            return short_message(f"{code} {text}", "no reply text")
        case socket.gaierror(errno=socket.EAI_NONAME):
            return "its name is not known to DNS"
        case OSError(strerror=str(text)):
            return short_message(text, type(error).__name__)
        case _:
            return short_message(str(error), type(error).__name__)


class BadAddress(ValueError):
    """Raised for an address that cannot send or receive mail."""


def build_message(delivery_id: UUID, mail: Mail, at: datetime) -> EmailMessage:
    """Returns the whole message; its Message-ID is derived from the delivery, so a duplicate can be recognised.

    Raises ValueError, or its subclass BadAddress, for values that no header can hold.
    """
    sender = _address(mail.sender)
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = _address(mail.to)
    if mail.reply_to:
        message["Reply-To"] = _address(mail.reply_to)
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{delivery_id}@{sender.domain}>"
    for name, value in mail.headers.items():
        message[name] = value
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    if mail.calendar:
        _invite(message, mail.calendar, mail.calendar_method)
    for index, calendar in enumerate(mail.more_calendars, start=1):
        _attach(message, calendar, invite_name(index))
    return message


def _invite(message: EmailMessage, calendar: str, method: str | None) -> None:
    """Adds the calendar twice, because some clients read one and some the other; the method must match the file's."""
    if method:
        message.add_alternative(calendar, subtype="calendar", params={"method": method}, cte="base64")
    _attach(message, calendar, invite_name(0))


def _attach(message: EmailMessage, calendar: str, name: str) -> None:
    message.add_attachment(calendar.encode(), maintype="application", subtype="ics", filename=name)


def _address(text: str) -> Address:
    """Encodes the domain as ASCII where possible, so that only the local part can require SMTPUTF8."""
    # The standard library skips parts that it can't parse, and would write to another address.
    found = _ADDRESS.fullmatch(text.strip())
    if not found:
        raise BadAddress(f"{text!r} is not an email address")
    name, local, domain = found["name"] or "", found["local"], found["domain"]
    try:
        ascii_domain = domain.encode("idna").decode()
    except UnicodeError as error:
        raise BadAddress(f"{text!r} has an invalid domain: {error}") from error
    return Address(unquote(name.strip()), local, ascii_domain)
