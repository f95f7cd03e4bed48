"""What the pages of a person and of a company have in common."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeAlias
from uuid import UUID

from fastapi import Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.access.teammate import Session
from showup.reads.record_meetings import RecordMeeting, came_of
from showup.reads.rows import Item
from showup.web.dashboard.page_route import is_part
from showup.web.dashboard.records.history import actor_word, history_of
from showup.web.dashboard.shell import record_visit, render_shell
from showup.web.dashboard.words import Viewer
from showup.web.http.app_state import AppState, read_transaction
from showup.web.http.problems import Refusal

Find: TypeAlias = Callable[[AsyncConnection, Permission, UUID], Awaitable[Item | None]]
Read: TypeAlias = Callable[[AsyncConnection, Session, AppState, Item], Awaitable[dict[str, Any]]]

SHOWN_MEETINGS: Final = 50
_SHOWN_TRAIL: Final = 12


async def show_record(  # noqa: PLR0913  # each by its name
    request: Request,
    session: Session,
    state: AppState,
    record_id: UUID,
    *,
    noun: str,
    find: Find,
    read: Read,
    merged: UUID | None,
) -> Response:
    """Show the record, also by the id of one that was merged into it; for htmx the part that changes live.

    `noun` is person or company, and names the template of its content. `merged` is the merge that led here.
    """
    if not is_part(request):
        await record_visit(session, state)
    async with read_transaction(state, session.permission) as tx:
        record = await find(tx, session.permission, record_id)
        if record is None:
            raise Refusal("not-found", f"You can see no {noun} with this id.")
        context = await read(tx, session, state, record) | {"kind": noun, "record_id": record["id"], "merged": merged}
        template = "parts/record.html" if is_part(request) else "record.html"
        return await render_shell(request, template, context, tx=tx, session=session, state=state)


def meetings_context(
    meetings: Sequence[RecordMeeting], changes: Sequence[Any], viewer: Viewer, session: Session
) -> dict[str, Any]:
    """Return what a page shows of meetings, newest first, and of what changed."""
    return {
        "meetings": meetings,
        "has_more": len(meetings) == SHOWN_MEETINGS,
        "trail": list(reversed(meetings[:_SHOWN_TRAIL])),
        "came": came_of(meetings),
        "ahead": [one for one in reversed(meetings) if one.is_ahead(viewer.now)],
        "history": history_of(meetings, changes, viewer, session.teammate.actor),
        "actor_word": actor_word,
    }
