"""Mail by an SMTP server: at least once. A server that takes a mail and dies before it says so gets it again.

The second has the same Message-ID, by which most mailboxes show only one of them.
"""

from contextlib import suppress
from datetime import timedelta
from email.message import EmailMessage
from uuid import UUID

import aiosmtplib

from showup.clock import Clock
from showup.destinations.contract import Delivered, GaveUp, Outcome, Pace, TryAgain
from showup.destinations.email.mail import Mail
from showup.destinations.email.mime import message
from showup.destinations.email.smtp_url import SmtpServer
from showup.destinations.wire import plain

_FAREWELL = 1.0
# 421: it is going down. 530 and 535: it does not know who we are. None of that is about one mail.
_ABOUT_US = frozenset({421, 530, 535})


class Smtp:
    """One SMTP server. Each mail has a connection of its own: one that went stale in between can't fail a mail.

    `patience`: seconds that a step of the talk with it may take.
    """

    def __init__(self, server: SmtpServer, *, clock: Clock, patience: float = 8.0) -> None:
        self._server = server
        self._clock = clock
        self._patience = patience
        # The name to say hello with: asked of the resolver, which may take its time, once.
        self._own_name: str | None = None

    def pace(self, retry_after: tuple[timedelta, ...]) -> Pace:
        return Pace(rate_per_second=10, at_once=4, timeout=timedelta(seconds=20), retry_after=retry_after)

    async def send(self, delivery_id: UUID, mail: Mail) -> Outcome:
        try:
            made = message(delivery_id, mail, self._clock())
        except ValueError as error:
            return GaveUp(because=f"this can't be written as a mail: {plain(str(error), 'a header is wrong')}")
        connection = self._connection()
        try:
            await connection.connect()
            self._own_name = connection.local_hostname
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            return self._closed_to_us(error)
        try:
            return await self._handed_over(connection, made)
        finally:
            connection.close()

    def _connection(self) -> aiosmtplib.SMTP:
        server = self._server
        return aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.user,
            password=server.password,
            use_tls=server.tls,
            start_tls=server.starttls,
            timeout=self._patience,
            local_hostname=self._own_name,
        )

    async def _handed_over(self, connection: aiosmtplib.SMTP, made: EmailMessage) -> Outcome:
        try:
            await connection.send_message(made)
        except aiosmtplib.SMTPNotSupported:
            return GaveUp(because=f"{made['To']} has letters before the @ that {self._server!r} can't write to")
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            return self._refused(error)
        # It has the mail, whatever becomes of the connection now.
        with suppress(aiosmtplib.SMTPException, OSError):
            await connection.quit(timeout=_FAREWELL)
        return Delivered(provider="smtp", reference=str(made["Message-ID"]))

    def _closed_to_us(self, error: Exception) -> TryAgain:
        """Before the mail was spoken of: whatever failed would have failed all others."""
        if isinstance(error, aiosmtplib.SMTPAuthenticationError):
            because = f"{self._server!r} refuses our user and password: {_words(error)}. Put SMTP_URL right"
        else:
            because = f"{self._server!r} takes no mail from us: {_words(error)}"
        return TryAgain(because=because, fault="destination")

    def _refused(self, error: Exception) -> Outcome:
        """A broken connection counts against this mail alone: another one finds out whether the server is gone."""
        code, words = _code(error), _words(error)
        if code in _ABOUT_US:
            return TryAgain(because=f"{self._server!r} takes no mail from us: {words}", fault="destination")
        if isinstance(error, ValueError) or (code is not None and code >= 500):
            return GaveUp(because=f"{self._server!r} refuses this mail: {words}")
        if code is None:
            return TryAgain(because=f"{self._server!r} did not say whether it took this mail: {words}")
        return TryAgain(because=f"{self._server!r} does not take this mail now: {words}")


def _code(error: Exception) -> int | None:
    match error:
        case aiosmtplib.SMTPRecipientsRefused(recipients=[first, *_]):
            return int(first.code)
        case aiosmtplib.SMTPResponseException(code=code) if code > 0:
            return int(code)
        case _:
            return None


def _words(error: Exception) -> str:
    match error:
        case aiosmtplib.SMTPRecipientsRefused(recipients=[first, *_]):
            return _words(first)
        case aiosmtplib.SMTPResponseException(code=code, message=said):
            return plain(f"{code} {said}", "no word")
        case _:
            return plain(str(error), type(error).__name__)
