"""Checks text and nested JSON from outside: PostgreSQL and JSON itself can't store everything that a parser accepts."""

import math
import re
from typing import Any, Final

# NUL, which PostgreSQL accepts in no text, and halves of surrogate pairs, which UTF-8 can't encode.
_UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")
_MAX_DEPTH: Final = 20
_LONGEST_NAME: Final = 80


def check_storable(value: Any) -> None:
    """Checks a text, or all texts, names and numbers in nested lists and mappings; other values are not checked.

    Raises ValueError, which says what is wrong and where.
    """
    # Without recursion, because the nesting of a body is its sender's choice.
    remaining: list[tuple[tuple[str, ...], Any]] = [((), value)]
    while remaining:
        path, one = remaining.pop()
        if fault := _fault(one, len(path)):
            raise ValueError(f"{fault}{f' (at {_shown(path)})' if path else ''}")
        if isinstance(one, dict):
            for name, item in one.items():
                if fault := _fault(name, 0):
                    raise ValueError(f"{fault} (in the name {_shown((*path, str(name)))})")
                remaining.append(((*path, str(name)), item))
        elif isinstance(one, list | tuple):
            remaining.extend(((*path, str(index)), item) for index, item in enumerate(one))


def _fault(value: Any, depth: int) -> str | None:
    if isinstance(value, str) and (found := _UNSTORABLE.search(value)):
        named = "the character NUL (U+0000)" if found[0] == "\0" else f"an unpaired surrogate (U+{ord(found[0]):04X})"
        return f"The text contains {named}, which can't be stored. Remove it"
    if isinstance(value, float) and not math.isfinite(value):
        return "The number is infinite or not a number, which JSON can't express. Send another value"
    if depth > _MAX_DEPTH:
        return f"The value is nested more than {_MAX_DEPTH} levels deep. Send a flatter one"
    return None


def _shown(path: tuple[str, ...]) -> str:
    return repr(".".join(path)[:_LONGEST_NAME])
