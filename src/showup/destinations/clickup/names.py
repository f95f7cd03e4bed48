"""Makes names of people comparable. Pure."""

import re
import unicodedata
from typing import Final

# Separators between a name and the rest of a task's title: "Ann Lee - Acme", "Ann Lee (Acme)", "Ann Lee, CEO".
_SEPARATOR: Final = re.compile(r"\s[-–—|/:]\s|[(|:,/]")
_INITIAL: Final = 1
_SHORTENED: Final = 3


def plain_name(text: str) -> str:
    """Returns the name at the start of a title: no accents, lower case, words separated by one space."""
    # A title that begins with a separator has its name after it.
    raw_name = next((part for part in _SEPARATOR.split(text) if part.strip()), "")
    # Twice: decomposition may yield a capital letter, and lower-casing may yield an accent.
    decomposed = _decomposed(_decomposed(raw_name).casefold())
    letters = (letter for letter in decomposed if not unicodedata.combining(letter))
    return " ".join("".join(letter if letter.isalnum() else " " for letter in letters).split())


def _decomposed(text: str) -> str:
    return unicodedata.normalize("NFKD", text)


def last_name(plain: str) -> str:
    """Returns the last word of a plain name."""
    return plain.rpartition(" ")[2]


def name_similarity(name: str, other: str) -> tuple[int, str] | None:
    """Returns how close two plain names with the same last name are, and why.

    0 is closest; None means different people.
    """
    if not name or last_name(name) != last_name(other):
        return None
    if name == other:
        return 0, "the same name"
    first_names, other_first_names = name.split()[:-1], other.split()[:-1]
    if not first_names or not other_first_names:
        return 3, "only the same last name"
    first, second = sorted((first_names[0], other_first_names[0]), key=len)
    if first == second:
        return 1, "the same first and last name"
    if not second.startswith(first):
        return None
    if len(first) == _INITIAL:
        return 2, "the same last name and first initial"
    return (2, "the same last name, and a short form of the first name") if len(first) >= _SHORTENED else None
