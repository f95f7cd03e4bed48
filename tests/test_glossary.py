"""The glossary and the code say the same words."""

import ast
import importlib
import re
from pathlib import Path
from typing import NamedTuple

import pytest

from showup.database.tables import metadata

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "src" / "showup").rglob("*.py"))
NAMELESS = {
    "utils",
    "util",
    "common",
    "helpers",
    "helper",
    "manager",
    "service",
    "services",
    "base",
    "core",
    "misc",
}


class Word(NamedTuple):
    word: str
    means: str
    unwanted: tuple[str, ...]
    where: str


def glossary() -> list[Word]:
    rows = [line for line in (ROOT / "GLOSSARY.md").read_text().splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    return [
        Word(word, means, tuple(filter(None, unwanted.split(", "))), where)
        for word, means, unwanted, where in cells
        if word != "word"
    ]


def names_in_the_code() -> set[str]:
    classes = {
        node.name
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
    }
    modules = {part for path in SOURCES for part in path.relative_to(ROOT / "src").with_suffix("").parts}
    return {_plain(name) for name in classes | modules | set(metadata.tables)}


def _plain(name: str) -> str:
    """`DealTurn`, `deal_turns` and "deal turn" are one name."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    return words.replace(" ", "_").removesuffix("s")


WORDS = glossary()


def test_a_word_stands_once() -> None:
    assert len({word.word for word in WORDS}) == len(WORDS) > 30


@pytest.mark.parametrize("word", WORDS, ids=lambda word: word.word)
def test_a_word_has_a_meaning(word: Word) -> None:
    assert len(word.means.split()) >= 3


@pytest.mark.parametrize(
    ("word", "name"),
    [(word.word, name) for word in WORDS for name in re.findall(r"(?<!table )`(\S+)`", word.where)],
)
def test_what_a_word_names_exists(word: str, name: str) -> None:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        module, _, attribute = name.rpartition(".")
        assert hasattr(importlib.import_module(module), attribute), word


@pytest.mark.parametrize(
    ("word", "table"),
    [(word.word, name) for word in WORDS for name in re.findall(r"table `(\S+)`", word.where)],
)
def test_a_table_that_a_word_names_exists(word: str, table: str) -> None:
    assert table in metadata.tables, word


@pytest.mark.parametrize("word", WORDS, ids=lambda word: word.word)
def test_an_unwanted_word_names_nothing(word: Word) -> None:
    said = {other.word for other in WORDS}
    unwanted = {_plain(name) for name in word.unwanted if name not in said}
    assert not unwanted & names_in_the_code()


def test_every_module_says_what_it_is_for() -> None:
    assert not {part for path in SOURCES for part in path.relative_to(ROOT).with_suffix("").parts} & NAMELESS
