"""Names of people, made comparable. Pure."""

import re
import unicodedata
from typing import Final

# What separates a name from what else stands in a task's title: "Ann Lee - Acme", "Ann Lee (Acme)", "Ann Lee, CEO".
_APART: Final = re.compile(r"\s[-–—|/:]\s|[(|:,/]")
_INITIAL: Final = 1
_SHORTENED: Final = 3


def plain_name(text: str) -> str:
    """The name that a title begins with: without accents, in small letters, its words apart by one blank."""
    # A title that begins with a separator has its name after it.
    said = next((part for part in _APART.split(text) if part.strip()), "")
    # Twice: what is taken apart may have a capital in it, and what is made small may have an accent.
    decomposed = _apart(_apart(said).casefold())
    letters = (letter for letter in decomposed if not unicodedata.combining(letter))
    return " ".join("".join(letter if letter.isalnum() else " " for letter in letters).split())


def _apart(text: str) -> str:
    return unicodedata.normalize("NFKD", text)


def last_name(plain: str) -> str:
    """The last word of a plain name."""
    return plain.rpartition(" ")[2]


def likeness(asked: str, other: str) -> tuple[int, str] | None:
    """How near two plain names of the same last name are (0 is nearest), and why; None for two different people."""
    if not asked or last_name(asked) != last_name(other):
        return None
    if asked == other:
        return 0, "the same name"
    mine, theirs = asked.split()[:-1], other.split()[:-1]
    if not mine or not theirs:
        return 3, "the same last name alone"
    first, second = sorted((mine[0], theirs[0]), key=len)
    if first == second:
        return 1, "the same first and last name"
    if not second.startswith(first):
        return None
    if len(first) == _INITIAL:
        return 2, "the same last name and initial"
    return (2, "the same last name, and a short form of the first") if len(first) >= _SHORTENED else None
