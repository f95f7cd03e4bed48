"""Removes sample or simulated data for `showup sample --remove` and `showup simulate --remove`."""

from typing import TYPE_CHECKING

from showup.cli.output import print_json
from showup.cli.runner import get_workspace, run_command

if TYPE_CHECKING:
    from showup.container import Container
    from showup.simulation.removal import Removed
    from showup.simulation.removal_store import SimulationKind


def remove_and_print(kind: "SimulationKind", slug: str | None, *, json: bool) -> None:
    """Removes the data from one workspace, or from all, and prints how much it was."""

    async def work(container: "Container") -> "Removed":
        from showup.access import workspaces_store
        from showup.cli.rebuild_output import progress
        from showup.database.engine import transaction
        from showup.simulation.removal import Removed, remove_simulated

        async with transaction(container.engine) as tx:
            workspaces = [await get_workspace(tx, slug)] if slug else await workspaces_store.list_workspaces(tx)
        total = Removed()
        for workspace in workspaces:
            with progress() as (on_start, on_progress):
                total.add(
                    await remove_simulated(
                        container.engine, workspace.id, kind, on_start=on_start, on_progress=on_progress
                    )
                )
        return total

    removed = run_command(work)
    counts = {name: getattr(removed, name) for name in removed.__struct_fields__}
    if json:
        print_json(counts)
    elif any(counts.values()):
        print(f"Removed {', '.join(f'{count:,} {name}' for name, count in counts.items() if count)}.")
    else:
        print("There was nothing to remove.")
