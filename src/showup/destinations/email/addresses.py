"""Formats addresses for mail headers so that no name or address can add a header or a recipient."""

import re
from email.headerregistry import Address

from showup.destinations.contract import CannotRender
from showup.destinations.lines import one_line, truncate

_LONGEST_NAME = 80
# Characters that separate or wrap addresses in a header, and spaces: an address with one of them would be misread.
_EMAIL = re.compile(r"[^\s@<>()\[\],;:\\\"\x00-\x1f\x7f]+@[^\s@<>()\[\],;:\\\"\x00-\x1f\x7f]+")


def is_address(email: str) -> bool:
    """Returns whether an address can be used in a header as it is: one `@` with text around it, and no separator."""
    return _EMAIL.fullmatch(email) is not None


def format_address(email: str, name: str | None) -> str:
    """Returns `Name <address>`, quoted where needed, or the plain address.

    Raises CannotRender if the address is invalid.
    """
    if not is_address(email):
        raise CannotRender(f"{email!r} is not an email address.")
    shown = truncate(one_line(name or ""), _LONGEST_NAME)
    user, _, domain = email.rpartition("@")
    return str(Address(shown, user, domain)) if shown else email
