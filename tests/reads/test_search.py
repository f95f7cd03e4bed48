"""Splitting search text into words."""

import pytest

from showup.reads.search import split_words


@pytest.mark.parametrize(
    ("q", "words"),
    [
        (None, []),
        ("", []),
        (" - . ", []),
        ("Acme", ["acme"]),
        ("sarah.chen@acme.com", ["sarah", "chen", "acme", "com"]),
        ("snake_case", ["snake", "case"]),
        ("O'Brien & Söhne", ["o", "brien", "söhne"]),
        ("a | !b :* <-> c", ["a", "b", "c"]),
        ("東京", ["東京"]),
    ],
)
def test_no_operator_is_left_in_a_word(q: str | None, words: list[str]) -> None:
    assert split_words(q) == words
