"""Store routes in the database, in the order in which they are tried."""

from collections.abc import Sequence
from uuid import UUID, uuid4

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.route import Route
from showup.database.tables import connections, routes

_COLUMNS = [routes.c[name] for name in ("workspace_id", "event_type", "team_id", "organizer_domain")]


async def list_routes(tx: AsyncConnection, account_id: UUID) -> list[Route]:
    """Return the routes of a Cal.com account, first to last."""
    query = select(*_COLUMNS).where(routes.c.account_id == account_id).order_by(routes.c.position)
    return [Route(**row) for row in (await tx.execute(query)).mappings()]


async def replace_routes(tx: AsyncConnection, account_id: UUID, new_routes: Sequence[Route]) -> None:
    """Set the routes of a Cal.com account; existing data stays in its workspace.

    An account that once had routes is marked permanently, because later events of its bookings must still be routed.
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
        for position, route in enumerate(new_routes)
    ]
    if rows or removed.rowcount:
        settings = connections.c.settings.concat({"routed": True})
        await tx.execute(update(connections).where(connections.c.id == account_id).values(settings=settings))
    if rows:
        await tx.execute(insert(routes), rows)
