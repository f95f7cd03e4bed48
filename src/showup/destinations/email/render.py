"""Renders a notification as a mail: addresses, text, calendar."""

from collections.abc import Callable, Sequence
from datetime import datetime

from showup.destinations.contract import CannotRender, Meeting, Notification
from showup.destinations.email.addresses import format_address
from showup.destinations.email.calendar import calendar_of, method_of
from showup.destinations.email.mail import Mail
from showup.destinations.email.senders import SenderRule, sender_for
from showup.destinations.email.templates import Templates
from showup.destinations.email.variables import MailVariables, mail_variables
from showup.destinations.lines import one_line, truncate
from showup.values.email_address import is_mailbox

_LONGEST_SUBJECT = 200


class TemplateMailRenderer:
    """Renders mails; the same notification gives the same mail, except for the calendar's timestamp from `clock`.

    `fallback` is the sender where no row of `senders` matches; without it, such a mail can't be rendered. `calendar`:
    whether mails carry an .ics.
    """

    def __init__(
        self,
        *,
        templates: Templates,
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
