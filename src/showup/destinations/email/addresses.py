"""Addresses in the headers of a mail, made so that no name or address can add a header or a recipient."""

import re
from email.headerregistry import Address

from showup.destinations.contract import CannotRender
from showup.destinations.lines import cut, one_line

_LONGEST_NAME = 80
# What separates or wraps addresses in a header, and blanks: an address that has one of them would be read as another.
_EMAIL = re.compile(r"[^\s@<>()\[\],;:\\\"\x00-\x1f\x7f]+@[^\s@<>()\[\],;:\\\"\x00-\x1f\x7f]+")


def is_address(email: str) -> bool:
    """Whether it can stand in a header as it is: one `@` with something around it, and nothing that separates."""
    return _EMAIL.fullmatch(email) is not None


def named(email: str, name: str | None) -> str:
    """`Name <address>`, quoted where the name needs it, or the plain address; raises CannotRender for no address."""
    if not is_address(email):
        raise CannotRender(f"{email!r} is not an email address: nothing can be sent there.")
    shown = cut(one_line(name or ""), _LONGEST_NAME)
    user, _, domain = email.rpartition("@")
    return str(Address(shown, user, domain)) if shown else email
