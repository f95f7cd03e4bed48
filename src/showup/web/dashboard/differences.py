"""Marks how two texts differ, by words: a reviewer looks at what is marked, and skips the rest. Pure."""

import re
from collections.abc import Collection
from typing import Final

from msgspec import Struct

_WORDS: Final = re.compile(r"\w+|\W+")
_MAX_TEXT: Final = 200


class MarkedText(Struct, frozen=True):
    """A part of a text; `is_marked`: the other text does not have it."""

    text: str
    is_marked: bool


def mark_words(text: str | None, other: str | None) -> list[MarkedText]:
    """Return the text in parts; words that the other text has in any case are unmarked. All are if there is none."""
    shown = (text or "")[:_MAX_TEXT]
    if not other:
        return [MarkedText(shown, is_marked=False)] if shown else []
    known = {word.casefold() for word in _WORDS.findall(other)}
    return _joined([MarkedText(word, is_marked=_is_new(word, known)) for word in _WORDS.findall(shown)])


def mark_address(address: str, other: str) -> list[MarkedText]:
    """Return an address in two parts, split before the @; each is marked if the other address differs there."""
    shown = address[:_MAX_TEXT]
    is_new = [text != known for text, known in zip(_halves(address.lower()), _halves(other.lower()), strict=True)]
    if is_new[0] == is_new[1]:
        return [MarkedText(shown, is_marked=is_new[0])]
    return [MarkedText(text, is_marked=marked) for text, marked in zip(_halves(shown), is_new, strict=True) if text]


def _halves(address: str) -> tuple[str, str]:
    name, at, domain = address.partition("@")
    return name, f"{at}{domain}"


def _is_new(word: str, known: Collection[str]) -> bool:
    return word[0].isalnum() and word.casefold() not in known


def _joined(parts: list[MarkedText]) -> list[MarkedText]:
    """Return the parts with neighbours of one kind as one; what separates two marked words is marked too."""
    found: list[MarkedText] = []
    for place, part in enumerate(parts):
        is_between = 0 < place < len(parts) - 1 and not part.text[0].isalnum()
        is_marked = part.is_marked or (is_between and parts[place - 1].is_marked and parts[place + 1].is_marked)
        if found and found[-1].is_marked == is_marked:
            found[-1] = MarkedText(found[-1].text + part.text, is_marked=is_marked)
        else:
            found.append(MarkedText(part.text, is_marked=is_marked))
    return found
