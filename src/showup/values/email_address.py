"""Email addresses in lower case. An address identifies a person, so the same address has one form everywhere."""

import re
import unicodedata
from typing import Annotated, Final

from msgspec import Meta
from pydantic import AfterValidator, Field, WithJsonSchema

from showup.values.domain_name import LABEL_PATTERN, display_domain, normalize_domain
from showup.values.invalid_value import InvalidValue

MAX_LENGTH: Final = 320
# Characters that separate or wrap addresses in a mail header, and spaces: an address with one of them would be misread.
_MAILBOX: Final = re.compile(rf"[^\s@<>()\[\],;:\\\"\x00-\x1f\x7f]{{1,64}}@{LABEL_PATTERN}(?:\.{LABEL_PATTERN})*")

_GMAIL: Final = frozenset(("gmail.com", "googlemail.com"))


def normalize_email(value: object) -> str:
    """Return the address as it is stored, compared and sent to; empty for any value that is not text.

    It is in lower case, its domain in ASCII (`normalize_domain`).
    """
    if not isinstance(value, str):
        return ""
    local, at, domain = value.strip().rpartition("@")
    return f"{unicodedata.normalize('NFC', local.lower())}{at}{normalize_domain(domain)}"


def display_email(email: str) -> str:
    """Return the address as people write it, its domain in letters."""
    local, at, domain = email.rpartition("@")
    return f"{local}{at}{display_domain(domain)}"


def email_spellings(email: str) -> tuple[str, ...]:
    """Return the address as it is stored, and as people write it if that differs.

    Another system may have either, and finds only the one that it is asked for.
    """
    stored = normalize_email(email)
    return tuple(dict.fromkeys((stored, display_email(stored))))


def parse_email(text: str) -> str:
    """Return the address in its one form. Raises InvalidValue."""
    email = normalize_email(text)
    if not is_email(email):
        raise InvalidValue("an email address such as ann@example.com")
    return email


def is_email(text: str) -> bool:
    """Return whether the text is an email address at a domain, such as `ann@example.com`."""
    return is_mailbox(text) and "." in email_domain(text)


def is_mailbox(text: str) -> bool:
    """Return whether the text can be used as an address in a mail header; `ann@localhost` can."""
    return len(text) <= MAX_LENGTH and _MAILBOX.fullmatch(normalize_email(text)) is not None


def match_key(email: str) -> str:
    """Return what addresses of one mailbox have in common, given a normalized address.

    A tag after + is dropped. For Gmail, dots are dropped too, and googlemail.com is gmail.com. Only for comparison:
    mail goes to the address as given.
    """
    local, _, domain = email.rpartition("@")
    untagged = local.partition("+")[0] or local
    if domain in _GMAIL:
        return f"{untagged.replace('.', '') or untagged}@gmail.com"
    return f"{untagged}@{domain}"


def email_domain(email: str | None) -> str:
    """Return the part after the @ in its one spelling; empty for no address."""
    return normalize_email(email).rpartition("@")[2]


EmailAddress = Annotated[
    str,
    Meta(max_length=MAX_LENGTH),
    Field(max_length=MAX_LENGTH),
    AfterValidator(parse_email),
    WithJsonSchema({"type": "string", "format": "email"}),
]
