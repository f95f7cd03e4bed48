"""Renders a notification as a mail: addresses, templates, headers and the calendar file."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from email.headerregistry import Address
from typing import Protocol

from showup.destinations.contract import CannotRender, Meeting, Notification
from showup.destinations.email.calendar import calendar_of, method_of
from showup.destinations.email.destination import Mail
from showup.destinations.email.settings import SenderRule, sender_for
from showup.destinations.email.variables import MailVariables, mail_variables
from showup.destinations.lines import one_line, truncate
from showup.values.email_address import is_mailbox

_LONGEST_SUBJECT = 200
_LONGEST_NAME = 80


class MailTemplates(Protocol):
    """Renders a template of a mail: the name of its file, the slugs that select it, and its variables."""

    def text(self, name: str, workspace: str, event_type: str | None, variables: Mapping[str, object]) -> str:
        """Returns the text. Raises CannotRender."""

    def html(self, name: str, workspace: str, event_type: str | None, variables: Mapping[str, object]) -> str:
        """Returns HTML with inlined styles. Raises CannotRender."""


class TemplateMailRenderer:
    """Renders mails; the same notification gives the same mail, except for the calendar's timestamp from `clock`.

    `fallback` is the sender where no row of `senders` matches; without it, such a mail can't be rendered. `calendar`:
    whether mails carry an .ics.
    """

    def __init__(
        self,
        *,
        templates: MailTemplates,
        senders: Sequence[SenderRule],
        clock: Callable[[], datetime],
        calendar: bool = True,
        fallback: str | None = None,
    ) -> None:
        self._templates = templates
        self._senders = tuple(senders)
        self._clock = clock
        self._calendar = calendar
        self._fallback = fallback

    def render(self, notification: Notification) -> Mail:
        """Returns the mail to the notification's guest. Raises CannotRender."""
        meeting, variables = notification.require_meeting(), mail_variables(notification)
        values = variables.as_dict()
        lookup = (notification.workspace, meeting.event_type, values)
        method = method_of(notification.kind, meeting) if self._calendar else None
        return Mail(
            sender=format_address(self._sender(meeting), meeting.organizer_name),
            to=format_address(meeting.guest.email, meeting.guest.name),
            subject=truncate(
                one_line(self._templates.text(f"{notification.kind}.subject.txt", *lookup)), _LONGEST_SUBJECT
            ),
            html=self._templates.html(f"{notification.kind}.html", *lookup),
            text=self._templates.text(f"{notification.kind}.txt", *lookup).strip() + "\n",
            reply_to=_reply_to(meeting),
            calendar=None if method is None else calendar_of(meeting, variables, method, self._clock()),
            calendar_method=method,
            headers=_headers(variables),
        )

    def _sender(self, meeting: Meeting) -> str:
        sender = sender_for(meeting, self._senders) or self._fallback
        if sender is None:
            raise CannotRender(
                f"No sender matches the booking page {meeting.booker_url or '-'} and the organizer "
                f"{meeting.organizer_email or '-'}: add a row to [[senders]] in showup.toml, "
                "or a last row with only `from`."
            )
        return sender


def _reply_to(meeting: Meeting) -> str | None:
    email = meeting.organizer_email or ""
    return format_address(email, meeting.organizer_name) if is_mailbox(email) else None


def _headers(variables: MailVariables) -> dict[str, str]:
    if variables.unsubscribe_url is None:
        return {}
    # RFC 8058: mail programs show their own unsubscribe button and send the request without opening the page.
    return {
        "List-Unsubscribe": f"<{variables.unsubscribe_url}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def format_address(email: str, name: str | None) -> str:
    """Returns `Name <address>`, quoted where needed, or the plain address.

    Raises CannotRender if the address is invalid.
    """
    if not is_mailbox(email):
        raise CannotRender(f"{email!r} is not an email address.")
    shown = truncate(one_line(name or ""), _LONGEST_NAME)
    user, _, domain = email.rpartition("@")
    return str(Address(shown, user, domain)) if shown else email
