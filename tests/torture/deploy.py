"""Check the files in deploy/ with the programs that read them. What this machine doesn't have is said, and skipped.

Usage: `python -m tests.torture.deploy [CHECK ...]`, all by default. The exit status is 1 after the first fault.
Debian's packages nginx-light, caddy, pgbouncer and prometheus bring the programs. All run on 127.0.0.1.
"""

import argparse
import asyncio
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import asyncpg
import httpx2

from showup.database.embedded.server import EmbeddedPostgres
from showup.sources.calcom.signature import sign
from tests.showup_process import ADMIN_KEY, SECRET, TIMEOUT, ShowupProcess, booking_body, environment
from tests.torture.programs import wait_until

ROOT: Final = Path(__file__).parents[2]
DEPLOY: Final = ROOT / "deploy"
_KEY: Final = {"SHOWUP_SECRET_KEY": "k" * 40}
_SEARCH: Final = f"{os.environ['PATH']}:/usr/sbin:/sbin"
# Only these checks install anything, into a folder that is removed.
_KUBERNETES_VALIDATE, _MODAL = "kubernetes-validate==1.37.0", "modal==1.6.4"


def main() -> None:
    checks: dict[str, Callable[[Path], str]] = {
        "image": check_image,
        "nginx": check_nginx,
        "caddy": check_caddy,
        "pgbouncer": check_pgbouncer,
        "kubernetes": check_kubernetes,
        "modal": check_modal,
        "prometheus": check_prometheus,
    }
    parser = argparse.ArgumentParser(prog="python -m tests.torture.deploy", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *checks], metavar="CHECK", help=f"{', '.join(checks)} (all)")
    for name in parser.parse_args().names or checks:
        with tempfile.TemporaryDirectory(prefix="showup-deploy-") as folder:
            Path(folder).chmod(0o711)
            sys.stdout.write(f"{name}: {checks[name](Path(folder))}\n")
            sys.stdout.flush()


def check_image(folder: Path) -> str:
    """Run the Dockerfile's installation in a clean folder, and start its command there with its variables."""
    text = (DEPLOY / "Dockerfile").read_text().replace("\\\n", " ")
    source, target = folder / "src", folder / "opt"
    for copied in re.findall(r"^COPY (?!--from)(.*)$", text, re.MULTILINE):
        *names, _ = copied.split()
        for name in names:
            kind = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            kind(ROOT / name, source / name)
    for command in re.findall(r"^RUN (.*(?:venv|pip).*)$", text, re.MULTILINE):
        local = command.replace("/opt/showup", str(target)).replace("python -m venv", f"{sys.executable} -m venv")
        subprocess.run(local.split(), cwd=source, check=True)
    shutil.rmtree(source)
    port = _free_port()
    command = [str(target / "bin" / "showup"), "serve", "--port", str(port)]
    with _running(command, env=environment(SHOWUP_DATA_DIR=str(folder / "data"))):
        _use(f"http://127.0.0.1:{port}")
    return "the commands of the Dockerfile install Showup, and it runs without its source"


