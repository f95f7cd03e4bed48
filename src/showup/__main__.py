"""The commands of Showup: `showup NOUN …`, or `python -m showup`."""

import sys
from typing import Annotated

import typer

from showup.commands import accounts, calcom, connections, deliveries, email, keys, workspaces
from showup.commands.doctor import doctor
from showup.commands.migrate import migrate
from showup.commands.openapi import openapi
from showup.commands.rebuild import rebuild
from showup.commands.refusal import sentence_of
from showup.commands.sample import sample
from showup.commands.serve import serve
from showup.commands.simulate import simulate
from showup.commands.verify import verify
from showup.commands.work import work

app = typer.Typer(
    name="showup",
    no_args_is_help=True,
    # A traceback with local variables would show secrets.
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (serve, work, migrate, sample, simulate, doctor, verify, openapi, rebuild):
    app.command()(command)
for name, nouns in (("accounts", accounts), ("workspaces", workspaces), ("connections", connections)):
    app.add_typer(nouns.app, name=name)
app.add_typer(calcom.app, name="calcom")
app.add_typer(keys.app, name="keys")
app.add_typer(deliveries.app, name="deliveries")
app.add_typer(email.app, name="email")


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"showup {version('showup')}")
        raise typer.Exit


@app.callback()
def showup(
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Say it.")] = False,
) -> None:
    """Turn Cal.com bookings into a sales pipeline. `showup serve` starts it."""


def main() -> None:
    """The console script: an expected fault becomes one sentence on stderr and exit code 1."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as fault:
        if (sentence := sentence_of(fault)) is None:
            raise
        print(sentence, file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
