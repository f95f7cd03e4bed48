"""Reading values out of Cal.com's JSON: each reader takes whatever stands there and answers with a clean value or None.

What is read ends in database columns and indexes, so every reader bounds what it lets through: no NUL, no number a
column can't hold, no text of a megabyte, no time outside the centuries in which meetings take place.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

Json: TypeAlias = Mapping[str, Any]

UID_LENGTH = 255
LINE_LENGTH = 500
TEXT_LENGTH = 10_000
EMAIL_LENGTH = 320
URL_LENGTH = 2_000
# Cal.com wraps an answer two or three times; deeper ones are made up.
_MOST_WRAPPINGS = 8
_BIGINT = 2**63
_YEARS = range(1990, 2200)
_EMAIL = re.compile(r"[^@\s,;<>\"]{1,64}@[^@\s,;<>\"]{1,250}\.[^@\s.,;<>\"]{1,63}")


class NotATime(ValueError):
    """A field that must hold a time holds something else; the message says where and what."""


def mapping(value: Any) -> Json:
    """The object that stands there, or an empty one."""
    return value if isinstance(value, dict) else {}


def objects(value: Any) -> list[Json]:
    """The objects of a list; whatever else the list holds is passed over."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text(value: Any, limit: int = LINE_LENGTH) -> str | None:
    """Trimmed text of at most `limit` characters; None for nothing, for blanks, and for what is no text."""
    if not isinstance(value, str):
        return None
    return value.replace("\x00", "\ufffd").strip()[:limit] or None


def _whole(value: Any, limit: int) -> str | None:
    """Text that means something else once it is cut short: all of it, or None."""
    found = text(value, limit + 1)
    return found if found is not None and len(found) <= limit else None


def identifier(value: Any) -> str | None:
    """A uid or an id as text, whether it came as text or as a number; None when it is too long to be one."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int) and abs(value) < _BIGINT:
        return str(value)
    return _whole(value, UID_LENGTH)


def email(value: Any) -> str | None:
    """An address in lower case, or None for what is not shaped like one."""
    found = _whole(value, EMAIL_LENGTH)
    return found.lower() if found is not None and _EMAIL.fullmatch(found) else None


def integer(value: Any, below: int = _BIGINT) -> int | None:
    """A whole number that a column can hold."""
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if -below <= value < below else None


def flag(value: Any) -> bool | None:
    """True or false, where it says so in so many words."""
    return value if isinstance(value, bool) else None


def instant(fields: Json, name: str) -> datetime | None:
    """The time in `fields[name]`, in UTC; None where there is none.

    Raises `NotATime` for a value that is there and can't be read: a wrong time must not pass for a missing one.
    A time without an offset is taken as UTC, since Cal.com never sends local times.
    """
    value = fields.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise NotATime(f"{name} is no text, and so not a time")
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        raise NotATime(f"{name} is {value[:40]!r}, not a time") from None
    found = found.replace(tzinfo=UTC) if found.tzinfo is None else found
    if found.year not in _YEARS:
        raise NotATime(f"{name} is in the year {found.year}, when no meeting takes place")
    return found.astimezone(UTC)


def url(value: Any) -> str | None:
    """A web address, or None for a place that is not one."""
    found = _whole(value, URL_LENGTH)
    return found if found is not None and found.lower().startswith(("https://", "http://")) else None


def answer(value: Any, wrappings: int = _MOST_WRAPPINGS) -> str | None:
    """What somebody answered in a form, as one line of text.

    Cal.com wraps answers as `{label, value}`, gives names as `{firstName, lastName}`, places as `{value,
    optionValue}` and several choices as a list; older bodies carry the plain value.
    """
    if isinstance(value, dict | list) and not wrappings:
        return None
    if isinstance(value, dict):
        if "firstName" in value or "lastName" in value:
            return text(f"{text(value.get('firstName')) or ''} {text(value.get('lastName')) or ''}")
        return answer(value.get("optionValue") or value.get("value"), wrappings - 1)
    if isinstance(value, list):
        return text(", ".join(part for item in value[:50] if (part := answer(item, wrappings - 1))), TEXT_LENGTH)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return text(str(value)[:UID_LENGTH])
    return text(value, TEXT_LENGTH)