def check_nginx(folder: Path) -> str:
    """Serve through nginx, at the root and below a path."""
    program = shutil.which("nginx", path=_SEARCH)
    if program is None:
        return "skipped: this machine has no nginx"

    def configured(port: int, upstream: str, path: str) -> list[str]:
        server = (DEPLOY / "nginx.conf").read_text().replace("http://127.0.0.1:8000", upstream)
        server = server.replace("listen [::]:80;", "").replace("listen 80;", f"listen 127.0.0.1:{port};")
        server = server.replace("location / {", f"location {path}/ {{")
        places = "".join(
            f"{one}_temp_path {folder}/{one};" for one in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        config = (
            f"daemon off; pid {folder}/pid; error_log stderr; events {{}} http {{ {places} access_log off; {server} }}"
        )
        (folder / "nginx.conf").write_text(config)
        return [program, "-c", str(folder / "nginx.conf"), "-p", str(folder)]

    return _check_proxy(folder, configured)


def check_caddy(folder: Path) -> str:
    """Serve through Caddy, at the root and below a path."""
    program = shutil.which("caddy", path=_SEARCH)
    if program is None:
        return "skipped: this machine has no caddy"

    def configured(port: int, upstream: str, path: str) -> list[str]:
        text = (DEPLOY / "Caddyfile").read_text()
        if path:
            text = re.sub(r"^# ?", "", text[text.index("# example.com {") :], flags=re.MULTILINE)
        text = re.sub(r"^(showup\.)?example\.com", f"http://127.0.0.1:{port}", text, flags=re.MULTILINE)
        text = "{\n\tadmin off\n\tgrace_period 1s\n}\n" + text.replace(
            "127.0.0.1:8000", upstream.removeprefix("http://")
        )
        (folder / "Caddyfile").write_text(text)
        return [program, "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]

    return _check_proxy(folder, configured)


def _check_proxy(folder: Path, configured: Callable[[int, str, str], list[str]]) -> str:
    for path in ("", "/showup"):
        port, upstream = _free_port(), _free_port()
        variables = {"SHOWUP_URL": f"http://127.0.0.1:{port}{path}", "SHOWUP_TRUSTED_PROXIES": "127.0.0.1"}
        data = folder / f"data{path.strip('/')}"
        server = ShowupProcess("--port", str(upstream), SHOWUP_DATA_DIR=str(data), **variables)
        try:
            with _running(configured(port, f"http://127.0.0.1:{upstream}", path)):
                _use(f"http://127.0.0.1:{port}{path}")
        finally:
            server.stop(signal.SIGINT)
    return "pages, webhooks and live changes pass, at the root and below a path"


def _use(address: str) -> None:
    """Send a webhook, open the sign-in with its style sheet, and wait on the live stream for the change."""
    wait_until(lambda: _answers(f"{address}/healthz"))
    key = {"Authorization": f"Bearer {ADMIN_KEY}"}
    with httpx2.Client(timeout=TIMEOUT) as client:
        page = client.get(f"{address}/signin").raise_for_status()
        (style,) = re.findall(r'<link rel="stylesheet" href="([^"]+)"', page.text)
        client.get(str(page.url.join(style))).raise_for_status()
        with client.stream("GET", f"{address}/api/live", headers=key) as stream:
            parts = stream.iter_text()
            assert "retry:" in next(parts)
            body = booking_body()
            signed = {"X-Cal-Signature-256": sign(SECRET.encode(), body), "Content-Type": "application/json"}
            httpx2.post(f"{address}/webhooks/calcom", content=body, headers=signed).raise_for_status()
            sent_at = time.monotonic()
            assert any("event: booking" in part for part in parts)
            assert time.monotonic() - sent_at < TIMEOUT


def check_pgbouncer(folder: Path) -> str:
    """Serve through PgBouncer in transaction mode, as Supabase's pooler does, with the direct address beside it."""
    program = shutil.which("pgbouncer", path=_SEARCH)
    if program is None:
        return "skipped: this machine has no pgbouncer"
    with EmbeddedPostgres(folder / "data") as database:
        _trust_everyone(database.dsn)
        place = dict(re.findall(r"(host|port)=([^&]+)", database.dsn))
        port = _free_port()
        (folder / "users").write_text('"showup" ""\n')
        (folder / "pgbouncer.ini").write_text(
            f"[databases]\nshowup = host={place['host']} port={place['port']} user=showup\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n"
            f"pool_mode = transaction\ndefault_pool_size = 20\nauth_file = {folder}/users\n"
        )
        (folder / "pgbouncer.ini").chmod(0o644)
        user = ["-u", "nobody"] if os.geteuid() == 0 else []
        with _running([program, *user, str(folder / "pgbouncer.ini")]):
            wait_until(lambda: _listens(port))
            server = ShowupProcess(
                DATABASE_URL=f"postgresql://showup@127.0.0.1:{port}/showup?pgbouncer=true",
                DATABASE_DIRECT_URL=database.dsn,
                **_KEY,
            )
            try:
                accepted = [server.post().raise_for_status().json()["id"] for _ in range(50)]
                wait_until(lambda: all(server.event_state(one) == "applied" for one in accepted))
            finally:
                server.stop(signal.SIGINT)
    return f"{len(accepted)} webhooks were stored and applied through the pooler"


def _trust_everyone(dsn: str) -> None:
    """Let PgBouncer in, which refuses to run as root, and so runs under another account than Showup."""

    async def run(statement: str) -> str:
        connection = await asyncpg.connect(dsn)
        try:
            return str(await connection.fetchval(statement))
        finally:
            await connection.close()

    Path(asyncio.run(run("SHOW hba_file"))).write_text("local all all trust\n")
    asyncio.run(run("SELECT pg_reload_conf()"))


def check_kubernetes(folder: Path) -> str:
    """Check the manifests against Kubernetes's schemas, strictly: an unknown field is a fault."""
    python = _environment_with(folder, _KUBERNETES_VALIDATE)
    files = sorted(path for path in (DEPLOY / "kubernetes").glob("*.yaml") if path.name != "kustomization.yaml")
    subprocess.run([python.with_name("kubernetes-validate"), "--strict", *files], check=True, stdout=subprocess.DEVNULL)
    return f"{len(files)} files are valid"


def check_modal(folder: Path) -> str:
    """Load the app with Modal's own package, which checks how its decorators are used."""
    python = _environment_with(folder, _MODAL)
    script = "import modal_app as m; print(sorted(m.app.registered_functions), sorted(m.app.registered_classes))"
    loaded = subprocess.run([python, "-c", script], cwd=DEPLOY, capture_output=True, text=True, check=False)
    assert loaded.returncode == 0, loaded.stderr
    return f"loads, with {loaded.stdout.strip()}"


def check_prometheus(_: Path) -> str:
    """Check the alert rules, run their tests, and check the example of a configuration with Prometheus' own program."""
    program = shutil.which("promtool", path=_SEARCH)
    if program is None:
        return "skipped: this machine has no promtool"
    for arguments in (["check", "config", "prometheus.yaml"], ["test", "rules", "alerts_test.yaml"]):
        result = subprocess.run(
            [program, *arguments], cwd=DEPLOY / "prometheus", capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stdout + result.stderr
    return "rules and configuration are valid, and each alert fires when it should"


def _environment_with(folder: Path, requirement: str) -> Path:
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    python = folder / "venv" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", requirement], check=True)
    return python


@contextmanager
def _running(command: list[str], env: dict[str, str] | None = None) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env)
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(TIMEOUT)


def _answers(address: str) -> bool:
    try:
        return httpx2.get(address).is_success
    except httpx2.TransportError:
        return False


def _listens(port: int) -> bool:
    with socket.socket() as attempt:
        return attempt.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


if __name__ == "__main__":
    main()
