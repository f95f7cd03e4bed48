"""`showup sample`: five companies to look at, with a deal in each place of the pipeline."""

from typing import TYPE_CHECKING, Annotated

import typer

from showup.commands.inside import inside, workspace_named
from showup.commands.printing import as_json, as_table

if TYPE_CHECKING:
    from showup.assembly import House
    from showup.simulation.sample_loading import Loaded


def sample(
    workspace: Annotated[str, typer.Option(help="The workspace to load it into.")] = "default",
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Load five sample companies as webhooks that a running Showup applies; a second time changes nothing.

    They are marked as simulated, so nobody outside hears of them.

    Example: showup sample --workspace acme
    """

    async def work(house: "House") -> "Loaded":
        from showup.database.engine import transaction
        from showup.simulation.sample_loading import load

        async with transaction(house.engine) as tx:
            return await load(tx, house.seal, await workspace_named(tx, workspace), house.clock())

    loaded = inside(work)
    if json:
        as_json({"workspace": workspace, "kept": loaded.kept, "loaded_at": loaded.since})
    elif loaded.kept:
        _tell(workspace, loaded.kept)
    else:
        print(f"The sample is in {workspace} since {loaded.since:%Y-%m-%d %H:%M} UTC; nothing was changed.")


def _tell(workspace: str, kept: int) -> None:
    from showup.simulation.sample import SAMPLE

    print(f"Kept {kept} webhooks in {workspace}; a running Showup applies them at once.\n")
    rows = [
        {
            "company": deal.company,
            "person": deal.person,
            "stage": deal.stage_by_webhook,
            "status": deal.status,
        }
        for deal in SAMPLE
    ]
    as_table(rows, nothing="")
    for deal in SAMPLE:
        # No webhook of Cal.com's says that something was offered: only people move deals there.
        if deal.stage_by_webhook != deal.stage:
            stands, wanted = deal.stage_by_webhook, deal.stage
            print(f"\n{deal.person}'s deal stands on {stands}: a person moves it to {wanted}.")
