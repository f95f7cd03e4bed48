"""Builds the MIME message for SMTP.

Text, HTML and an invitation are alternatives; the calendar file is an attachment.
"""

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
# Inside quotes, a name may contain any character.
_NAME = r"\s*\"(?:[^\"\\\r\n]|\\[^\r\n])*\"\s*|[^<>\r\n]*"
_ADDRESS = re.compile(rf"(?:(?P<name>{_NAME})(?P<open><))?{_PLAIN}(?(open)>)")


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
    return message


def _invite(message: EmailMessage, calendar: str, method: str | None) -> None:
    """Adds the calendar twice, because some clients read one and some the other; the method must match the file's."""
    if method:
        message.add_alternative(calendar, subtype="calendar", params={"method": method}, cte="base64")
    message.add_attachment(calendar.encode(), maintype="application", subtype="ics", filename="invite.ics")


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
