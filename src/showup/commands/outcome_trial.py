"""Tries commands about a meeting: executes them, sees what changes, and takes all of it back."""

from uuid import UUID

from showup.commands.unit_of_work import UnitOfWork
from showup.database.engine import rolled_back
from showup.events.manual import ManualEvent
from showup.reads.outcome_effects import OutcomeEffects, compare, read_affected


async def try_outcome(
    unit_of_work: UnitOfWork, workspace_id: UUID, booking_id: UUID, *events: ManualEvent
) -> OutcomeEffects:
    """Return what the commands would change, as the rules decide it now. Nothing of it stays, nothing is sent.

    It waits for the workspace's lock, as the commands themselves would, and holds it until the transaction ends.
    """
    await unit_of_work.lock(workspace_id)
    connection = await unit_of_work.connection()
    async with rolled_back(connection):
        before = await read_affected(connection, workspace_id, booking_id)
        result = await unit_of_work.try_execute(workspace_id, *events)
        if result.refused is not None:
            return OutcomeEffects(refused=result.refused)
        return compare(before, await read_affected(connection, workspace_id, booking_id))
