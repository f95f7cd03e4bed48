"""`showup serve`: everything in one process tree, on one address."""

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

from showup.commands.refusal import Refused

if TYPE_CHECKING:
    from showup.assembly import Ground
    from showup.settings import Settings

_BACKLOG = 2048
# After a kill -9 those who lost their parent still have the address for a moment.
_FREE_WITHIN, _BETWEEN_TRIES = 1.0, 0.02


def serve(
    host: Annotated[str | None, typer.Option(help="The address to listen on (else SHOWUP_HOST).")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="The port (else SHOWUP_PORT); 0: any free one.")
    ] = None,
    web_processes: Annotated[int, typer.Option(min=1, help="How many processes answer requests.")] = 1,
    no_work: Annotated[bool, typer.Option("--no-work", help="Only take and answer; others apply.")] = False,
) -> None:
    """Start Showup: the web server, a worker, and a database unless DATABASE_URL names one.

    Example: showup serve --host 0.0.0.0 --port 8080 --web-processes 2
    """
    from showup.commands.family import Child
    from showup.commands.running import run
    from showup.settings import load

    settings = load()
    listening = listen(host or settings.host, settings.port if port is None else port)
    fd = listening.fileno()
    children = [
        Child(name=f"web-{number}", arguments=("web", str(fd)), sockets=(fd,)) for number in range(1, web_processes + 1)
    ]
    if not no_work:
        children += [Child(name="work-1", arguments=("work",)), Child(name="deliver-1", arguments=("deliver",))]
    with listening, _counting_together(web_processes):
        run(
            settings,
            children,
            lambda ground, has_secret: _greet(settings, listening, ground, has_secret),
            adopting=True,
        )


def listen(host: str, port: int) -> socket.socket:
    """A socket that takes connections on the address; refused with a sentence when that can't be."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return _bound(host, port, family)
    except socket.gaierror:
        raise Refused(f"{host!r} is not an address of this machine: choose another --host.") from None
    except PermissionError:
        raise Refused(f"Port {port} is not for everybody: choose one above 1023 with --port.") from None
    except OSError as fault:
        other = 8001 if port != 8001 else 8002
        raise Refused(
            f"Can't listen on {host}, port {port} ({fault.strerror}). Stop the program that uses this port, or choose "
            f"another port: `SHOWUP_PORT={other} make run` or `showup serve --port {other}`."
        ) from None


def _bound(host: str, port: int, family: int) -> socket.socket:
    end = time.monotonic() + _FREE_WITHIN
    while True:
        try:
            return socket.create_server((host, port), family=family, backlog=_BACKLOG)
        except OSError as fault:
            if fault.errno != errno.EADDRINUSE or time.monotonic() > end:
                raise
        time.sleep(_BETWEEN_TRIES)


@contextmanager
def _counting_together(web_processes: int) -> Iterator[None]:
    """Gives several web processes a folder to count in, so that each of them can tell what all of them did."""
    if web_processes == 1:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="showup-metrics-") as folder:
        # Named by the library that counts, which looks for it while it is imported: in the children, not here.
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        yield


def _greet(settings: "Settings", listening: socket.socket, ground: "Ground", has_secret: bool) -> None:
    from showup.commands.greeting import Mailing, greeting

    host, port = listening.getsockname()[:2]
    address = settings.url or f"http://{f'[{host}]' if ':' in host else host}:{port}"
    embedded = settings.database_url is None
    carrier = "by Resend" if settings.resend_api_key is not None else "by SMTP" if settings.smtp_url else None
    mailing = Mailing(
        carrier=carrier,
        has_sender=bool(settings.policy.senders),
        testing=settings.reminders_before if settings.testing_mode else (),
    )
    sys.stdout.write(greeting(address, ground, embedded=embedded, has_secret=has_secret, mailing=mailing))
    sys.stdout.flush()
