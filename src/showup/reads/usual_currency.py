"""Reads the currency in which a workspace writes amounts, so that a form can begin with it."""

from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.database.tables import deals
from showup.reads.rows import visible_to

_RECENT: Final = 100
DEFAULT_CURRENCY: Final = "USD"


async def usual_currency(tx: AsyncConnection, permission: Permission) -> str:
    """Returns the currency of the newest of the last deals that has one; before the first amount, `USD`.

    It looks at a hundred deals: a workspace may have many that have no amount.
    """
    query = select(deals.c.currency, deals.c.updated_at).where(visible_to(permission, deals))
    recent = query.order_by(deals.c.updated_at.desc(), deals.c.id.desc()).limit(_RECENT).subquery()
    newest = select(recent.c.currency).where(recent.c.currency.is_not(None)).order_by(recent.c.updated_at.desc())
    found: str | None = await tx.scalar(newest.limit(1))
    return found or DEFAULT_CURRENCY
