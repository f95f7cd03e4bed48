"""Renders an operator's own templates in a separate process, with limits on time, memory and size."""

import signal
import subprocess
import sys
import time
import weakref
from collections.abc import Mapping
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Final

import msgspec

from showup.destinations.contract import CannotRender
from showup.destinations.email.settings import check_folder
from showup.destinations.email.template_process import CPU_SECONDS, READY, Answer
from showup.destinations.email.templates import RenderedMail, TemplateQuery

_START_TIMEOUT: Final = 20.0
# For a process that can't run: the limit on processor time ends one that runs.
_ANSWER_TIMEOUT: Final = 15.0
# After a template has reached the limit, its next mails fail at once, so that they don't hold up other mails.
_REFUSED_FOR: Final = 60.0
_TOO_SLOW: Final = f"took more than {CPU_SECONDS:g} s of processor time: simplify its loops"


class IsolatedTemplates:
    """Templates like `templates.Templates`, with the same errors; the process starts with the first mail.

    Raises CannotRender when the folder does not exist.
    """

    def __init__(self, folder: Path) -> None:
        check_folder(folder)
        self._folder = folder
        self._process: _TemplateProcess | None = None
        self._refused_until: dict[TemplateQuery, float] = {}

    def render(self, query: TemplateQuery, variables: Mapping[str, object]) -> RenderedMail:
        """Renders the templates of one mail. Raises CannotRender."""
        name = query.names[0]
        if time.monotonic() < self._refused_until.get(query, 0):
            raise CannotRender(f"the templates of {name} {_TOO_SLOW}.")
        # Once more, because a process may also have been ended by the operating system or by a user.
        for _ in range(2):
            try:
                self._process = self._process or _TemplateProcess(self._folder)
                answer = self._process.ask(query, variables)
            except _TooSlow:
                self._process = None
                self._refused_until[query] = time.monotonic() + _REFUSED_FOR
                raise CannotRender(f"the templates of {name} {_TOO_SLOW}.") from None
            except (EOFError, OSError):
                self._process = None
                continue
            if answer.mail is None:
                raise CannotRender(answer.fault)
            return answer.mail
        raise CannotRender(f"{name}: the process that renders templates ended unexpectedly.")


class _TooSlow(Exception):
    """The process reached its limit on processor time."""


class _TemplateProcess:
    """One process, and the connection to it; it ends with this object."""

    def __init__(self, folder: Path) -> None:
        self._connection, theirs = Pipe()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603  # our own module
                [sys.executable, "-m", "showup.destinations.email.template_process", str(theirs.fileno()), str(folder)],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        self._stop = weakref.finalize(self, _stop, self._process, self._connection)
        if not self._connection.poll(_START_TIMEOUT) or self._connection.recv_bytes() != READY:
            raise EOFError

    def ask(self, *request: object) -> Answer:
        """Returns the answer. Raises _TooSlow, and EOFError or OSError when the process has ended."""
        try:
            self._connection.send(request)
            if not self._connection.poll(_ANSWER_TIMEOUT):
                raise _TooSlow
            return msgspec.json.decode(self._connection.recv_bytes(), type=Answer)
        except (EOFError, OSError, _TooSlow) as fault:
            self._stop()
            if self._process.returncode == -signal.SIGPROF:
                raise _TooSlow from fault
            raise


def _stop(process: subprocess.Popen[bytes], connection: Connection) -> None:
    connection.close()
    # A process that has ended already keeps its own exit code.
    if process.poll() is None:
        process.kill()
    process.wait()
