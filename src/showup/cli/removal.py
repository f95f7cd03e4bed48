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

    async def work(container: "Container") -> "tuple[Removed, str | None]":
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
        return total, await _remove_workspace(container, kind, slug)

    removed, workspace_message = run_command(work)
    counts = {name: getattr(removed, name) for name in removed.__struct_fields__}
    if json:
        print_json(counts)
        return
    if any(counts.values()):
        print(f"Removed {', '.join(f'{count:,} {name}' for name, count in counts.items() if count)}.")
    elif workspace_message is None:
        print("There was nothing to remove.")
    if workspace_message is not None:
        print(workspace_message)


async def _remove_workspace(container: "Container", kind: "SimulationKind", slug: str | None) -> str | None:
    """Removes the workspace and accounts that `showup simulate` made; returns what to print about it, if anything."""
    from showup.access import workspaces_store
    from showup.database.engine import transaction
    from showup.simulation.preparation import WORKSPACE
    from showup.simulation.workspace_removal import remove_workspace

    if kind != "simulation" or slug not in (None, WORKSPACE):
        return None
    async with transaction(container.engine) as tx:
        if await workspaces_store.find(tx, WORKSPACE) is None:
            return None
    if other := await remove_workspace(container.engine, container.seal):
        return f"Kept the workspace {WORKSPACE}, because it has {other}."
    return f"Removed the workspace {WORKSPACE} with its accounts and keys."
