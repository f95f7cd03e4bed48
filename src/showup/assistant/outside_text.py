"""Marks text that came from outside, so that a model can't take it for instructions (AS2). Pure.

Every text is from outside unless Showup itself wrote it: names, notes, titles, answers and reasons come from people and
other systems. Marked text is an object `{"outside_text": "…"}`, which no text can imitate: it stays inside its quotes.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

MARK: Final = "outside_text"
MAX_TEXT: Final = 2_000
"""Longer texts are cut: a model needs no more, and pays for every word."""
# Fields that Showup fills with words of its own, of one word each.
_OWN_WORDS: Final = frozenset(
    {
        *("status", "state", "stage", "kind", "what", "workspace", "currency", "evidence", "outcome", "role", "basis"),
        *("method", "field", "noun", "unit", "tool", "date", "weekday", "time_zone", "currency", "destination"),
        *("group_by", "slug", "account", "attended"),
    }
)
_WORD: Final = re.compile(r"[A-Za-z0-9_.:/+-]{1,60}")
# Fields that hold sentences which Showup wrote, with nothing from outside in them.
_OWN_SENTENCES: Final = frozenset({"note", "units", "divides"})
_OWN_FORMS: Final = re.compile(
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{4}-\d\d-\d\d([T ][0-9:.]{5,15}(Z|[+-]\d\d:?\d\d)?)?"
)


def mark(value: Any, field: str = "") -> Any:
    """Return the value as JSON, with each text from outside marked; `field` is the name of the value's field."""
    if isinstance(value, str):
        return value if _is_own(value, field) else {MARK: value[:MAX_TEXT]}
    if isinstance(value, UUID | datetime | date | Decimal):
        return value.isoformat() if isinstance(value, datetime | date) else str(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Mapping):
        inner = field if field in _OWN_SENTENCES else ""
        return {_key(name): mark(one, inner or str(name)) for name, one in value.items()}
    if isinstance(value, Sequence | set | frozenset):
        return [mark(one, field) for one in value]
    return value


def _key(name: Any) -> str:
    """Return a key: the names of fields are ours, and anything else that is a key is cut to a word."""
    text = str(name)
    return text if _WORD.fullmatch(text) else "other"


def _is_own(text: str, field: str) -> bool:
    if field in _OWN_SENTENCES or _OWN_FORMS.fullmatch(text):
        return True
    return field in _OWN_WORDS and _WORD.fullmatch(text) is not None
