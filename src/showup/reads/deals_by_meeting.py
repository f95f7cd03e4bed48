"""Lists deals by their next meeting, the soonest first; those without one come last, newest first."""

from datetime import datetime

from msgspec.structs import replace
from sqlalchemy import exists, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.database.tables import bookings, deals
from showup.reads.deals import DealFilter, is_ahead, list_deals, select_deals
from showup.reads.keyset import PageCursor, PageRequest, ResultPage, Sorts, read_page
from showup.reads.rows import visible_to

_NEXT = bookings.alias("next_meeting")
_SOONER = bookings.alias("sooner_meeting")
MEETING_SORTS: Sorts = {"next_meeting": _NEXT.c.start_time}
UNDATED_SORT = "-created_at"
"""The order of deals without a next meeting."""


async def list_dated(
    tx: AsyncConnection,
    permission: Permission,
    filters: DealFilter,
    *,
    now: datetime,
    limit: int,
    cursor: PageCursor | None,
) -> ResultPage:
    """Returns one page of the deals that have a next meeting. With seats, only the booking's own deal has it."""
    # The meetings ahead are few and have an index by their time, so the page is found from them.
    sooner = select(_SOONER.c.id).where(
        _SOONER.c.deal_id == _NEXT.c.deal_id,
        is_ahead(_SOONER, now),
        tuple_(_SOONER.c.start_time, _SOONER.c.id) < tuple_(_NEXT.c.start_time, _NEXT.c.id),
    )
    query = (await select_deals(tx, permission, filters)).join(_NEXT, _NEXT.c.deal_id == deals.c.id)
    query = query.where(visible_to(permission, _NEXT), is_ahead(_NEXT, now), ~exists(sooner))
    page_request = PageRequest(sort="next_meeting", limit=limit, cursor=cursor)
    return await read_page(tx, query, MEETING_SORTS, page_request)


async def list_undated(
    tx: AsyncConnection,
    permission: Permission,
    filters: DealFilter,
    *,
    now: datetime,
    limit: int,
    cursor: PageCursor | None,
) -> ResultPage:
    """Returns one page of the deals without a next meeting, newest first."""
    page_request = PageRequest(sort=UNDATED_SORT, limit=limit, cursor=cursor)
    return await list_deals(tx, permission, replace(filters, without_meeting_after=now), page_request)
