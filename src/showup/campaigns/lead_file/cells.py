"""Cleans cells: addresses, names, counts, yes and no, times. Exports contain what people and programs left there."""

import re
import unicodedata
from datetime import UTC, datetime
from typing import Final

from showup.values.email_address import is_email, normalize_email

MAX_TEXT: Final = 500
"""Longer names are cut to this number of characters."""

_NOTHING: Final = frozenset({"", "-", "--", "n/a", "#n/a", "#nv", "null", "none", "nan"})
# Soft hyphens, zero-width characters and marks of writing direction: copied from web pages, never part of an address.
_INVISIBLE: Final = re.compile("[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
_BRACKETED: Final = re.compile(r"<([^<>]*)>")
_BETWEEN_ADDRESSES: Final = re.compile(r"[;,]")
_UNSTORABLE: Final = re.compile("[\0\ud800-\udfff\ufffd]")
_TRUE: Final = frozenset({"true", "yes", "y", "1", "ja", "oui", "si", "sí", "x"})
_FALSE: Final = frozenset({"false", "no", "n", "0", "nein", "non"})
# What spreadsheets would run as a formula; some exports put an apostrophe before it.
_FORMULA_STARTS: Final = "=+-@"


def is_nothing(cell: str) -> bool:
    """Return whether the cell is empty, or a word for nothing such as `N/A`."""
    text = cell.strip()
    return len(text) <= 4 and text.lower() in _NOTHING


def is_unreadable(cell: str) -> bool:
    """Return whether the cell contains NUL, half of a surrogate pair, or a byte that its encoding does not have."""
    return (not cell.isascii() and _UNSTORABLE.search(cell) is not None) or "\0" in cell


def clean_text(cell: str) -> str | None:
    """Return a name in one line, in Unicode NFC, at most MAX_TEXT characters; None where nothing is left."""
    text = " ".join(cell.split())
    if len(text) <= 4 and text.lower() in _NOTHING:
        return None
    if not text.isascii():
        text = unicodedata.normalize("NFC", text).strip("\u200b\u2060\ufeff ")
    if text[:1] == "'" and text[1:2] and text[1] in _FORMULA_STARTS:
        text = text[1:]
    return text[:MAX_TEXT] or None


def read_addresses(cell: str) -> tuple[list[str], bool]:
    """Return the valid addresses of a cell in their one form, and whether the cell contains anything at all.

    A cell may contain several addresses, links that begin with `mailto:`, and names with the address in brackets.
    """
    text = cell if cell.isascii() else _INVISIBLE.sub("", cell)
    text = text.strip()
    if is_nothing(text):
        return [], False
    parts = _BRACKETED.findall(text) or _BETWEEN_ADDRESSES.split(text)
    found: list[str] = []
    for part in parts:
        address = part.strip()
        if address[:7].lower() == "mailto:":
            address = address[7:].strip()
        email = normalize_email(address)
        if email not in found and is_email(email):
            found.append(email)
    return found, True


def read_count(cell: str) -> int | None:
    """Return a whole number from 0 to a billion; None for anything else."""
    text = cell.strip()
    return int(text) if text.isdecimal() and text.isascii() and len(text) <= 9 else None


def read_flag(cell: str) -> bool | None:
    """Return yes or no; a count above 0 is a yes. None for anything else."""
    text = cell.strip().lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    count = read_count(text)
    return None if count is None else count > 0


def read_time(cell: str) -> datetime | None:
    """Return a time in the form of ISO 8601, in UTC where it names no zone; None for anything else.

    Other forms are ambiguous: 8/3/2026 is a day in March or in August.
    """
    text = cell.strip()
    if len(text) < 10 or not text[:4].isdecimal():
        return None
    try:
        time = datetime.fromisoformat(text)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
