"""Implements `showup sample`: loads five example companies, with a deal in each stage of the pipeline."""

from typing import TYPE_CHECKING, Annotated

import typer

from showup.cli.output import print_json, print_table
from showup.cli.runner import get_workspace, run_command
from showup.values.counted import counted

if TYPE_CHECKING:
    from showup.container import Container
    from showup.simulation.sample_loader import SampleLoad


def sample(
    workspace: Annotated[str, typer.Option(help="The workspace to load the sample into.")] = "default",
    remove: Annotated[
        bool, typer.Option("--remove", help="Remove the sample, its events in the log included.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Load five sample companies, or remove them with all that they brought. A second run changes nothing.

    The command stores webhooks and one person's move of a deal, and a running Showup applies them.
    The records are marked as simulated: no destination is notified, and no number counts them.

    Example: showup sample --workspace acme
    """
    if remove:
        from showup.cli.removal import remove_and_print

        remove_and_print("sample", workspace, json=json)
        return

    async def work(container: "Container") -> "SampleLoad":
        from showup.database.engine import transaction
        from showup.simulation.sample_loader import load_sample

        async with transaction(container.engine) as tx:
            return await load_sample(tx, container.seal, await get_workspace(tx, workspace), container.clock())

    loaded = run_command(work)
    if json:
        print_json({"workspace": workspace, "stored": loaded.stored, "loaded_at": loaded.since})
    elif loaded.stored:
        _print_loaded(workspace, loaded.stored)
    else:
        print(f"The sample was loaded into {workspace} at {loaded.since:%Y-%m-%d %H:%M} UTC; nothing was changed.")


def _print_loaded(workspace: str, stored: int) -> None:
    from showup.simulation.sample import SAMPLE

    print(f"Stored {counted(stored, 'event')} in {workspace}. A running Showup applies them at once.\n")
    rows = [
        {
            "company": deal.company,
            "person": deal.person,
            "stage": deal.stage,
            "status": deal.status,
        }
        for deal in SAMPLE
    ]
    print_table(rows, empty_message="")
