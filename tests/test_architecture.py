"""Rules that the import contracts can't express: completeness of their lists, modules with SQL, form of packages."""

import ast
import tomllib
from pathlib import Path

from tests.files import faults_by_file

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "showup"
SOURCES = sorted(PACKAGE.rglob("*.py"))
MAX_FILE_LINES = 400

PURE_PACKAGES = ("pipeline", "people", "companies", "bookings", "deals")
IMPURE_MODULES = ("store",)
SQL_MODULES = ("database", "reads", "inbox", "projector.audit_log", "outbox.store")
SQL_WORDS = {"select", "insert", "update", "delete", "text", "func", "exists", "union_all"}


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


def find_contract(contract_id: str) -> dict[str, list[str]]:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    matching: dict[str, list[str]] = next(each for each in contracts if each["id"] == contract_id)
    return matching


def test_the_pure_contract_lists_every_pure_module() -> None:
    impure = tuple(f"showup.{name}" for name in IMPURE_MODULES)
    pure = {
        module_of(path)
        for path in SOURCES
        if path.relative_to(PACKAGE).parts[0] in PURE_PACKAGES
        and path.name not in ("__init__.py", "store.py")
        and not module_of(path).startswith(impure)
    }
    boundary_modules = [*PACKAGE.glob("sources/*/translate.py"), *PACKAGE.glob("destinations/*/render.py")]
    pure |= {module_of(path) for path in boundary_modules}
    # The others of these read files or the database.
    pure |= {f"showup.campaigns.{name}" for name in ("campaign", "funnel", "lead", "match", "name_match")}
    pure |= {f"showup.campaigns.lead_file.{name}" for name in ("cells", "columns", "rows")}
    pure |= {
        f"showup.analysis.{name}"
        for name in ("distribution", "facts", "groups", "movement", "outcomes", "sections", "subjects")
    }
    pure |= {"showup.events", "showup.outbox.expiry", "showup.outbox.planned", "showup.values"}
    pure |= {"showup.proposals.document", "showup.proposals.proposal"}
    pure |= {"showup.assistant.approval", "showup.assistant.outside_text"}
    pure |= {"showup.destinations.prefect.steps", "showup.destinations.record_status"}
    pure |= {"showup.sources.emailbison.leads"}
    assert pure == set(find_contract("pure")["source_modules"])


def test_the_single_writer_contract_lists_every_store() -> None:
    stores = {"showup.campaigns.matches_store", "showup.proposals.store"}
    stores |= {f"showup.{package}.store" for package in PURE_PACKAGES if (PACKAGE / package / "store.py").exists()}
    assert stores == set(find_contract("single-writer")["protected_modules"])


def test_the_framework_contract_lists_every_package() -> None:
    # A folder of caches stays behind where an earlier version had a package.
    packages = {f"showup.{path.parent.name}" for path in PACKAGE.glob("*/__init__.py")}
    packages |= {f"showup.{path.stem}" for path in PACKAGE.glob("*.py")}
    others = packages - {"showup.__init__", "showup.web", "showup.container"}
    assert others == set(find_contract("framework")["source_modules"])


def test_the_destinations_contract_lists_every_destination() -> None:
    folders = {module_of(path) for path in PACKAGE.glob("destinations/*/__init__.py")}
    assert folders == set(find_contract("destinations")["modules"])


def imported_sql_words(path: Path) -> list[str]:
    module = module_of(path).removeprefix("showup.")
    if module.endswith("store") or module.startswith(SQL_MODULES):
        return []
    imported = {
        name.name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "sqlalchemy"
        for name in node.names
    }
    return sorted(imported & SQL_WORDS)


def test_sql_is_written_in_stores_and_reads_only() -> None:
    assert faults_by_file(SOURCES, imported_sql_words) == {}


def test_a_package_states_its_purpose_and_imports_nothing() -> None:
    packages = [path for path in SOURCES if path.name == "__init__.py"]
    trees = {module_of(path): ast.parse(path.read_text()) for path in packages}
    assert [name for name, tree in trees.items() if len(ast.get_docstring(tree) or "") <= len("its purpose")] == []
    assert [name for name, tree in trees.items() if len(tree.body) != 1] == []


def test_a_file_is_at_most_400_lines() -> None:
    # A migration is a list of statements that only its author reads.
    lengths = {path: len(path.read_text().splitlines()) for path in SOURCES if path.parent.name != "versions"}
    assert {module_of(path): length for path, length in lengths.items() if length > MAX_FILE_LINES} == {}
