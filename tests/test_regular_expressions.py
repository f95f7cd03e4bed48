"""S08: no regular expression of ours takes more than linear time on a hostile text."""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from typing import NamedTuple

import pytest

import showup
from showup.connections.catalogue import KINDS

SIZE = 900_000
COMMON = ["a", "1", " ", '"', "\\", "a.", " -", '" ', "a@"]


# These methods try each place of the text; `fullmatch` and `match` try only the first.
SEARCHES = r"\b{}\.(search|sub|split|findall|finditer)\("


class OwnPattern(NamedTuple):
    """A pattern of a module, and whether the module searches with it."""

    pattern: re.Pattern[str]
    is_searched: bool


def patterns() -> Iterator[tuple[str, OwnPattern]]:
    """Yields each pattern of a module, with its name."""
    for module in pkgutil.walk_packages(showup.__path__, "showup."):
        if module.name.endswith(("__main__", "migrations.env")):
            continue
        imported = importlib.import_module(module.name)
        for name, value in vars(imported).items():
            if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
                is_searched = re.search(SEARCHES.format(name), inspect.getsource(imported)) is not None
                yield f"{module.name}.{name}", OwnPattern(value, is_searched)


def hostile_texts(pattern: re.Pattern[str]) -> list[str]:
    """Returns long repetitions of common characters and of the pattern's own words, with an end that doesn't match."""
    own_words = re.findall(r"[<A-Za-z=_]{2,}", pattern.pattern)
    return [piece * (SIZE // len(piece)) + "\0" for piece in dict.fromkeys([*COMMON, *own_words[:6]])]


PATTERNS = dict(patterns())


def test_s08_all_patterns_are_found() -> None:
    """A pattern must be a constant of its module, so that the test below finds it."""
    assert "showup.destinations.email.smtp._ADDRESS" in PATTERNS
    assert len(PATTERNS) > 20


@pytest.mark.timeout(30)
@pytest.mark.parametrize("name", PATTERNS)
def test_s08_a_pattern_takes_linear_time(name: str) -> None:
    pattern, is_searched = PATTERNS[name]
    for text in hostile_texts(pattern):
        pattern.fullmatch(text)
        if is_searched:
            pattern.search(text)


@pytest.mark.timeout(15)
def test_s08_a_settings_error_takes_linear_time() -> None:
    """The error quotes the value, and the value looks like the error's own words."""
    with pytest.raises(ValueError, match="at_once"):
        KINDS["slack"].parse_settings({"channel": "C0123456789", "at_once": " - at `$.x" * (SIZE // 10)})
