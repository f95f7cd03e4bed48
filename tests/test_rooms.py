"""What the import contracts can't say: that they forget no module, who writes SQL, and a room's furniture."""

import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "showup"
SOURCES = sorted(PACKAGE.rglob("*.py"))
LONGEST_FILE = 400

PURE_ROOMS = ("pipeline", "people", "companies", "bookings", "deals")
IMPURE_IN_THEM = ("pipeline.advance", "pipeline.journal", "store")
WRITES_SQL = ("database", "reads", "inbox", "pipeline.journal", "deliveries.store")
SQL_WORDS = {"select", "insert", "update", "delete", "text", "func", "exists", "union_all"}


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


def contract(named: str) -> dict[str, list[str]]:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    found: dict[str, list[str]] = next(each for each in contracts if each["id"] == named)
    return found


def test_no_module_that_decides_is_forgotten_by_the_contract() -> None:
    impure = tuple(f"showup.{name}" for name in IMPURE_IN_THEM)
    pure = {
        module_of(path)
        for path in SOURCES
        if path.relative_to(PACKAGE).parts[0] in PURE_ROOMS
        and path.name not in ("__init__.py", "store.py")
        and not module_of(path).startswith(impure)
    }
    translating = [*PACKAGE.glob("sources/*/translate.py"), *PACKAGE.glob("destinations/*/render.py")]
    pure |= {module_of(path) for path in translating}
    pure |= {"showup.events", "showup.effects", "showup.deeds", "showup.sources.hand.command"}
    assert pure == set(contract("pure")["source_modules"])


def test_every_store_of_a_noun_is_protected() -> None:
    stores = {f"showup.{room}.store" for room in PURE_ROOMS if (PACKAGE / room / "store.py").exists()}
    assert stores == set(contract("one-hand")["protected_modules"])


def test_no_room_is_forgotten_by_the_contract_on_the_web_framework() -> None:
    rooms = {f"showup.{path.stem}" for path in PACKAGE.iterdir() if path.suffix == ".py" or path.is_dir()}
    others = rooms - {"showup.__init__", "showup.__pycache__", "showup.web", "showup.assembly"}
    assert others == set(contract("framework")["source_modules"])


def test_no_destination_is_forgotten_by_the_contract_that_keeps_them_apart() -> None:
    folders = {module_of(path) for path in PACKAGE.glob("destinations/*/__init__.py")}
    assert folders == set(contract("destinations")["modules"])


@pytest.mark.parametrize("path", SOURCES, ids=module_of)
def test_sql_is_written_in_stores_and_reads_only(path: Path) -> None:
    module = module_of(path).removeprefix("showup.")
    if module.endswith("store") or module.startswith(WRITES_SQL):
        return
    imported = {
        name.name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "sqlalchemy"
        for name in node.names
    }
    assert not imported & SQL_WORDS


@pytest.mark.parametrize("path", [path for path in SOURCES if path.name == "__init__.py"], ids=module_of)
def test_a_room_says_what_it_is_for_and_imports_nothing(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert len(ast.get_docstring(tree) or "") > len("what it is for")
    assert len(tree.body) == 1


@pytest.mark.parametrize("path", SOURCES, ids=module_of)
def test_a_file_can_be_read_in_one_sitting(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST_FILE
