"""Domain names, such as `example.com`, in lower case and without a final dot."""

import re
from typing import Annotated, Final

from msgspec import Meta
from pydantic import AfterValidator, Field

from showup.values.invalid_value import InvalidValue

_MAX_LENGTH: Final = 253
# Separators of addresses and lists, and spaces: a label with one of them would be misread in a header or a link.
LABEL_PATTERN: Final = r"[^\s@<>()\[\],;:/.\\\"\x00-\x1f\x7f]+"
_DOMAIN: Final = re.compile(rf"(?:{LABEL_PATTERN}\.)+{LABEL_PATTERN}")


def parse_domain(text: str) -> str:
    """Return the domain in lower case. Raises InvalidValue."""
    domain = text.strip().lower().rstrip(".")
    if len(domain) > _MAX_LENGTH or not _DOMAIN.fullmatch(domain):
        raise InvalidValue("a domain such as example.com")
    return domain


DomainName = Annotated[str, Meta(max_length=_MAX_LENGTH), Field(max_length=_MAX_LENGTH), AfterValidator(parse_domain)]
