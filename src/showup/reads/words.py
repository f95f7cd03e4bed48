"""Searching by words: each word that somebody types must begin a word of what is found."""

import re
from typing import Any

from sqlalchemy import ColumnElement, func, literal

# Letters and digits only: the search columns know addresses and domains by their parts, and nothing that a
# person types can then be an operator of tsquery.
_WORD = re.compile(r"[^\W_]+")


def words_of(q: str | None) -> list[str]:
    """The words in `q`, lower case; none in a blank one."""
    return _WORD.findall((q or "").lower())


def begins(search: ColumnElement[Any], word: str) -> ColumnElement[bool]:
    """Whether some word in a tsvector column begins with `word`."""
    return search.op("@@", is_comparison=True)(func.to_tsquery("simple", literal(f"{word}:*")))


def all_begin(search: ColumnElement[Any], q: str | None) -> list[ColumnElement[bool]]:
    """One condition a word of `q`; none for a blank one, which every row fulfils."""
    return [begins(search, word) for word in words_of(q)]
