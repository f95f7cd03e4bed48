"""The outbox: mails that were kept instead of sent, as somebody who looks after them reads them."""

from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permit import Permit
from showup.database.tables import deliveries, delivery_contents, workspaces
from showup.reads.keyset import Ask, Page, Sorts, read_page
from showup.reads.rows import Found, seen_by

# Whatever has a provider was delivered, so it has this.
SORTS: Sorts = {"delivered_at": deliveries.c.delivered_at}

_FIELDS = tuple(deliveries.c[name] for name in ("id", "booking_id", "kind", "recipient", "simulated", "delivered_at"))


async def list_mails(tx: AsyncConnection, permit: Permit, ask: Ask) -> Page:
    """One page of the permit's outbox, each mail with its `subject` and its `workspace`'s slug."""
    subject = delivery_contents.c.content["subject"].astext.label("subject")
    return await read_page(tx, _kept(permit).add_columns(subject), SORTS, ask)


async def find_mail(tx: AsyncConnection, permit: Permit, delivery_id: UUID) -> Found | None:
    """The mail with its whole `content`; None when none is kept that the permit may see."""
    query = _kept(permit).add_columns(delivery_contents.c.content).where(deliveries.c.id == delivery_id)
    row = (await tx.execute(query)).mappings().one_or_none()
    return None if row is None else dict(row)


def _kept(permit: Permit) -> Select[tuple[object, ...]]:
    query = select(*_FIELDS, workspaces.c.slug.label("workspace"))
    query = query.join_from(deliveries, delivery_contents, delivery_contents.c.delivery_id == deliveries.c.id)
    query = query.join(workspaces, workspaces.c.id == deliveries.c.workspace_id)
    return query.where(
        deliveries.c.provider == "outbox", deliveries.c.state == "delivered", seen_by(permit, deliveries)
    )
