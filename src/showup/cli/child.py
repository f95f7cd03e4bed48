"""Runs a child of `showup serve` or `showup work`: `python -m showup.cli.child web FD | work | deliver`.

The parent writes one line of JSON to the child's stdin and keeps it open. When stdin ends, the child exits. The system
closes the pipe however the parent dies, so no child is left behind.

Only modules that load at once are imported here. A child takes time to load, and its parent may be killed meanwhile; a
new parent then needs the listening address that the child still holds.
"""

import signal
import socket
import sys
from typing import NoReturn

from showup.cli.parent_process import ParentProcess


def main() -> NoReturn:
    """Runs one child process from start to exit."""
    # Ctrl-C reaches every process of a terminal; only the parent decides what to do.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    kind, *rest = sys.argv[1:]
    parent = ParentProcess(socket.socket(fileno=int(rest[0])) if rest else None)
    from showup.cli.worker_process import run_child

    run_child(kind, parent)


if __name__ == "__main__":
    main()
