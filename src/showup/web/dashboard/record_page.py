"""The page of a deal or a booking: as a whole, as the part that changes live, and after one of its forms."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias
from uuid import UUID

from fastapi import Request, Response
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.teammate import Session
from showup.reads.record_timeline import Shown
from showup.web.dashboard.form_result import FormResult
from showup.web.dashboard.page_route import is_part, redirect
from showup.web.dashboard.shell import shell_context, viewer_of
from showup.web.dashboard.templates import render_page
from showup.web.dashboard.timeline_query import shown_of, timeline_query
from showup.web.dashboard.words import Viewer
from showup.web.http.app_state import AppState, read_transaction

ReadRecord: TypeAlias = Callable[[AsyncConnection, Session, Viewer, UUID, Shown, int], Awaitable[dict[str, Any]]]
"""Returns what the template shows of a record, with so many lines of its timeline. Refuses an unknown record."""


class RecordPage(Struct, frozen=True, kw_only=True):
    """`path` of the records, such as `deals`; `template`: the name of the page's and its part's."""

    path: str
    template: str
    read: ReadRecord

    async def render(  # noqa: PLR0913  # each by its name
        self,
        request: Request,
        session: Session,
        state: AppState,
        record_id: UUID,
        *,
        shown: Shown,
        lines: int,
        part: bool = False,
        result: FormResult | None = None,
    ) -> Response:
        """Show the page, or its part."""
        viewer = viewer_of(session, state)
        async with read_transaction(state, session.permission) as tx:
            context = await self.read(tx, session, viewer, record_id, shown, lines)
            context |= {"result": result, "lines": lines}
            context |= await shell_context(tx, session, viewer)
        is_fault = result is not None and result.is_fault
        template = f"parts/{self.template}.html" if part else f"{self.template}.html"
        return render_page(request, template, context, status=422 if is_fault else 200)

    async def after(
        self,
        request: Request,
        session: Session,
        state: AppState,
        record_id: UUID,
        result: FormResult,
        form: dict[str, str],
    ) -> Response:
        """Show the page as it is after a form: for htmx its part; with a fault, the form with what was typed."""
        shown, lines = shown_of(form)
        if not is_part(request) and not result.is_fault:
            return redirect(request, f"{self.path}/{record_id}{timeline_query(shown, lines)}")
        return await self.render(
            request, session, state, record_id, shown=shown, lines=lines, part=is_part(request), result=result
        )
