"""Formats addresses for mail headers so that no name or address can add a header or a recipient."""

from email.headerregistry import Address

from showup.destinations.contract import CannotRender
from showup.destinations.lines import one_line, truncate
from showup.values.email_address import is_mailbox

_LONGEST_NAME = 80


def format_address(email: str, name: str | None) -> str:
    """Returns `Name <address>`, quoted where needed, or the plain address.

    Raises CannotRender if the address is invalid.
    """
    if not is_mailbox(email):
        raise CannotRender(f"{email!r} is not an email address.")
    shown = truncate(one_line(name or ""), _LONGEST_NAME)
    user, _, domain = email.rpartition("@")
    return str(Address(shown, user, domain)) if shown else email
