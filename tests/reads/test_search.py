"""Splitting search text into words."""

import asyncio

import asyncpg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from showup.database.metadata import search_column
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
        ("O'Brien & Söhne", ["o", "brien", "sohne"]),
        ("a | !b :* <-> c", ["a", "b", "c"]),
        ("東京", ["東京"]),
        ("한국", ["한국"]),
        ("Álvarez A\u0301lvarez", ["alvarez", "alvarez"]),
        ("Groß GROẞ", ["gross", "gross"]),
        ("İstanbul Ístanbul ıstanbul", ["istanbul", "istanbul", "istanbul"]),
        ("Ørsted Łódź Đorđe Æsir Œuvre Þór", ["orsted", "lodz", "dorde", "aesir", "oeuvre", "thor"]),
    ],
)
def test_no_operator_is_left_in_a_word(q: str | None, words: list[str]) -> None:
    assert split_words(q) == words


# Letters of many scripts, with and without accents, composed and decomposed.
_LETTERS = st.characters(categories=("Ll", "Lu"), max_codepoint=0x17F, exclude_characters="Ŀŀŉªºſĸ") | st.sampled_from(
    "ßẞİıØŁ\u0301\u0308"
)
_NAMES = st.text(_LETTERS, min_size=1, max_size=12)
_KNOWN = ["Álvarez", "A\u0301lvarez", "Groß", "İstanbul", "Ørsted", "Łódź", "Müller-Lüdenscheidt", "Æsir", "Ångström"]


async def _stored_words(postgres: str, names: list[str]) -> list[list[str]]:
    driver = await asyncpg.connect(postgres)
    query = (
        f"SELECT tsvector_to_array({search_column('name').sqltext}) AS words "  # noqa: S608  # our own expression
        "FROM unnest($1::text[]) WITH ORDINALITY AS t(name, at) ORDER BY at"
    )
    rows = await driver.fetch(query, names)
    await driver.close()
    return [row["words"] for row in rows]


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(names=st.lists(_NAMES, min_size=50, max_size=200))
@example(names=_KNOWN)
def test_m10_the_database_folds_names_as_the_search_folds_words(postgres: str, names: list[str]) -> None:
    """M10: `alvarez` finds "Álvarez", however either is typed."""
    stored = asyncio.run(_stored_words(postgres, names))
    for name, words in zip(names, stored, strict=True):
        assert words == sorted(set(split_words(name)), key=lambda word: word.encode()), name
