"""The settings, make targets, commands and links in the documents exist."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

import pytest
import typer

from showup.__main__ import app
from showup.connections.catalogue import KINDS
from showup.policy import Policy
from showup.settings import secret_names, variable_names

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "decisions").glob("*.md"), *(ROOT / "docs").glob("**/*.md")])


def extract_code(document: Path) -> str:
    """Returns the code in a document: indented blocks, fenced blocks and `spans`."""
    text = document.read_text()
    blocks = re.findall(r"^(?: {4}|\t)(.*)$", text, re.MULTILINE) + re.findall(
        r"^```.*?^```", text, re.MULTILINE | re.DOTALL
    )
    return "\n".join([*blocks, *re.findall(r"`([^`\n]+)`", text)])


def find_in_documents(pattern: str) -> list[tuple[str, str]]:
    return sorted({(path.name, name) for path in DOCUMENTS for name in re.findall(pattern, extract_code(path))})


class Parameter(Protocol):
    """A parameter of a command, with the names of its option."""

    opts: list[str]


class Command(Protocol):
    """A command as Typer builds it; a group also has `commands`."""

    help: str | None
    epilog: str | None
    params: list[Parameter]


def list_commands(command: Command, prefix: str = "") -> Iterator[tuple[str, Command]]:
    """Yields every command and group below `command`, with its full name."""
    subcommands: Mapping[str, Command] = getattr(command, "commands", {})
    for name, each in subcommands.items():
        full_name = f"{prefix} {name}".strip()
        yield full_name, each
        yield from list_commands(each, full_name)


COMMANDS = dict(list_commands(typer.main.get_command(app)))


def test_env_example_has_every_variable_and_no_other() -> None:
    shown = set(re.findall(r"^# ([A-Z][A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert shown == variable_names() - {f"{name}_FILE" for name in secret_names()}


def test_the_policy_example_is_valid_and_has_every_default() -> None:
    example = tomllib.loads((ROOT / "showup.example.toml").read_text())
    assert Policy.model_validate(example) == Policy()
    for table, model in (
        *(("pipeline", Policy().pipeline), ("reminders", Policy().reminders)),
        ("no_show_follow_up", Policy().no_show_follow_up),
    ):
        assert set(example[table]) == set(type(model).model_fields)


def test_the_example_tables_for_destinations_are_valid() -> None:
    shown = (ROOT / "showup.example.toml").read_text().partition("# [clickup]")
    lines = [line.removeprefix("# ") for line in "".join(shown[1:]).splitlines() if line.startswith("# ")]
    tables = tomllib.loads("\n".join(lines))
    assert set(tables) == KINDS.keys() & Policy.model_fields.keys(), "the kinds that showup.toml may define"
    assert tables == {name: getattr(Policy.model_validate(tables), name) for name in tables}
    for name, table in tables.items():
        KINDS[name].parse_settings(table)


@pytest.mark.parametrize(("document", "target"), find_in_documents(r"\bmake ([a-z]+)\b"))
def test_a_target_named_in_a_document_exists(document: str, target: str) -> None:
    targets = re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert target in targets, document


@pytest.mark.parametrize(("document", "command"), find_in_documents(r"(?:^|bin/|\s)showup ([a-z]+(?: [a-z][a-z-]*)?)"))
def test_a_command_named_in_a_document_exists(document: str, command: str) -> None:
    words = command.split()
    # A second word is a subcommand if the first one has subcommands, else an argument.
    has_subcommands = any(name.startswith(f"{words[0]} ") for name in COMMANDS)
    assert (command if has_subcommands else words[0]) in COMMANDS, document


@pytest.mark.parametrize("name", [name for name, each in COMMANDS.items() if not hasattr(each, "commands")])
def test_a_command_s_help_has_an_example(name: str) -> None:
    assert f"showup {name}" in f"{COMMANDS[name].help} {COMMANDS[name].epilog}"


# They run until they are stopped, or print a document of their own.
WITHOUT_JSON = {"serve", "work", "openapi", "mcp", "export"}


@pytest.mark.parametrize(
    "name", [name for name, each in COMMANDS.items() if not hasattr(each, "commands") and name not in WITHOUT_JSON]
)
def test_u12_a_command_prints_json_on_request(name: str) -> None:
    options = {option for parameter in COMMANDS[name].params for option in parameter.opts}
    assert "--json" in options


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_a_link_to_a_file_exists(document: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text())
    assert [link for link in links if not (document.parent / link).exists()] == []


# A placeholder in a path, and the example that stands for it.
PLACEHOLDERS = {"NAME": "twilio", "…/": "src/showup/destinations/twilio/"}
FOLDERS = (ROOT, ROOT / "src" / "showup")
FILES = sorted(ROOT.glob("src/**/*.py")) + sorted(ROOT.glob("tests/**/*.py"))


def find_files(document: str) -> list[str]:
    """Returns the Python files that a document names; `<entity>.py` is a form and not a name."""
    return sorted(set(re.findall(r"`([^`\s<]+\.py)`", (ROOT / document).read_text())))


@pytest.mark.parametrize("name", sorted({*find_files("CONTRIBUTING.md"), *find_files("ARCHITECTURE.md")}))
def test_a_file_named_in_a_guide_exists(name: str) -> None:
    for placeholder, example in PLACEHOLDERS.items():
        name = name.replace(placeholder, example)
    found = [path for folder in FOLDERS for path in folder.glob(name)]
    # A name without a folder may be that of several files, such as `store.py`.
    assert found or ("/" not in name and name in {path.name for path in FILES})


def test_every_dependency_is_pinned_to_one_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = project["dependency-groups"]
    run, check = (_pinned(name) for name in ("run", "check"))
    assert _names([*project["project"]["dependencies"], *groups["build"]]) <= set(run)
    assert _names(groups["check"]) <= set(check)
    assert run.items() <= check.items()


def _pinned(name: str) -> dict[str, str]:
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    return dict(re.findall(r"^([a-z0-9-]+)(==\S+)", text, re.MULTILINE))


def _names(requirements: list[str]) -> set[str]:
    return {match[0] for match in map(re.compile(r"[a-z0-9-]+").match, requirements) if match}
