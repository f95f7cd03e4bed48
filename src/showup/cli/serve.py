"""Implements `showup serve`: runs everything in one process tree, on one address."""

import errno
import os
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from showup.cli.errors import CliError

if TYPE_CHECKING:
    from showup.cli.supervisor import Ready
    from showup.settings import Settings

_BACKLOG = 2048
# After a kill -9, the orphaned children still hold the address for a moment.
_BIND_TIMEOUT, _BIND_RETRY_DELAY = 1.0, 0.02


def serve(
    host: Annotated[str | None, typer.Option(help="The address to listen on. Default: SHOWUP_HOST.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="The port; 0 for any free port. Default: SHOWUP_PORT.")
    ] = None,
    web_processes: Annotated[int, typer.Option(min=1, help="How many web processes to start.")] = 1,
    no_work: Annotated[bool, typer.Option("--no-work", help="Start no workers; run `showup work` for them.")] = False,
) -> None:
    """Start Showup: the web server, the workers, and an embedded database unless DATABASE_URL names another one.

    Example: showup serve --host 0.0.0.0 --port 8080 --web-processes 2
    """
    from showup.cli.settings_check import load_checked
    from showup.cli.supervisor import Plan, supervise

    with _shared_metrics_folder(web_processes):
        settings = load_checked()
        with open_listen_socket(host or settings.host, settings.port if port is None else port) as listen_socket:
            plan = Plan(
                web_processes=web_processes,
                workers=0 if no_work else 1,
                listen_socket=listen_socket,
                sync_settings=True,
            )
            supervise(settings, plan, lambda ready: _print_banner(settings, listen_socket, ready))


def open_listen_socket(host: str, port: int) -> socket.socket:
    """Returns a socket that listens on the address. Raises CliError if that is not possible."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return _bind(host, port, family)
    except socket.gaierror:
        raise CliError(f"{host!r} is not an address of this machine. Choose another --host.") from None
    except PermissionError:
        raise CliError(f"This account may not use port {port}. Choose a port above 1023 with --port.") from None
    except OSError as fault:
        other = 8001 if port != 8001 else 8002
        raise CliError(
            f"Can't listen on {host}, port {port} ({fault.strerror}). Stop the program that uses this port, or choose "
            f"another port: `SHOWUP_PORT={other} make run` or `showup serve --port {other}`."
        ) from None


def _bind(host: str, port: int, family: int) -> socket.socket:
    deadline = time.monotonic() + _BIND_TIMEOUT
    while True:
        try:
            return socket.create_server((host, port), family=family, backlog=_BACKLOG)
        except OSError as fault:
            if fault.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                raise
        time.sleep(_BIND_RETRY_DELAY)


@contextmanager
def _shared_metrics_folder(web_processes: int) -> Iterator[None]:
    """Creates a metrics folder that several web processes share, so that each can report the totals of all."""
    if web_processes == 1:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="showup-metrics-") as folder:
        # prometheus_client defines this name and reads it at import, which comes later.
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        yield


def _print_banner(settings: "Settings", listen_socket: socket.socket, ready: "Ready") -> None:
    from showup.cli.banner import MailStatus, format_banner

    host, port = listen_socket.getsockname()[:2]
    address = settings.url or f"http://{f'[{host}]' if ':' in host else host}:{port}"
    embedded = settings.database_url is None
    carrier = "by Resend" if settings.resend_api_key is not None else "by SMTP" if settings.smtp_url else None
    mail = MailStatus(
        carrier=carrier,
        has_sender=bool(settings.policy.senders),
        test_offsets=settings.rules.remind_before if settings.testing_mode else (),
    )
    sys.stdout.write(format_banner(address, ready, embedded=embedded, mail=mail))
    sys.stdout.flush()
