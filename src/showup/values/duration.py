"""Durations: ISO 8601 in JSON (`PT24H`, `P3D`), one number and a unit in settings (`30s`, `24h`, `3d`)."""

import re
from datetime import timedelta
from typing import Annotated, Any, Final

import msgspec
from pydantic import BeforeValidator, WithJsonSchema

from showup.values.invalid_value import InvalidValue

MAX_DURATION: Final = timedelta(days=3650)
_ISO_EXAMPLES: Final = "an ISO 8601 duration such as PT24H or P3D"
_SHORT_EXAMPLES: Final = "a duration such as 30s, 30m, 24h or 3d"
_SHORT: Final = re.compile(r"([0-9]{1,6})\s*([smhd])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parse_short_duration(text: str) -> timedelta:
    """Return the duration of text such as `30m`; it may be zero. Raises InvalidValue."""
    found = _SHORT.fullmatch(text.strip())
    if found is None:
        raise InvalidValue(_SHORT_EXAMPLES)
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def parse_iso_duration(text: str) -> timedelta:
    """Return the duration of text such as `PT24H`. Raises InvalidValue."""
    try:
        return msgspec.convert(text, timedelta)
    except (msgspec.ValidationError, OverflowError) as error:
        raise InvalidValue(_ISO_EXAMPLES) from error


def check_duration(duration: timedelta) -> timedelta:
    """Return the duration if it is more than zero and at most `MAX_DURATION`. Raises InvalidValue."""
    if not timedelta(0) < duration <= MAX_DURATION:
        raise InvalidValue(f"a duration of more than zero and at most {MAX_DURATION.days} days")
    return duration


def _from_json(value: Any) -> timedelta:
    if not isinstance(value, str):
        raise InvalidValue(_ISO_EXAMPLES)
    return check_duration(parse_iso_duration(value))


def _from_toml(value: Any) -> timedelta:
    if not isinstance(value, str):
        raise InvalidValue(_SHORT_EXAMPLES)
    return check_duration(parse_short_duration(value))


Duration = Annotated[
    timedelta,
    BeforeValidator(_from_json),
    WithJsonSchema({"type": "string", "format": "duration", "examples": ["PT24H"]}),
]
ShortDuration = Annotated[timedelta, BeforeValidator(_from_toml)]
