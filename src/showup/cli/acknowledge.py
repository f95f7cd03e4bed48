"""Implements `showup acknowledge`: ends the warnings of `showup doctor` about faults that a person has dealt with."""

from typing import TYPE_CHECKING, Annotated

import typer

from showup.cli.errors import CliError
from showup.cli.output import print_json, print_table
from showup.cli.runner import run_command

if TYPE_CHECKING:
    from showup.access.acknowledgements_store import Acknowledgement
    from showup.container import Container

_SHOWN = 100


def acknowledge(
    subjects: Annotated[
        list[str] | None, typer.Argument(metavar="SUBJECT…", help="The subjects of warnings, as `showup doctor` shows.")
    ] = None,
    because: Annotated[str | None, typer.Option(help="What you did about it; the list shows it.")] = None,
    list_all: Annotated[bool, typer.Option("--list", help="List the acknowledgements, newest first.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Acknowledge warnings of `showup doctor`. A new fault of the same kind shows the warning again.

    Example: showup acknowledge unreadable-events:default --because "sent by a test"
    """
    if list_all == bool(subjects):
        raise CliError("Use either the subjects of warnings or --list. `showup doctor` shows the warnings.")
    if subjects:
        done = run_command(lambda container: _acknowledge(container, list(dict.fromkeys(subjects)), because))
        print_json(done) if json else print(f"Acknowledged: {', '.join(one.subject for one in done)}.")
        return
    rows = run_command(_list)
    if json:
        print_json(rows)
        return
    table = [{name: getattr(row, name) for name in ("at", "actor", "subject", "because", "message")} for row in rows]
    print_table(table, empty_message="No warning was acknowledged yet.")


async def _acknowledge(container: "Container", subjects: list[str], because: str | None) -> "list[Acknowledgement]":
    from showup.access import acknowledgements_store
    from showup.access.acknowledgements_store import Acknowledgement
    from showup.cli.fault_checks import fault_checks, remove_refusals
    from showup.database.engine import driver_connection, transaction
    from showup.values.storable import check_storable

    check_storable(because)
    # A fault after this moment is not among the warnings that the person has seen.
    now = container.clock()
    warnings = {result.subject: result for result in await fault_checks(container) if result.can_acknowledge}
    if unknown := [subject for subject in subjects if subject not in warnings]:
        known = f"The warnings are: {', '.join(warnings)}." if warnings else "There are none."
        raise CliError(f"There is no warning {unknown[0]!r} to acknowledge. {known}")
    done = [
        Acknowledgement(
            subject=subject,
            at=now,
            actor=_actor(),
            because=because,
            message=warnings[subject].message,
        )
        for subject in subjects
    ]
    async with transaction(container.engine) as tx:
        for one in done:
            await acknowledgements_store.add(await driver_connection(tx), one)
            await remove_refusals(tx, one.subject)
    return done


def _actor() -> str:
    from getpass import getuser

    try:
        return f"command line: {getuser()}"
    except (OSError, KeyError, ImportError):
        # A container may run with an account that has no name.
        return "command line"


async def _list(container: "Container") -> "list[Acknowledgement]":
    from showup.access import acknowledgements_store
    from showup.database.engine import driver_connection, transaction

    async with transaction(container.engine) as tx:
        return await acknowledgements_store.list_acknowledgements(await driver_connection(tx), _SHOWN)
