"""The glossary, the code and the documents use the same words: the field's standard terms (spec/WORDS.md)."""

import ast
import importlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer

from showup.__main__ import app as cli
from showup.database.tables import metadata
from tests.files import faults_by_file

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "src" / "showup").rglob("*.py"))
CODE = [*SOURCES, *(ROOT / "tests").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")]
PROSE = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / ".env.example", ROOT / "showup.example.toml"]
MAX_ROWS = 50

NAMELESS = {"utils", "util", "common", "helpers", "helper", "manager", "service", "services", "base", "core", "misc"}
# Names of a library or a protocol that contain an old word.
FOREIGN = {"keep_alive", "should_keep_alive", "keep_blank_values", "keep_at_rules", "ConnectionDoesNotExistError"}
# Nouns that end like a verb.
NOUNS = {"booking", "meeting", "paging", "keyring", "routing"}
# Words of older versions that no sentence may use.
OLD_PROSE = r"\b(lanes?|couriers?|sequels?|deeds?|outfit(?:ted|ting)?|raw events?|left in peace|told anew|whoever)\b"


class Row(NamedTuple):
    term: str
    meaning: str
    old_words: tuple[str, ...]
    names: str


def glossary() -> list[Row]:
    lines = [line for line in (ROOT / "GLOSSARY.md").read_text().splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [
        Row(term, meaning, tuple(filter(None, old_words.split(", "))), names)
        for term, meaning, old_words, names in cells
        if term != "term"
    ]


ROWS = glossary()
# Phrases are not identifiers, and a current term may be an old word of another row.
OLD_WORDS = {word for row in ROWS for word in row.old_words if " " not in word} - {row.term for row in ROWS}


def words_of(identifier: str) -> list[str]:
    """Returns the lower-case words of `DealEvent`, `deal_events` or `deal-events`."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", identifier).lower()
    return [word for word in re.split(r"[^a-z0-9]+", spaced) if word]


@cache
def uses_an_old_word(identifier: str) -> bool:
    parts = words_of(identifier)
    return identifier not in FOREIGN and any(f"_{old}_" in f"_{'_'.join(parts)}_" for old in OLD_WORDS)


def defined_names(path: Path) -> Iterator[str]:
    """Yields the names of the module, classes, functions, parameters and variables that a file defines."""
    yield path.stem
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                yield node.name
            case ast.arg():
                yield node.arg
            case ast.Name(ctx=ast.Store()):
                yield node.id


def logged_events(path: Path) -> Iterator[str]:
    """Yields the event names of a file's log lines."""
    for node in ast.walk(ast.parse(path.read_text())):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id in ("_log", "log")
            and node.args
            and isinstance(node.args[0], ast.Constant)
        ):
            yield str(node.args[0].value)


def command_names(command: Any = None, prefix: str = "") -> Iterator[str]:
    group = typer.main.get_command(cli) if command is None else command
    for name, each in getattr(group, "commands", {}).items():
        yield f"{prefix}{name}"
        yield from (option for parameter in each.params for option in parameter.opts)
        yield from command_names(each, f"{prefix}{name} ")


def api_names() -> Iterator[str]:
    """Yields the paths, schemas and fields of the API; `make check` compares the document with the app."""
    document = json.loads((ROOT / "docs" / "openapi.json").read_text())
    yield from document["paths"]
    for name, schema in document["components"]["schemas"].items():
        yield name
        yield from schema.get("properties", {})


def test_the_glossary_is_short_and_names_each_term_once() -> None:
    assert 30 < len(ROWS) < MAX_ROWS
    assert [term for term, count in Counter(row.term for row in ROWS).items() if count > 1] == []
    assert {"news", "lane", "courier", "deed", "hand", "turn", "story", "told"} <= OLD_WORDS


def test_a_term_has_a_meaning() -> None:
    assert [row.term for row in ROWS if len(row.meaning.split()) < 3] == []


@pytest.mark.parametrize(
    ("term", "name"), [(row.term, name) for row in ROWS for name in re.findall(r"(?<!table )`(showup\S+)`", row.names)]
)
def test_a_name_in_the_glossary_exists(term: str, name: str) -> None:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        module, _, attribute = name.rpartition(".")
        assert hasattr(importlib.import_module(module), attribute), term


@pytest.mark.parametrize(
    ("term", "table"), [(row.term, name) for row in ROWS for name in re.findall(r"table `(\S+)`", row.names)]
)
def test_a_table_in_the_glossary_exists(term: str, table: str) -> None:
    assert table in metadata.tables, term


def old_identifiers(path: Path) -> list[str]:
    return sorted({name for name in set(defined_names(path)) if uses_an_old_word(name)} - imported_names(path))


def test_no_identifier_uses_an_old_word() -> None:
    assert faults_by_file(CODE, old_identifiers) == {}


def imported_names(path: Path) -> set[str]:
    """Names that a file imports and binds, such as hypothesis' `given`."""
    tree = ast.parse(path.read_text())
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return {alias.asname or alias.name for node in imports for alias in node.names}


def test_no_table_column_field_command_or_log_event_uses_an_old_word() -> None:
    columns = {column.name for table in metadata.tables.values() for column in table.columns}
    names = {*metadata.tables, *columns, *api_names(), *command_names()}
    names |= {event for path in SOURCES for event in logged_events(path)}
    assert sorted(name for name in names if uses_an_old_word(name)) == []


def test_no_class_name_is_defined_twice() -> None:
    classes = Counter(
        node.name
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
    )
    assert [name for name, count in classes.items() if count > 1] == []


def test_modules_are_named_by_nouns() -> None:
    names = {part for path in SOURCES for part in path.relative_to(ROOT).with_suffix("").parts}
    assert not names & NAMELESS
    endings = {words_of(name)[-1] for name in names if words_of(name)}
    assert {word for word in endings if word.endswith("ing")} <= NOUNS


def private_words(path: Path) -> list[str]:
    text = path.read_text()
    if path.name == "GLOSSARY.md":
        text = "\n".join(f"{row.term} {row.meaning}" for row in ROWS)
    if path.suffix != ".py":
        # Old names are quoted as code, such as `lanes`.
        text = re.sub(r"`[^`\n]*`", "", text)
    return re.findall(OLD_PROSE, text, re.IGNORECASE)


def test_no_document_docstring_or_comment_uses_a_private_word() -> None:
    assert faults_by_file([*PROSE, *SOURCES], private_words) == {}
