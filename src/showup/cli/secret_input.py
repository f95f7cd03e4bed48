"""Reads a secret of a command from stdin, a file or an option."""

import sys
from pathlib import Path

from showup.cli.errors import CliError

STDIN = "-"
_MAX_LENGTH = 10_000


def read_secret(value: str | None, file: Path | None, option: str) -> str | None:
    """Returns the secret, without the line's end; None if the command has none. Raises CliError.

    `value` is the option's own: a dash reads stdin. `file` is that of the option with `-file` after it.
    """
    if value is not None and file is not None:
        raise CliError(f"{option} and {option}-file can't be used together. Use {option}-file.")
    if value is None and file is None:
        return None
    if value is not None and value != STDIN:
        message = f"{option}: other accounts of this machine can see the secret in the list of processes."
        print(f"Warning: {message} Use `{option} -` to read stdin, or {option}-file.", file=sys.stderr)
        return value
    return _read_line(file, option)


def _read_line(file: Path | None, option: str) -> str:
    from_stdin = file is None or str(file) == STDIN
    try:
        if from_stdin or file is None:
            text = sys.stdin.read(_MAX_LENGTH)
        else:
            with file.open(encoding="utf-8") as opened:
                text = opened.read(_MAX_LENGTH)
    except (OSError, UnicodeDecodeError) as fault:
        raise CliError(f"{option}: {'stdin' if from_stdin else file} can't be read ({type(fault).__name__}).") from None
    secret = text.strip("\r\n")
    if "\n" in secret:
        raise CliError(f"{option}: the input has several lines. Write only the secret.")
    return secret
