"""Shortens the texts of large events: a history holds all of its events in memory at once (S13). Pure.

The log keeps the whole body, so a later version can read more of it.
"""

from itertools import islice
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

_LARGEST_EVENT: Final = 64 * 1024
"""Bytes of an event as JSON; most have less than 5 KB."""

# Characters of one text: the largest of these numbers with which the event is small enough.
_LONGEST_TEXTS: Final = (10_000, 1_000, 250)
# No "…", which would double the memory of an ASCII text.
_CUT: Final = "..."
_MOST_ANSWERS: Final = 500

StructT = TypeVar("StructT", bound=Struct)


def shorten_texts(event: StructT) -> StructT:
    """Returns the event with its long texts cut, each at its end."""
    for longest in _LONGEST_TEXTS:
        event = _shortened(event, longest)
        if len(msgspec.json.encode(event)) <= _LARGEST_EVENT:
            break
    return event


def _shortened(value: Any, longest: int) -> Any:
    match value:
        case str():
            return value if len(value) <= longest else value[: longest - len(_CUT)] + _CUT
        case Struct():
            return replace(
                value, **{name: _shortened(getattr(value, name), longest) for name in value.__struct_fields__}
            )
        case dict():
            answers = islice(value.items(), _MOST_ANSWERS)
            return {_shortened(name, longest): _shortened(answer, longest) for name, answer in answers}
        case list() | tuple() | frozenset():
            return type(value)(_shortened(item, longest) for item in value)
        case _:
            return value
