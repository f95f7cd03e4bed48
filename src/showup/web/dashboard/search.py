"""`/search`: records, pages and acts by words. The palette of every page shows the same (DESIGN, Palette)."""

import re
from collections.abc import Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from showup.access.teammate import THEMES, Session
from showup.reads.bookings import BookingFilter
from showup.reads.companies import CompanyFilter, list_companies
from showup.reads.deals import DealFilter
from showup.reads.keyset import PageRequest
from showup.reads.people import PersonFilter
from showup.reads.search import check_search, split_words
from showup.web.dashboard.lists.booking_list import BOOKINGS
from showup.web.dashboard.lists.company_list import COMPANIES
from showup.web.dashboard.lists.deal_list import DEALS
from showup.web.dashboard.lists.person_list import PEOPLE
from showup.web.dashboard.lists.record_list import Line, Reader, RecordList
from showup.web.dashboard.navigation import NAV_GROUPS
from showup.web.dashboard.page_route import DashboardRoute, is_part
from showup.web.dashboard.shell import record_visit, render_shell, viewer_of
from showup.web.dashboard.templates import render_page
from showup.web.http.app_state import State, read_transaction
from showup.web.http.query_params import StorableModel
from showup.web.http.sessions import SignedIn

router = APIRouter(include_in_schema=False, route_class=DashboardRoute)

_SHOWN: Final = 8
_MAX_REPORTS: Final = 3
_FEWEST_LETTERS: Final = 2
_REPORT: Final = "report"
_WORD: Final = re.compile(r"([^\W_]+)")


class SearchQuery(StorableModel):
    """`q`: what somebody typed."""

    q: str = Field("", max_length=200)


@router.get("/search")
async def search_page(
    request: Request, session: SignedIn, state: State, wanted: Annotated[SearchQuery, Query()]
) -> Response:
    """Show what the words find; for htmx, the lines of the palette."""
    words = wanted.q.strip()
    if not is_part(request):
        await record_visit(session, state)
    async with read_transaction(state, session.permission) as tx:
        lines = await find_lines(Reader(tx=tx, session=session, viewer=viewer_of(session, state)), words)
        context = {"lines": lines, "q": words, "marked": marked, "is_palette": is_part(request)}
        if is_part(request):
            return render_page(request, "parts/found.html", context | {"session": session})
        return await render_shell(request, "search.html", context, tx=tx, session=session, state=state)


async def find_lines(reader: Reader, q: str) -> list[Line]:
    """Return pages, records and acts whose words begin with those of `q`; without words, what is often wanted."""
    try:
        typed = split_words(check_search(q))
    except ValueError:
        return []
    pages, actions = (_matching(lines, typed) for lines in (_pages(reader.session), _actions(reader.session)))
    if not typed:
        return [*await _missing_reports(reader, ""), *pages, *actions]
    if typed[0] == _REPORT and reader.permission.allows("write"):
        return [*await _missing_reports(reader, q.strip()[len(_REPORT) :]), *pages, *actions]
    if sum(map(len, typed)) < _FEWEST_LETTERS:
        return [*pages, *actions]
    records = await _records(reader, q)
    reports = [one.report for one in records if one.report is not None] if reader.permission.allows("write") else []
    return [*pages, *records, *reports[:_MAX_REPORTS], *actions]


def marked(text: str, q: str) -> list[tuple[str, bool]]:
    """Return a text in parts: those that were typed, at the beginning of a word, and the others."""
    typed = sorted(split_words(q), key=len, reverse=True)
    parts = []
    for part in _WORD.split(text):
        folded = "".join(split_words(part))
        length = next((len(one) for one in typed if folded.startswith(one)), 0)
        parts += [(part[:length], True), (part[length:], False)]
    return [one for one in parts if one[0]]


async def _records(reader: Reader, q: str) -> list[Line]:
    """Return some records of each kind: each may take the room that others leave."""
    newest = PageRequest(sort="-created_at", limit=_SHOWN)
    companies = (await list_companies(reader.tx, reader.permission, CompanyFilter(q=q), newest)).items
    company_ids = [one["id"] for one in companies]
    kinds = [
        await _lines_with(reader, PEOPLE, PersonFilter(q=q)),
        await COMPANIES.lines(reader, companies),
        await _lines_with(reader, DEALS, DealFilter(company_id=company_ids)) if company_ids else [],
        await _lines_with(reader, BOOKINGS, BookingFilter(q=q)),
    ]
    room = dict.fromkeys(range(len(kinds)), 0)
    for _ in range(_SHOWN):
        open_kinds = [one for one in room if room[one] < len(kinds[one])]
        if open_kinds and sum(room.values()) < _SHOWN:
            room[min(open_kinds, key=room.__getitem__)] += 1
    return [line for number, lines in enumerate(kinds) for line in lines[: room[number]]]


async def _missing_reports(reader: Reader, q: str) -> list[Line]:
    """Return past meetings whose outcome nobody reported: one's own, or those that the words find."""
    if not reader.permission.allows("write"):
        return []
    filters = BookingFilter(
        q=q,
        organizer=[] if split_words(q) else [reader.session.teammate.email],
        status=["ACCEPTED"],
        outcome=["open", "assumed"],
        simulated="false",
        starts_before=reader.viewer.now,
    )
    lines = await _lines_with(reader, BOOKINGS, filters)
    return [one.report for one in lines if one.report is not None][:_MAX_REPORTS]


async def _lines_with(reader: Reader, record_list: RecordList[Any, Any], filters: Any) -> Sequence[Line]:
    request = PageRequest(sort=record_list.query_type.model_fields["sort"].default, limit=_SHOWN)
    return await record_list.lines(
        reader, (await record_list.reads.page(reader.tx, reader.permission, filters, request)).items
    )


def _pages(session: Session) -> list[Line]:
    found = [page for group in NAV_GROUPS for page in group.pages_for(session.permission)]
    return [Line(title=f"Go to {one.title}", note="", path=one.path, icon=one.icon, keys=one.keys) for one in found]


def _actions(session: Session) -> list[Line]:
    others = [one for one in session.workspaces if one.id != session.workspace.id]
    return [
        *(Line(title=f"Theme: {one}", note="", path="theme", icon=_ICONS[one], field=("theme", one)) for one in THEMES),
        *(
            Line(
                title=f"Switch to {one.name}",
                note="workspace",
                path="workspace",
                icon="updown",
                field=("workspace", one.slug),
            )
            for one in others
        ),
        Line(title="Sign out", note="", path="signout", icon="out", field=("everywhere", "")),
        Line(title="Sign out on all devices", note="", path="signout", icon="out", field=("everywhere", "yes")),
    ]


_ICONS: Final = {"system": "system", "light": "sun", "dark": "moon"}


def _matching(lines: Sequence[Line], typed: Sequence[str]) -> list[Line]:
    return [
        line
        for line in lines
        if all(any(word.startswith(one) for word in split_words(f"{line.title} {line.note}")) for one in typed)
    ]
