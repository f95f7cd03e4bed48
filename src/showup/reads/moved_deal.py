"""Reads what a move of a deal needs to know: where the deal is, and which deal of its company may stand in the way."""

from decimal import Decimal
from typing import Final
from uuid import UUID

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.database.engine import driver_connection


class MovedDeal(Struct, frozen=True, kw_only=True):
    """A deal. `active_id`: the active deal of the same company, if that is another one."""

    id: UUID
    company: str
    status: str
    stage: str
    amount: Decimal | None
    currency: str | None
    lost_reason: str | None
    active_id: UUID | None

    @property
    def place(self) -> str:
        """Return where the deal is: `stage:met` while it is active, else `status:won`."""
        return f"stage:{self.stage}" if self.status == "active" else f"status:{self.status}"


async def find_moved_deal(tx: AsyncConnection, permission: Permission, deal_id: UUID) -> MovedDeal | None:
    """Returns the deal; None if the permission does not allow it."""
    row = await (await driver_connection(tx)).fetchrow(_DEAL, permission.workspace_id, deal_id)
    return None if row is None else MovedDeal(**row)


_DEAL: Final = """
    SELECT d.id, c.name AS company, d.status, d.stage, d.amount, d.currency, d.lost_reason,
           (SELECT o.id FROM deals o WHERE o.company_id = d.company_id AND o.status = 'active' AND o.id <> d.id)
               AS active_id
    FROM deals d JOIN companies c ON c.id = d.company_id WHERE d.workspace_id = $1 AND d.id = $2
"""
