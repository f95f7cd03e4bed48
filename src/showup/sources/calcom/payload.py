"""Reads values from Cal.com's JSON: each reader accepts any value and returns a valid value or None.

The values go to database columns and indexes, so every reader limits them: no NUL, no number beyond a column's range,
no text of a megabyte, no time centuries away.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

from showup.values.email_address import MAX_LENGTH, is_email, normalize_email

Json: TypeAlias = Mapping[str, Any]

UID_LENGTH = 255
LINE_LENGTH = 500
TEXT_LENGTH = 10_000
URL_LENGTH = 2_000
# Cal.com wraps an answer two or three times; deeper nesting is not genuine.
_MAX_WRAPPINGS = 8
_BIGINT = 2**63
_YEARS = range(1990, 2200)
# Cal.com invents an address for bookers known by phone only (`contructEmailFromPhoneNumber.ts`).
PHONE_ONLY = "@sms.cal.com"
_PHONE_LENGTH = 40
_FEWEST_DIGITS = 5
# Cal.com's own marks in texts, such as `$RCH$` before the reason of a reschedule (`RegularBookingService.ts`).
_MARK = re.compile(r" ?\$[A-Z]{3}\$ ?")


class NotATime(ValueError):
    """Raised when a time field holds another value; the message says where and what."""


def mapping(value: Any) -> Json:
    """Returns the object, or an empty one."""
    return value if isinstance(value, dict) else {}


def objects(value: Any) -> list[Json]:
    """Returns the objects of a list, and ignores other items."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text(value: Any, limit: int = LINE_LENGTH) -> str | None:
    """Returns trimmed text of at most `limit` characters, without Cal.com's own marks.

    None if the text is missing, blank or a mark alone, and if the value is not text.
    """
    if not isinstance(value, str):
        return None
    return without_marks(value).replace("\x00", "\ufffd").strip()[:limit] or None


def without_marks(value: str) -> str:
    """Returns the text without the marks that Cal.com writes into it for its own use."""
    return _MARK.sub(" ", value) if "$" in value else value


def _bounded_text(value: Any, limit: int) -> str | None:
    """Returns the whole text, or None if it is too long: cut short, it would change its meaning."""
    found = text(value, limit + 1)
    return found if found is not None and len(found) <= limit else None


def identifier(value: Any) -> str | None:
    """Returns a uid or an id as text, from text or a number; None if it is too long."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int) and abs(value) < _BIGINT:
        return str(value)
    return _bounded_text(value, UID_LENGTH)


def email(value: Any) -> str | None:
    """Returns an email address in its one form; None if it is invalid."""
    found = normalize_email(_bounded_text(value, MAX_LENGTH))
    return found if is_email(found) else None


def own_email(value: Any) -> str | None:
    """Returns a person's email address; None for one that Cal.com invented from a phone number."""
    found = email(value)
    return None if found is None or found.endswith(PHONE_ONLY) else found


def number_of_invented_email(value: Any) -> str | None:
    """Returns the phone number in an address that Cal.com invented from it; None for any other value."""
    found = email(value)
    return f"+{found.removesuffix(PHONE_ONLY)}" if found is not None and found.endswith(PHONE_ONLY) else None


def phone(value: Any) -> str | None:
    """Returns a phone number as it was typed; None if the value is none: one has five digits at least."""
    found = _bounded_text(value, _PHONE_LENGTH)
    if found is None or "@" in found or url(found) is not None:
        return None
    return found if sum(letter.isdecimal() for letter in found) >= _FEWEST_DIGITS else None


def integer(value: Any, below: int = _BIGINT) -> int | None:
    """Returns a whole number within a column's range."""
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if -below <= value < below else None


def flag(value: Any) -> bool | None:
    """Returns true or false if the value is explicit, else None."""
    return value if isinstance(value, bool) else None


def instant(fields: Json, name: str) -> datetime | None:
    """Returns the time in `fields[name]`, in UTC; None where there is none.

    Raises `NotATime` for an unreadable value: a wrong time must not count as a missing one. A time without an offset is
    read as UTC, since Cal.com never sends local times.
    """
    value = fields.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise NotATime(f"{name} is not text, so it is not a time")
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        raise NotATime(f"{name} is {value[:40]!r}, not a time") from None
    found = found.replace(tzinfo=UTC) if found.tzinfo is None else found
    if found.year not in _YEARS:
        raise NotATime(f"{name} is in the year {found.year}, which is not plausible for a meeting")
    return found.astimezone(UTC)


def url(value: Any) -> str | None:
    """Returns a web address, or None if the value is not one."""
    found = _bounded_text(value, URL_LENGTH)
    return found if found is not None and found.lower().startswith(("https://", "http://")) else None


def read_answer(value: Any, wrappings: int = _MAX_WRAPPINGS) -> str | None:
    """Returns an answer from a form, as one line of text.

    Cal.com wraps answers as `{label, value}`, names as `{firstName, lastName}`, places as `{value, optionValue}` and
    several choices as a list; older bodies have the plain value.
    """
    if isinstance(value, dict | list) and not wrappings:
        return None
    if isinstance(value, dict):
        if "firstName" in value or "lastName" in value:
            return text(f"{text(value.get('firstName')) or ''} {text(value.get('lastName')) or ''}")
        return read_answer(value.get("optionValue") or value.get("value"), wrappings - 1)
    if isinstance(value, list):
        return text(", ".join(part for item in value[:50] if (part := read_answer(item, wrappings - 1))), TEXT_LENGTH)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return text(str(value)[:UID_LENGTH])
    return text(value, TEXT_LENGTH)
