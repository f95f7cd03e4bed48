"""Times of day, such as `08:00` or `21:30`, without a time zone."""

import re
from datetime import time
from typing import Annotated, Final

from msgspec import Meta
from pydantic import AfterValidator, WithJsonSchema

from showup.values.invalid_value import InvalidValue

_PATTERN: Final = "^([01][0-9]|2[0-3]):[0-5][0-9]$"
_TIME: Final = re.compile(_PATTERN)


def parse_time_of_day(text: str) -> time:
    """Return the time. Raises InvalidValue."""
    if not _TIME.fullmatch(text):
        raise InvalidValue("a time of day such as 08:00")
    return time.fromisoformat(text)


def check_time_of_day(text: str) -> str:
    """Return the text if it is a time of day. Raises InvalidValue."""
    parse_time_of_day(text)
    return text


TimeOfDay = Annotated[
    str,
    Meta(pattern=_PATTERN),
    AfterValidator(check_time_of_day),
    WithJsonSchema({"type": "string", "pattern": _PATTERN}),
]
