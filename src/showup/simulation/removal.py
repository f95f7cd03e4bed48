"""Removes the sample or simulated data from a workspace, wholly: records, deliveries and events of the log."""

from typing import Final
from uuid import UUID

import asyncpg
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.inbox.erasure import erase_events
from showup.inbox.rebuild.options import RebuildOptions
from showup.inbox.rebuild.run import rebuild
from showup.inbox.rebuild.workspace_replay import Progress
from showup.simulation import removal_store
from showup.simulation.removal_store import SimulationKind

_BECAUSE: Final = {"sample": "sample data was removed", "simulation": "simulated data was removed"}


class Removed(Struct, kw_only=True):
    """How many records were removed."""

    bookings: int = 0
    deals: int = 0
    people: int = 0
    companies: int = 0
    deliveries: int = 0
    events: int = 0
    leads: int = 0

    def add(self, other: "Removed") -> None:
        """Adds the counts of another workspace."""
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


async def remove_simulated(
    engine: AsyncEngine, workspace_id: UUID, kind: SimulationKind, *, on_start: Progress, on_progress: Progress
) -> Removed:
    """Removes everything that only the sample, or only simulations, brought into the workspace.

    The events are erased from the log and the rest of it is replayed, in one transaction: what a real booking also says
    of a person or company stays, as if the simulated one had never come. The hash chain stays valid.
    """
    removed = Removed()

    async def erase(connection: asyncpg.Connection) -> None:
        found = await removal_store.find_simulated(connection, workspace_id, kind)
        event_ids = await removal_store.find_events(connection, workspace_id, kind, found)
        for name in found.__struct_fields__:
            setattr(removed, name, len(getattr(found, name)))
        removed.deliveries = await removal_store.delete_deliveries(connection, found)
        if kind == "simulation":
            removed.leads = await removal_store.delete_leads(connection, workspace_id, found)
        removed.events = await erase_events(connection, event_ids, _BECAUSE[kind])

    options = RebuildOptions(workspace_ids=[workspace_id], applied=True, max_examples=0)
    await rebuild(engine, options, on_start=on_start, on_progress=on_progress, prepare=erase)
    return removed
