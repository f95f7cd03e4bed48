"""A list as CSV: streamed page by page, so that it needs little memory and holds no connection while it is read."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from fastapi import Response
from fastapi.responses import StreamingResponse
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.teammate import Session
from showup.reads.rows import Item
from showup.web.dashboard.lists.address import Address
from showup.web.dashboard.lists.record_list import Reader, RecordList, Slice
from showup.web.dashboard.shell import viewer_of
from showup.web.http.app_state import AppState, read_transaction
from showup.web.http.csv_response import MEDIA_TYPE, csv_lines, csv_response

MAX_ROWS: Final = 100_000
_PAGE_ROWS: Final = 1_000


async def csv_download(
    session: Session, state: AppState, record_list: RecordList[Any, Any], address: Address
) -> Response:
    """Return the rows of the whole list, up to MAX_ROWS; the file's name says if there are more."""
    viewer, query = viewer_of(session, state), record_list.parse(address.view)

    def reader_in(tx: AsyncConnection) -> Reader:
        return Reader(tx=tx, session=session, viewer=viewer)

    async def load(cursor: str | None, limit: int) -> Slice:
        async with read_transaction(state, session.permission) as tx:
            page_query = query.model_copy(update={"cursor": cursor})
            return await record_list.load(reader_in(tx), page_query, limit=limit)

    # The first page is read before the answer begins, so that a fault is still a page.
    first = await load(None, _PAGE_ROWS)
    name = record_list.noun
    if first.next_cursor is not None:
        async with read_transaction(state, session.permission) as tx:
            totals = await record_list.count(reader_in(tx), query, bound=MAX_ROWS)
        name += f"-first-{MAX_ROWS}" if totals.has_more else ""

    async def stream() -> AsyncIterator[str]:
        yield csv_lines([record_list.csv_header])
        page, left = first, MAX_ROWS
        while True:
            yield csv_lines(record_list.csv_row(item) for item in page.items[:left])
            left -= len(page.items)
            if page.next_cursor is None or left <= 0:
                return
            page = await load(page.next_cursor, min(_PAGE_ROWS, left))

    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return StreamingResponse(stream(), media_type=MEDIA_TYPE, headers=headers)


def csv_of_selected(record_list: RecordList[Any, Any], items: Sequence[Item]) -> Response:
    """Return the selected rows."""
    rows = [record_list.csv_row(item) for item in items]
    return csv_response(record_list.csv_header, rows, file_name=f"{record_list.noun}.csv")
