"""What `showup serve` says when it runs: where it is, and what to do next."""

import shutil
import sys
from importlib.metadata import version
from pathlib import Path

from showup.assembly import Ground
from showup.database.address import shown

_UNSIGNED = """
  {yellow}No webhook secret yet{plain}, so webhooks are refused. Either of these helps:
    {command} accounts rotate-secret default
    CALCOM_WEBHOOK_SECRET=… {command} serve
"""
_OUTBOX = """\
  Mails, kept and not sent    {address}/outbox
"""
_GREETING = """
  {bold}Showup {version}{plain} is running at {bold}{address}{plain}

  API and its documentation   {address}/docs
  Webhooks from Cal.com       {address}/webhooks/calcom
  Database                    {database}
{mails}
  Load the sample data        {command} sample
  Play a crowd of bookings    {command} simulate --url {address} --count 500 --check
  Make a key for the API      {command} keys create NAME --scope admin
{secret}
  Ctrl-C stops it.

"""


def greeting(address: str, ground: Ground, *, embedded: bool, has_secret: bool, has_mail: bool) -> str:
    """The message, in colours where a terminal shows them."""
    colours = {"bold": "\x1b[1m", "yellow": "\x1b[33m", "plain": "\x1b[0m"}
    if not sys.stdout.isatty():
        colours = dict.fromkeys(colours, "")
    command = own_command()
    return _GREETING.format(
        version=version("showup"),
        address=address,
        database=f"PostgreSQL {'(embedded) ' if embedded else ''}at {shown(ground.url)}",
        command=command,
        mails="" if has_mail else _OUTBOX.format(address=address),
        secret="" if has_secret else _UNSIGNED.format(command=command, **colours),
        **colours,
    )


def own_command() -> str:
    """How to call `showup` from where the reader is: by its name if that is found, else by its path."""
    if shutil.which("showup"):
        return "showup"
    called = Path(sys.argv[0])
    if called.name != "showup":
        return "python -m showup"
    return str(called.relative_to(Path.cwd()) if called.is_relative_to(Path.cwd()) else called)
