"""A mail as SMTP carries it: text, HTML and an invitation as alternatives, and the calendar file beside them."""

import re
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, unquote
from uuid import UUID

from showup.destinations.email.mail import Mail

_PART = r"[^\s<>@,;:\"()\[\]\\]+"
_PLAIN = rf"(?P<local>{_PART})@(?P<domain>{_PART})"
# Between quotes a name may have whatever it likes.
_NAME = r"\s*\"(?:[^\"\\\r\n]|\\[^\r\n])*\"\s*|[^<>\r\n]*"
_ADDRESS = re.compile(rf"(?:(?P<name>{_NAME})(?P<open><))?{_PLAIN}(?(open)>)")


class BadAddress(ValueError):
    """An address that no mail can go to or come from."""


def message(delivery_id: UUID, mail: Mail, at: datetime) -> EmailMessage:
    """The whole message; its Message-ID comes of the delivery, so a mail sent twice can be known by it.

    Raises ValueError for what no header can say, BadAddress among it.
    """
    sender = _address(mail.sender)
    made = EmailMessage(policy=SMTP)
    made["From"] = sender
    made["To"] = _address(mail.to)
    if mail.reply_to:
        made["Reply-To"] = _address(mail.reply_to)
    made["Subject"] = mail.subject
    made["Date"] = format_datetime(at)
    made["Message-ID"] = f"<{delivery_id}@{sender.domain}>"
    for name, value in mail.headers.items():
        made[name] = value
    made.set_content(mail.text)
    made.add_alternative(mail.html, subtype="html")
    if mail.calendar:
        _invite(made, mail.calendar, mail.calendar_method)
    return made


def _invite(made: EmailMessage, calendar: str, method: str | None) -> None:
    """Twice, because some clients act on the one and some on the other; the method must be the file's own."""
    if method:
        made.add_alternative(calendar, subtype="calendar", params={"method": method}, cte="base64")
    made.add_attachment(calendar.encode(), maintype="application", subtype="ics", filename="invite.ics")


def _address(text: str) -> Address:
    """With an ASCII domain wherever there is one, so that only a name before the @ can ask more of a server."""
    # The standard library reads around what it can't understand, and would write to somebody else.
    found = _ADDRESS.fullmatch(text.strip())
    if not found:
        raise BadAddress(f"{text!r} is not an email address")
    name, local, domain = found["name"] or "", found["local"], found["domain"]
    try:
        ascii_domain = domain.encode("idna").decode()
    except UnicodeError as error:
        raise BadAddress(f"{text!r} has a domain that can't be: {error}") from error
    return Address(unquote(name.strip()), local, ascii_domain)
