"""Formats the banner that `showup serve` prints at start: its address and the next steps."""

import shutil
import sys
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path

from msgspec import Struct

from showup.access.account import DEFAULT
from showup.cli.supervisor import Ready
from showup.database.address import redact

_CONNECT_STEPS = """
  {yellow}No account has a webhook secret{plain}, so Showup refuses webhooks. Set one with one of these commands:
    {command} calcom register                      (with CALCOM_API_KEY set)
    {command} accounts rotate-secret default
    CALCOM_WEBHOOK_SECRET=… {command} serve
"""
_FIRST_RUN = """
  Open this link to begin. It works once, within 24 hours:
    {bold}{address}/signin/{token}{plain}
"""
_MAIL_PREVIEW = "  Mail preview (not sent)     {address}/mail\n"
_MAIL_CARRIER = "  Mails to attendees          {carrier}\n"
_TEST_REMINDERS = "  Reminders for testing       {offsets} before a meeting (TESTING_MODE)\n"
_NO_SENDER_HINT = """
  {yellow}showup.toml names no sender{plain}, so only workspaces with a sender of their own can send mail. Add one in
  the dashboard, under Settings, Senders, or in showup.toml, such as
    [[senders]]
    from = "team@example.com"
  and restart Showup.
"""
_BANNER = """
  {bold}Showup {version}{plain} is running at {bold}{address}{plain}
{first_run}
  API and its documentation   {address}/docs
  Webhooks from Cal.com       {webhooks}
  Database                    {database}
{mails}
  Load the sample data        {command} sample
  Simulate many bookings      {command} simulate --url {address} --count 500 --check
  Create an API key           {command} keys create NAME --scope admin
{secret}
  Press Ctrl-C to stop.

"""


class MailStatus(Struct, frozen=True, kw_only=True):
    """How the default workspace sends mail.

    `carrier`: None for the mail preview. `test_offsets`: the reminder offsets of testing mode.
    """

    carrier: str | None
    has_sender: bool
    test_offsets: tuple[timedelta, ...] = ()


def format_banner(address: str, ready: Ready, *, embedded: bool, mail: MailStatus) -> str:
    """Returns the banner, in colours if the terminal shows them."""
    accounts, token = ready.accounts, ready.first_run_token
    colours = {"bold": "\x1b[1m", "yellow": "\x1b[33m", "plain": "\x1b[0m"}
    if not sys.stdout.isatty():
        colours = dict.fromkeys(colours, "")
    command = own_command()
    return _BANNER.format(
        version=version("showup"),
        address=address,
        first_run=_FIRST_RUN.format(address=address, token=token, **colours) if token else "",
        webhooks=_format_webhooks(address, accounts, command),
        database=f"PostgreSQL {'(embedded) ' if embedded else ''}at {redact(ready.config.url)}",
        command=command,
        mails=_format_mail(mail, address),
        secret=("" if accounts else _CONNECT_STEPS.format(command=command, **colours))
        + ("" if mail.carrier is None or mail.has_sender else _NO_SENDER_HINT.format(**colours)),
        **colours,
    )


def _format_webhooks(address: str, accounts: tuple[str, ...], command: str) -> str:
    """Returns the address of the first account that has a secret: the others' webhooks would be refused."""
    first, *others = accounts or (DEFAULT,)
    url = f"{address}/webhooks/calcom" if first == DEFAULT else f"{address}/webhooks/calcom/{first}"
    return f"{url} (and {len(others)} more: {command} accounts list)" if others else url


def _format_mail(mail: MailStatus, address: str) -> str:
    carrier = mail.carrier
    line = _MAIL_PREVIEW.format(address=address) if carrier is None else _MAIL_CARRIER.format(carrier=carrier)
    offsets = ", ".join(f"{offset.total_seconds() / 60:g} min" for offset in mail.test_offsets)
    return line + (_TEST_REMINDERS.format(offsets=offsets) if offsets else "")


def own_command() -> str:
    """Returns the command to call `showup` from the current folder: its name if it is on the PATH, else its path."""
    if shutil.which("showup"):
        return "showup"
    program = Path(sys.argv[0])
    if program.name != "showup":
        return "python -m showup"
    return str(program.relative_to(Path.cwd()) if program.is_relative_to(Path.cwd()) else program)
