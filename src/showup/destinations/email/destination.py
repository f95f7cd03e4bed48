"""Mail as a destination: a renderer writes each mail once, and a transport sends it."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol
from uuid import UUID

import msgspec
from msgspec import Struct

from showup.destinations.contract import (
    MAIL_PREVIEW,
    Attempt,
    CalendarEntry,
    CalendarMethod,
    Content,
    Delivered,
    GaveUp,
    Notification,
    Outcome,
    Pace,
)
from showup.destinations.email.settings import SenderRule


class Mail(Struct, frozen=True, kw_only=True):
    """One mail to one recipient. Addresses are plain or `Name <address>`; `calendar` is an iCalendar text;
    `more_calendars` are those of the other dates of a series. `calendar_entries` is what they put into the recipient's
    calendar.

    `headers` are additional headers, such as List-Unsubscribe.
    """

    sender: str
    to: str
    subject: str
    html: str
    text: str
    reply_to: str | None = None
    calendar: str | None = None
    calendar_method: CalendarMethod | None = None
    more_calendars: tuple[str, ...] = ()
    calendar_entries: tuple[CalendarEntry, ...] = ()
    headers: dict[str, str] = {}


def invite_name(index: int) -> str:
    """Returns the file name of a mail's calendar file, counted from 0."""
    return f"invite-{index + 1}.ics" if index else "invite.ics"


class MailRenderer(Protocol):
    """Renders a notification as a mail."""

    def render(self, notification: Notification) -> Mail:
        """Returns the notification as a mail. Pure. Raises CannotRender."""

    def with_senders(self, senders: Sequence[SenderRule]) -> "MailRenderer":
        """Returns a renderer that tries these senders before its own."""


class MailTransport(Protocol):
    """Sends mail: Resend, an SMTP server, or the mail preview."""

    def pace(self, retry_after: tuple[timedelta, ...]) -> Pace:
        """Returns the default delivery limits; the user sets the delays between attempts."""

    async def send(self, delivery_id: UUID, mail: Mail) -> Outcome:
        """Makes one attempt; the id is the same at each attempt."""

    async def check_health(self) -> list[str]:
        """Asks the provider whether it would accept mail, and returns a sentence for each fault. It sends nothing."""


class EmailDestination:
    """One workspace's mail. Its content is a `Mail` in plain JSON values, so a later attempt sends the same text."""

    def __init__(self, renderer: MailRenderer, transport: MailTransport, *, pace: Pace) -> None:
        self._renderer = renderer
        self._transport = transport
        self._pace = pace

    @property
    def pace(self) -> Pace:
        return self._pace

    def render(self, notification: Notification) -> Content:
        content: Content = msgspec.to_builtins(self._renderer.render(notification))
        return content

    @property
    def transport(self) -> MailTransport:
        return self._transport

    async def send(self, attempt: Attempt) -> Outcome:
        try:
            mail = msgspec.convert(attempt.content, Mail)
        except msgspec.ValidationError as error:
            return GaveUp(because=f"the stored mail is invalid: {error}")
        return await self._transport.send(attempt.delivery_id, mail)


class MailPreview:
    """Accepts every mail and sends none: for a first run without a mail account, and for simulated data."""

    def pace(self, retry_after: tuple[timedelta, ...]) -> Pace:
        return Pace(rate_per_second=10_000, at_once=50, timeout=timedelta(seconds=20), retry_after=retry_after)

    async def send(self, delivery_id: UUID, mail: Mail) -> Delivered:  # noqa: ARG002 - MailTransport
        return Delivered(provider=MAIL_PREVIEW)

    async def check_health(self) -> list[str]:
        return []
