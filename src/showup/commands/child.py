"""What a process below `showup serve` or `showup work` runs: `python -m showup.commands.child web FD | work | deliver`.

Its stdin brings one line of JSON, and then nothing: when it ends, so does the process. However the parent
dies, the system closes the other end, and no child stays behind.

Only what starts at once is imported here. A child takes its time to load, and a parent may be killed meanwhile: whoever
is started in its place wants the address that the child holds.
"""

import signal
import socket
import sys
from typing import NoReturn

from showup.commands.parent import Parent


def main() -> NoReturn:
    """One child, from its first moment to its end."""
    # Ctrl-C reaches every process of a terminal; the parent alone decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    kind, *rest = sys.argv[1:]
    parent = Parent(socket.socket(fileno=int(rest[0])) if rest else None)
    from showup.commands.processes import run

    run(kind, parent)


if __name__ == "__main__":
    main()
