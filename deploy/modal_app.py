"""Showup on Modal: the web server as an ASGI app, and one container that always runs the workers.

Needs two secrets of Modal: `outbound-supabase` with OUTBOUND_POSTGRES_URL, SHOWUP_SECRET_KEY and SHOWUP_URL (behind a
pooler in transaction mode also DATABASE_DIRECT_URL), and `resend-api` with RESEND_API_KEY. docs/DEPLOY.md describes it.

    modal deploy deploy/modal_app.py
"""

import subprocess
from pathlib import Path
from typing import Any

import modal

PROJECT = Path(__file__).parents[1]
SECRETS = [modal.Secret.from_name("outbound-supabase"), modal.Secret.from_name("resend-api")]
STOP_SECONDS = 20

image = (
    modal.Image.debian_slim(python_version="3.13")
    .pip_install_from_requirements(
        str(PROJECT / "requirements" / "run.txt"), extra_options="--no-deps --require-hashes"
    )
    .add_local_dir(PROJECT / "src", "/opt/source/src", copy=True, ignore=["**/__pycache__"])
    .add_local_file(PROJECT / "pyproject.toml", "/opt/source/pyproject.toml", copy=True)
    .add_local_file(PROJECT / "README.md", "/opt/source/README.md", copy=True)
    .add_local_file(PROJECT / "LICENSE", "/opt/source/LICENSE", copy=True)
    .run_commands("python -m pip install --no-deps --no-build-isolation /opt/source")
    .env({"LOG_FORMAT": "json"})
)
app = modal.App("showup", image=image, secrets=SECRETS)


@app.function(min_containers=1)
@modal.concurrent(max_inputs=200)
@modal.asgi_app()
def web() -> Any:
    """Serve the pages, the API and the webhooks."""
    from showup.cli.asgi import HostedApp

    return HostedApp()


@app.cls(min_containers=1, max_containers=1)
class Work:
    """Apply events and send deliveries, for as long as the container runs. Modal keeps one, and replaces it."""

    @modal.enter()
    def start(self) -> None:
        """Start the workers."""
        self.process = subprocess.Popen(["showup", "work"])

    @modal.exit()
    def stop(self) -> None:
        """Let the workers finish what they do. A worker that is killed instead loses nothing."""
        self.process.terminate()
        self.process.wait(STOP_SECONDS)
