"""Searches by words: each typed word must be the prefix of a word in the result."""

import re
from typing import Any
from unicodedata import normalize

from sqlalchemy import ColumnElement, func, literal

from showup.database.metadata import FOLDED_LETTERS, FOLDED_PAIRS
from showup.values.domain_name import normalize_domain

# Letters and digits only: the search columns store addresses and domains by their parts, and typed text then can't
# contain operators of tsquery.
_WORD = re.compile(r"[^\W_]+")
_ACCENT = re.compile("[\u0300-\u036f]")
_LETTERS = str.maketrans(*FOLDED_LETTERS)
# Each word costs one lookup in each searched index, and a long text is no search.
_MAX_WORDS = 8
_LONGEST_WORD = 60
_NOT_ASCII = re.compile("[^a-z0-9]")
_FEWEST_LETTERS = 2


def check_search(q: str) -> str:
    """Returns `q` if a search accepts it. Raises ValueError for too many words, and for one that is too long."""
    words = split_words(q)
    if len(words) > _MAX_WORDS or any(len(word) > _LONGEST_WORD for word in words):
        raise ValueError(
            f"Send at most {_MAX_WORDS} words of at most {_LONGEST_WORD} letters."
            " Dots, hyphens and other punctuation separate words"
        )
    return q


def split_words(q: str | None) -> list[str]:
    """Returns the words in `q` in lower case and without accents, as the search columns have them; none if blank."""
    return _WORD.findall(_fold(q or "").lower())


def typed_words(q: str | None) -> list[str]:
    """Returns the words in `q` with their accents, which are part of a domain's encoded form; none if blank."""
    text = _ACCENT.sub("", normalize("NFKC", (q or "").replace("_", " ")))
    return [word for word in _WORD.findall(text) if split_words(word)]


def _fold(text: str) -> str:
    decomposed = normalize("NFKD", text.replace("_", " "))
    composed = normalize("NFKC", _ACCENT.sub("", decomposed))
    for letter, pair in FOLDED_PAIRS:
        composed = composed.replace(letter, pair)
    return composed.translate(_LETTERS)


def matches_prefix(search: ColumnElement[Any], word: str) -> ColumnElement[bool]:
    """Returns a condition: some word in a tsvector column begins with `word`, or is its encoded form in a domain."""
    folded = " & ".join(f"{part}:*" for part in split_words(word))
    encoded = " & ".join(_words_in_domain(word))
    query = f"{folded} | ({encoded})" if encoded else folded
    return search.op("@@", is_comparison=True)(func.to_tsquery("simple", literal(query)))


def _words_in_domain(word: str) -> list[str]:
    """Returns terms for a word with letters beyond ASCII in a stored domain, such as `xn--bckerei-5wa` for `bäckerei`.

    The name begins with its ASCII letters, and the typed word may be their beginning. What follows them is known only
    for a whole name.
    """
    ascii_letters = _NOT_ASCII.sub("", word.lower())
    if word.isascii():
        return []
    if len(ascii_letters) >= _FEWEST_LETTERS:
        return ["xn", f"{ascii_letters}:*"]
    return _WORD.findall(name) if (name := normalize_domain(word)).startswith("xn--") else []
