"""Registers the commands of Showup: `showup NOUN …`, or `python -m showup`."""

import sys
from typing import Annotated

import typer

from showup.cli import (
    accounts,
    calcom,
    connections,
    deliveries,
    email,
    emailbison,
    keys,
    leads,
    secrets,
    teammates,
    workspaces,
)
from showup.cli.acknowledge import acknowledge
from showup.cli.backup import backup, restore
from showup.cli.doctor import doctor
from showup.cli.errors import expected_message
from showup.cli.mcp import mcp
from showup.cli.migrate import migrate
from showup.cli.openapi import openapi
from showup.cli.privacy import erase, export
from showup.cli.rebuild import rebuild
from showup.cli.retention import retention
from showup.cli.sample import sample
from showup.cli.serve import serve
from showup.cli.simulate import simulate
from showup.cli.statement import statement
from showup.cli.verify import verify
from showup.cli.work import work

app = typer.Typer(
    name="showup",
    no_args_is_help=True,
    # A traceback with local variables would show secrets.
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
COMMANDS = (
    *(serve, work, migrate, sample, simulate, doctor, acknowledge, statement, verify, openapi, rebuild),
    *(backup, restore, mcp, export, erase, retention),
)
for command in COMMANDS:
    app.command()(command)
for name, nouns in (("accounts", accounts), ("workspaces", workspaces), ("connections", connections)):
    app.add_typer(nouns.app, name=name)
app.add_typer(calcom.app, name="calcom")
app.add_typer(keys.app, name="keys")
app.add_typer(teammates.app, name="teammates")
app.add_typer(deliveries.app, name="deliveries")
app.add_typer(email.app, name="email")
app.add_typer(leads.app, name="leads")
app.add_typer(emailbison.app, name="emailbison")
app.add_typer(secrets.app, name="secrets")


def _print_version(requested: bool) -> None:
    if requested:
        from importlib.metadata import version

        print(f"showup {version('showup')}")
        raise typer.Exit


@app.callback()
def showup(
    _: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Turn Cal.com bookings into a sales pipeline. Run `showup serve` to start."""


def main() -> None:
    """Runs the console script; an expected fault becomes one sentence on stderr and exit code 1."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as fault:
        if (sentence := expected_message(fault)) is None:
            raise
        print(sentence, file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
