"""RU3: the files in deploy/ name only what exists: commands, settings, paths, pages."""

import configparser
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import typer.main
import yaml

from showup.__main__ import app as cli
from showup.settings import variable_names
from tests.test_docs import ROOT

DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
# Variables of the image's other programs.
FOREIGN = {"PATH", "PYTHONUNBUFFERED", "POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD"}


def kubernetes_objects() -> list[dict[str, Any]]:
    files = sorted(KUBERNETES.glob("*.yaml"))
    return [one for path in files for one in yaml.safe_load_all(path.read_text())]


def pods() -> dict[str, dict[str, Any]]:
    workloads = [one for one in kubernetes_objects() if one["kind"] in ("Deployment", "Job")]
    return {one["metadata"]["name"]: one["spec"]["template"]["spec"] for one in workloads}


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return found


def unit() -> configparser.SectionProxy:
    parser = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign] # the names of settings have capitals
    parser.read(DEPLOY / "showup.service")
    return parser["Service"]


def dockerfile() -> list[tuple[str, str]]:
    """Returns the instructions of the Dockerfile with their arguments."""
    text = re.sub(r"^#.*\n", "", (DEPLOY / "Dockerfile").read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    return [tuple(line.split(maxsplit=1)) for line in text.splitlines() if line.strip()]  # type: ignore[misc]


def started_commands() -> Iterator[tuple[str, list[str]]]:
    """Yields each command of Showup that a file starts."""
    (default,) = [yaml.safe_load(value) for name, value in dockerfile() if name == "CMD"]
    yield "Dockerfile", default
    for name in ("web", "work"):
        yield f"compose {name}", compose()["services"][name]["command"]
    yield "systemd", shlex.split(unit()["ExecStart"])[1:]
    for name, pod in pods().items():
        yield f"kubernetes {name}", pod["containers"][0]["args"]
    for started in re.findall(r'Popen\(\["showup", (.*?)\]\)', (DEPLOY / "modal_app.py").read_text()):
        yield "modal", [word.strip('" ') for word in started.split(",")]


@pytest.mark.parametrize(("where", "arguments"), list(started_commands()), ids=str)
def test_ru3_each_started_command_exists_with_its_options(where: str, arguments: list[str]) -> None:
    group = typer.main.get_command(cli)
    assert isinstance(group, click.Group) or hasattr(group, "commands"), where
    command = group.commands[arguments[0]]  # type: ignore[attr-defined]
    # Raises an error for an option that doesn't exist.
    command.make_context(arguments[0], arguments[1:])


def set_variables() -> Iterator[tuple[str, str]]:
    for name, value in dockerfile():
        if name == "ENV":
            yield from (("Dockerfile", one) for one in re.findall(r"(\w+)=", value))
    yield from (("systemd", one) for one in re.findall(r"(\w+)=", unit()["Environment"]))
    environment = (DEPLOY / "compose.env.example").read_text()
    yield from (("compose", one) for one in re.findall(r"^(\w+)=", environment, re.MULTILINE))
    (settings,) = [one for one in kubernetes_objects() if one["kind"] == "ConfigMap"]
    yield from (("kubernetes", one) for one in settings["data"])
    yield from (("modal", one) for one in re.findall(r'"([A-Z_]{4,})":', (DEPLOY / "modal_app.py").read_text()))


@pytest.mark.parametrize(("where", "name"), list(set_variables()))
def test_ru3_each_variable_is_a_setting(where: str, name: str) -> None:
    assert name in {*variable_names(), *FOREIGN}, where


def test_ru3_the_image_copies_what_exists_and_installs_without_resolving() -> None:
    ignored = {line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")}
    copied = [value.split()[:-1] for name, value in dockerfile() if name == "COPY" and "--from" not in value]
    assert copied
    for source in (one for sources in copied for one in sources):
        assert (ROOT / source).exists(), source
        assert source not in ignored, source
    installs = [value for name, value in dockerfile() if name == "RUN" and "pip install" in value]
    assert len(installs) == 2
    for install in installs:
        assert "--no-deps" in install, install
    assert {"--require-hashes", "requirements/run.txt"} <= set(installs[0].split())


def test_ru3_the_image_does_not_run_as_root() -> None:
    users = [value for name, value in dockerfile() if name == "USER"]
    assert users == ["10001"]
    for name, pod in pods().items():
        assert pod["securityContext"]["runAsUser"] == 10001, name
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        (container,) = pod["containers"]
        assert container["securityContext"]["readOnlyRootFilesystem"] is True, name
        assert container["resources"]["limits"]["memory"], name


def test_ru3_probes_ask_pages_that_exist() -> None:
    openapi = (ROOT / "docs" / "openapi.json").read_text()
    (container,) = pods()["showup-web"]["containers"]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert f'"{container[probe]["httpGet"]["path"]}"' in openapi, probe
    (check,) = [value for name, value in dockerfile() if name == "HEALTHCHECK"]
    assert re.findall(r"127\.0\.0\.1:8000(/\w+)", check) == ["/readyz"]


def test_ru3_kubernetes_objects_fit_together() -> None:
    objects = kubernetes_objects()
    (kustomization,) = [one for one in objects if one["kind"] == "Kustomization"]
    objects.remove(kustomization)
    files = {path.name for path in KUBERNETES.glob("*.yaml")} - {"kustomization.yaml"}
    assert set(kustomization["resources"]) == files
    by_kind = {one["kind"]: one for one in objects}
    (web,) = [one for one in objects if one["kind"] == "Deployment" and one["metadata"]["name"] == "showup-web"]
    labels = web["spec"]["template"]["metadata"]["labels"]
    assert by_kind["Service"]["spec"]["selector"] == labels
    backend = by_kind["Ingress"]["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]
    assert backend["name"] == by_kind["Service"]["metadata"]["name"]
    assert by_kind["ConfigMap"]["data"]["SHOWUP_URL"] == f"https://{by_kind['Ingress']['spec']['rules'][0]['host']}"
    for name, pod in pods().items():
        sources = pod["containers"][0]["envFrom"]
        assert [one.get("configMapRef", one.get("secretRef"))["name"] for one in sources] == ["showup", "showup"], name


def test_ru3_compose_starts_the_web_server_before_the_workers() -> None:
    services = compose()["services"]
    assert services["web"]["depends_on"] == {"database": {"condition": "service_healthy"}}
    assert services["work"]["depends_on"] == {"web": {"condition": "service_healthy"}}
    assert services["web"]["env_file"] == "compose.env"
    assert (DEPLOY / "compose.env.example").exists()
    ignored = subprocess.run(["git", "check-ignore", "-q", "deploy/compose.env"], cwd=ROOT, check=False)
    assert ignored.returncode == 0, "deploy/compose.env holds secrets, and must not be committed"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="this machine has no systemd")
def test_ru3_systemd_accepts_the_unit(tmp_path: Path) -> None:
    text = (DEPLOY / "showup.service").read_text().replace("/opt/showup/bin/showup", "/bin/true")
    (tmp_path / "showup.service").write_text(text)
    verified = subprocess.run(
        ["systemd-analyze", "verify", str(tmp_path / "showup.service")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (verified.returncode, verified.stderr) == (0, "")
