"""DESIGN, Budget: what every page loads is small as it is served, and its style still selects what it selected."""

import gzip
from collections.abc import Mapping
from typing import Final

import pytest

from showup.web.dashboard.assets import read_asset

KIB: Final = 1024
MOST: Final[Mapping[str, float]] = {"app.css": 16 * KIB, "app.js": 5 * KIB, "icons.svg": 5 * KIB}


@pytest.mark.parametrize(("name", "most"), MOST.items())
def test_files_are_small_compressed(name: str, most: float) -> None:
    assert len(gzip.compress(read_asset(name), 9)) <= most


def test_the_script_is_one_of_less_than_12_kib() -> None:
    script = read_asset("app.js")
    assert len(script) < 12 * KIB
    assert b"\n//" not in script


def test_the_style_has_no_comments_and_all_its_selectors() -> None:
    style = read_asset("app.css")
    assert b"/*" not in style
    assert b":has(.pick :checked)" in style, "a space before a colon is a part of the selector"
