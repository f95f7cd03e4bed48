"""What `showup serve` says when it runs: where it is, and what to do next."""

import shutil
import sys
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path

from msgspec import Struct

from showup.assembly import Ground
from showup.database.address import shown

_UNSIGNED = """
  {yellow}No webhook secret yet{plain}, so webhooks are refused. Any of these helps:
    {command} calcom register                      (with CALCOM_API_KEY set)
    {command} accounts rotate-secret default
    CALCOM_WEBHOOK_SECRET=… {command} serve
"""
_OUTBOX = "  Mails, kept and not sent    {address}/outbox\n"
_MAIL = "  Mails to attendees          {carrier}\n"
_TESTING = "  Reminders, to be tried out  {offsets} before a meeting (TESTING_MODE)\n"
_SENDERLESS = """
  {yellow}No sender yet{plain}, so no mail can be sent: add a row to [[senders]] in showup.toml, such as
    [[senders]]
    from = "team@example.com"
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


class Mailing(Struct, frozen=True, kw_only=True):
    """How mail of the default workspace leaves, None if it stays in the outbox; `testing`: offsets to try it with."""

    carrier: str | None
    has_sender: bool
    testing: tuple[timedelta, ...] = ()


def greeting(address: str, ground: Ground, *, embedded: bool, has_secret: bool, mailing: Mailing) -> str:
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
        mails=_mails(mailing, address),
        secret=("" if has_secret else _UNSIGNED.format(command=command, **colours))
        + ("" if mailing.carrier is None or mailing.has_sender else _SENDERLESS.format(**colours)),
        **colours,
    )


def _mails(mailing: Mailing, address: str) -> str:
    carrier = mailing.carrier
    told = _OUTBOX.format(address=address) if carrier is None else _MAIL.format(carrier=carrier)
    offsets = ", ".join(f"{one.total_seconds() / 60:g} min" for one in mailing.testing)
    return told + (_TESTING.format(offsets=offsets) if offsets else "")


def own_command() -> str:
    """How to call `showup` from where the reader is: by its name if that is found, else by its path."""
    if shutil.which("showup"):
        return "showup"
    called = Path(sys.argv[0])
    if called.name != "showup":
        return "python -m showup"
    return str(called.relative_to(Path.cwd()) if called.is_relative_to(Path.cwd()) else called)
