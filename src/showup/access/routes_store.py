"""Routes in the database, in the order in which they are tried."""

from collections.abc import Sequence
from uuid import UUID, uuid4

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.route import Route
from showup.database.tables import connections, routes

_COLUMNS = [routes.c[name] for name in ("workspace_id", "event_type", "team_id", "organizer_domain")]


async def of_account(tx: AsyncConnection, account_id: UUID) -> list[Route]:
    """The routes of a Cal.com account, first to last."""
    query = select(*_COLUMNS).where(routes.c.account_id == account_id).order_by(routes.c.position)
    return [Route(**row) for row in (await tx.execute(query)).mappings()]


async def replace(tx: AsyncConnection, account_id: UUID, wanted: Sequence[Route]) -> None:
    """Sets the routes of a Cal.com account; what was kept earlier stays in the workspace where it is.

    An account that once had routes is marked for ever: the later news of its bookings has to be sorted.
    """
    removed = await tx.execute(delete(routes).where(routes.c.account_id == account_id))
    rows = [
        {
            "id": uuid4(),
            "account_id": account_id,
            "position": position,
            "workspace_id": route.workspace_id,
            "event_type": route.event_type,
            "team_id": route.team_id,
            "organizer_domain": route.organizer_domain,
        }
        for position, route in enumerate(wanted)
    ]
    if rows or removed.rowcount:
        marked = connections.c.settings.concat({"routed": True})
        await tx.execute(update(connections).where(connections.c.id == account_id).values(settings=marked))
    if rows:
        await tx.execute(insert(routes), rows)
