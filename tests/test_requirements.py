"""The pinned lists are complete, so that their installation never resolves versions from an index.

`make` installs them with `--no-deps`: a requirement that a list lacks would be missing at run time, and one that a
list has at another version would be wrong. These tests search the metadata of the installed packages for both, for
every Python and platform that Showup supports.
"""

import re
import subprocess
import tomllib
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
PLATFORMS = {
    "linux": {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix", "platform_machine": "x86_64"},
    "linux-arm": {
        "sys_platform": "linux",
        "platform_system": "Linux",
        "os_name": "posix",
        "platform_machine": "aarch64",
    },
    "mac": {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix", "platform_machine": "arm64"},
}
ENVIRONMENTS = [
    pytest.param(
        {"python_version": python, "python_full_version": f"{python}.0", "implementation_name": "cpython"}
        | {"platform_python_implementation": "CPython"}
        | platform,
        id=f"{python}-{name}",
    )
    for python in PYTHONS
    for name, platform in PLATFORMS.items()
]
# Each list contains the project's own requirements, these groups and these extras.
GROUPS = {"run": ("build",), "check": ("build", "check")}
EXTRAS = {"run": (), "check": ("otel",)}


def roots(name: str) -> list[Requirement]:
    groups = PROJECT["dependency-groups"]
    extras = PROJECT["project"]["optional-dependencies"]
    wanted = [
        *PROJECT["project"]["dependencies"],
        *(line for group in GROUPS[name] for line in groups[group]),
        *(line for extra in EXTRAS[name] for line in extras[extra]),
    ]
    return [Requirement(line) for line in wanted]


def pins(text: str, environment: dict[str, str]) -> dict[str, Version]:
    """Returns the versions that a list installs in an environment, by canonical name."""
    lines = [line.rstrip(" \\") for line in text.splitlines() if re.match(r"[a-z0-9]", line)]
    requirements = [Requirement(line) for line in lines]
    return {
        canonicalize_name(each.name): Version(str(each.specifier).removeprefix("=="))
        for each in requirements
        if each.marker is None or each.marker.evaluate(environment)
    }


def requirements_of(name: str, extras: Iterable[str], environment: dict[str, str]) -> Iterator[Requirement]:
    """Yields the requirements of an installed distribution in an environment, with these extras."""
    try:
        lines = metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return  # Pinned for another Python or platform, so its metadata is not on this machine.
    for requirement in map(Requirement, lines):
        contexts = [environment | {"extra": extra} for extra in ("", *extras)]
        if requirement.marker is None or any(requirement.marker.evaluate(each) for each in contexts):
            yield requirement


def faults(wanted: Iterable[Requirement], pinned: dict[str, Version], environment: dict[str, str]) -> list[str]:
    """Returns every direct or indirect requirement that the pins lack or contradict."""
    found: list[str] = []
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = [("pyproject.toml", each) for each in wanted]
    while waiting:
        by, requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        if name not in pinned:
            found.append(f"{by} requires {requirement}, which is not pinned")
        elif not requirement.specifier.contains(pinned[name], prereleases=True):
            found.append(f"{by} requires {requirement}, but {pinned[name]} is pinned")
        if (name, frozenset(requirement.extras)) in seen:
            continue
        seen.add((name, frozenset(requirement.extras)))
        waiting += [(name, each) for each in requirements_of(name, requirement.extras, environment)]
    return found


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("name", GROUPS)
def test_a_list_has_every_requirement_of_its_packages(name: str, environment: dict[str, str]) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    assert faults(roots(name), pins(text, environment), environment) == []


def test_a_requirement_that_is_missing_or_outdated_is_found() -> None:
    environment = ENVIRONMENTS[0].values[0]
    assert isinstance(environment, dict)
    text = (ROOT / "requirements" / "check.txt").read_text()
    pinned = pins(text, environment)
    without = {name: version for name, version in pinned.items() if name != "coverage"}
    (missing,) = faults([Requirement("pytest-cov")], without, environment)
    assert missing.startswith("pytest-cov requires coverage[toml]")
    outdated = pinned | {"coverage": Version("1.0")}
    assert any("but 1.0 is pinned" in fault for fault in faults([Requirement("pytest-cov")], outdated, environment))


@pytest.mark.parametrize("name", GROUPS)
def test_the_installed_versions_match_the_list(name: str) -> None:
    pinned = pins((ROOT / "requirements" / f"{name}.txt").read_text(), {})
    assert {each: metadata.version(each) for each in pinned} == {each: str(at) for each, at in pinned.items()}


def installs(target: str, folder: Path) -> list[str]:
    """Returns the lines with which `make TARGET` would call pip or uv in a clean clone."""
    for part in ("Makefile", "pyproject.toml", "requirements"):
        (folder / part).symlink_to(ROOT / part)
    printed = subprocess.run(["make", "-n", target], cwd=folder, capture_output=True, text=True, check=True).stdout
    return [line for line in printed.splitlines() if re.search(r"\b(pip|uv)\b.*\b(install|sync|add|compile)\b", line)]


@pytest.mark.parametrize("target", ["run", "test", "check", "bench", "torture", "histories", "format"])
def test_no_target_resolves_versions_again(target: str, tmp_path: Path) -> None:
    lines = installs(target, tmp_path)
    # The torture tests need Node too, in a list of its own, and a Prefect server, in an environment of its own.
    if target == "torture":
        assert {"--no-deps", "--require-hashes"} <= set(lines.pop().split())
    assert len(lines) == (4 if target == "torture" else 2), lines
    for pinned, project in zip(lines[::2], lines[1::2], strict=True):
        assert {"--no-deps", "--require-hashes"} <= set(pinned.split())
        assert {"--no-deps", "--no-build-isolation"} <= set(project.split())


def test_only_make_pins_resolves_versions(tmp_path: Path) -> None:
    assert sum("uv pip compile" in line for line in installs("pins", tmp_path)) == 4
