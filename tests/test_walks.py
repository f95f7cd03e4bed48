"""The walks in docs/walks follow the code: each file is imported by the one that it is indented under."""

import ast
import re
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
WALKS = sorted((ROOT / "docs" / "walks").glob("*.md"))
MAX_FILES = 15

_STEP = re.compile(r"^( *)\d+\. \[([\w/]+\.py)\]\((\S+)\)", re.MULTILINE)


class Step(NamedTuple):
    """One file of a walk, and how deep it is indented."""

    depth: int
    shown: str
    path: Path


def steps_of(walk: Path) -> list[Step]:
    return [
        Step(len(indent) // 4, shown, (walk.parent / link).resolve())
        for indent, shown, link in _STEP.findall(walk.read_text())
    ]


def imported_by(path: Path) -> set[str]:
    """Returns the modules that a file imports, also inside functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{one.name}" for one in node.names)}
    return found


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT / "src").with_suffix("").parts)


def test_there_are_three_walks() -> None:
    assert [walk.stem for walk in WALKS] == ["mail-goes-out", "person-moves-a-deal", "webhook-becomes-a-deal"]


@pytest.mark.parametrize("walk", WALKS, ids=lambda walk: walk.stem)
def test_a_walk_has_few_files_and_its_links_lead_to_them(walk: Path) -> None:
    steps = steps_of(walk)
    assert 5 < len(steps) <= MAX_FILES
    assert len(steps) == walk.read_text().count("](../../src/"), "each link starts a step"
    for step in steps:
        assert step.path == ROOT / "src" / "showup" / step.shown
        assert step.path.exists(), step.shown


@pytest.mark.parametrize("walk", WALKS, ids=lambda walk: walk.stem)
def test_each_file_is_reached_from_the_one_before_it(walk: Path) -> None:
    above: list[Step] = []
    for step in steps_of(walk):
        if step.depth:
            caller = next(one for one in reversed(above) if one.depth < step.depth)
            assert module_of(step.path) in imported_by(caller.path), f"{caller.shown} does not import {step.shown}"
        elif above:
            known = {module_of(one.path) for one in above}
            assert imported_by(step.path) & known, f"{step.shown} imports no file above it"
        above.append(step)
