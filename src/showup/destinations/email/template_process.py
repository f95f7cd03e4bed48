"""The process that renders an operator's own templates, so that a template can exhaust only this process.

Started by `isolated_templates` as `python -m … FILE-DESCRIPTOR FOLDER`; ends when its parent closes the connection.
"""

import contextlib
import resource
import signal
import sys
from collections.abc import Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import msgspec

from showup.destinations.contract import CannotRender
from showup.destinations.email.templates import RenderedMail, TemplateQuery, Templates

CPU_SECONDS: Final = 2.0
"""The processor time that the templates of one mail may take; usual ones take milliseconds."""

READY: Final = b"ready"
_MAX_MEMORY: Final = 1024 * 1024 * 1024


class Answer(msgspec.Struct, frozen=True):
    """The answer to one request: the mail, or why it can't be rendered."""

    mail: RenderedMail | None = None
    fault: str = ""


def main(descriptor: str, folder: str) -> None:
    """Answers requests until the parent ends."""
    # A user's Ctrl-C reaches this process too, but its parent decides when it ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(ValueError, OSError):
        # Not every system supports this limit; the one on processor time remains.
        resource.setrlimit(resource.RLIMIT_AS, (_MAX_MEMORY, _MAX_MEMORY))
    templates = Templates(Path(folder))
    with Connection(int(descriptor)) as connection, contextlib.suppress(EOFError, ConnectionError):
        connection.send_bytes(READY)
        while True:
            request = connection.recv()
            # Without a handler, SIGPROF ends the process wherever it is, also inside a C function.
            signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
            answer = _render(templates, request)
            signal.setitimer(signal.ITIMER_PROF, 0)
            connection.send_bytes(msgspec.json.encode(answer))


def _render(templates: Templates, request: tuple[TemplateQuery, Mapping[str, Any]]) -> Answer:
    try:
        return Answer(mail=templates.render(*request))
    except CannotRender as fault:
        return Answer(fault=str(fault))


if __name__ == "__main__":
    main(*sys.argv[1:])
