"""Hides Cal.com's uids: anyone who knows the uid of a booking or of a seat can cancel or move the meeting. Pure."""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote

# Fields that hold the place of a meeting: a link without its uid leads nowhere, so the whole value is hidden.
_PLACES: Final = frozenset({"location", "meeting_url"})
_HIDDEN: Final = "[uid]"
# Cal.com's uids have some 22 letters. A shorter one could be an ordinary word, so it is hidden only in a link.
_SHORTEST_DISTINCT: Final = 10


def redact_place(place: str | None, uids: Iterable[str | None]) -> str | None:
    """Returns the place of a meeting, or None if it contains a uid, as the link of a Cal.com video room does."""
    pattern = _pattern_of(uids)
    return None if place is not None and pattern is not None and pattern.search(place) else place


def redact(value: Any, uids: Iterable[str | None]) -> Any:
    """Returns a JSON value without these uids, at any depth: a place with a uid is None, other texts lose the uid."""
    pattern = _pattern_of(uids)
    return value if pattern is None else _redact(value, pattern, is_place=False)


def _redact(value: Any, pattern: re.Pattern[str], *, is_place: bool) -> Any:
    match value:
        case str():
            return None if is_place and pattern.search(value) else pattern.sub(_HIDDEN, value)
        case Mapping():
            return {name: _redact(part, pattern, is_place=name in _PLACES) for name, part in value.items()}
        case list() | tuple():
            return [_redact(part, pattern, is_place=is_place) for part in value]
        case _:
            return value


def _pattern_of(uids: Iterable[str | None]) -> re.Pattern[str] | None:
    known: Collection[str] = {form for uid in uids if uid for form in (uid, quote(uid, safe=""))}
    # A longer uid may contain a shorter one, so it is tried first.
    parts = [_alone(uid) for uid in sorted(known, key=lambda uid: (-len(uid), uid))]
    return re.compile("|".join(parts)) if parts else None


def _alone(uid: str) -> str:
    text = re.escape(uid)
    return text if len(uid) >= _SHORTEST_DISTINCT else rf"(?<=[/=]){text}(?![^\W_])"
