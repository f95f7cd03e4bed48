"""The mail preview: mails that were stored instead of sent, as an operator reads them."""

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.database.tables import deliveries, delivery_contents, workspaces
from showup.reads.keyset import PageRequest, ResultPage, Sorts, read_page
from showup.reads.rows import visible_to

# A previewed mail changes no more: it was stored when its row last changed.
SORTS: Sorts = {"stored_at": deliveries.c.updated_at}

_FIELDS = (
    *(deliveries.c[name] for name in ("id", "booking_id", "kind", "recipient", "simulated")),
    deliveries.c.updated_at.label("stored_at"),
)


async def list_mails(tx: AsyncConnection, permission: Permission, page_request: PageRequest) -> ResultPage:
    """Returns one page of the permission's mail preview, each mail with its `subject` and its `workspace`'s slug."""
    subject = delivery_contents.c.content["subject"].astext.label("subject")
    return await read_page(tx, _select_mails(permission).add_columns(subject), SORTS, page_request)


def _select_mails(permission: Permission) -> Select[tuple[object, ...]]:
    query = select(*_FIELDS, workspaces.c.slug.label("workspace"))
    query = query.join_from(deliveries, delivery_contents, delivery_contents.c.delivery_id == deliveries.c.id)
    query = query.join(workspaces, workspaces.c.id == deliveries.c.workspace_id)
    return query.where(deliveries.c.state == "previewed", visible_to(permission, deliveries))
