"""Addresses of web pages that a person enters; empty for none."""

from typing import Annotated, Final
from urllib.parse import urlsplit

from msgspec import Meta
from pydantic import AfterValidator, StringConstraints

from showup.values.invalid_value import InvalidValue

_MAX_LENGTH: Final = 2_000
_PATTERN: Final = r"^[^\s\x00]*$"


def check_web_page(text: str) -> str:
    """Return the text if it is a web address or empty. Raises InvalidValue."""
    try:
        parts = urlsplit(text)
        is_valid = not text or (parts.scheme in ("http", "https") and bool(parts.hostname))
    except ValueError:
        is_valid = False
    if not is_valid:
        raise InvalidValue("a web address such as https://cal.com/ann, or empty")
    return text


def check_secure_address(text: str) -> str:
    """Return the text if it is an https address. Raises InvalidValue."""
    if not text.startswith("https://") or check_web_page(text) != text:
        raise InvalidValue("an https address such as https://example.com/logo.png")
    return text


SecureAddress = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=_MAX_LENGTH, pattern=_PATTERN),
    AfterValidator(check_secure_address),
]
WebPage = Annotated[
    str,
    Meta(max_length=_MAX_LENGTH),
    StringConstraints(strip_whitespace=True, max_length=_MAX_LENGTH, pattern=_PATTERN),
    AfterValidator(check_web_page),
]
