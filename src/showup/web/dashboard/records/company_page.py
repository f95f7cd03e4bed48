"""`/companies/{company_id}`: all people, meetings and deals of a company."""

from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.teammate import Session
from showup.reads.companies import find_company_row
from showup.reads.current_ids import ids_of_company
from showup.reads.deals import deals_of
from showup.reads.people import people_of
from showup.reads.record_facts import changes_of_company, merges_into
from showup.reads.record_meetings import meetings_of_company
from showup.reads.rows import Item
from showup.web.dashboard.lists.record_list import load_choices
from showup.web.dashboard.page_route import DashboardRoute
from showup.web.dashboard.records.history import key_word
from showup.web.dashboard.records.record import SHOWN_MEETINGS, meetings_context, show_record
from showup.web.dashboard.shell import viewer_of
from showup.web.dashboard.words import their_time
from showup.web.http.app_state import State
from showup.web.http.sessions import SignedIn

router = APIRouter(prefix="/companies", include_in_schema=False, route_class=DashboardRoute)

_SHOWN_PEOPLE: Final = 12


@router.get("/{company_id}")
async def company_page(
    request: Request, company_id: UUID, session: SignedIn, state: State, merged: UUID | None = None
) -> Response:
    """Show the company, also by the id of one that was merged into it; for htmx the part that changes live."""
    return await show_record(
        request, session, state, company_id, noun="company", find=find_company_row, read=_context, merged=merged
    )


async def _context(tx: AsyncConnection, session: Session, state: Any, company: Item) -> dict[str, Any]:
    viewer, permission, company_id = viewer_of(session, state), session.permission, company["id"]
    meetings = await meetings_of_company(tx, permission, company_id, viewer.now, newest=SHOWN_MEETINGS)
    people = await people_of(tx, permission, company_id, limit=_SHOWN_PEOPLE + 1)
    found = await deals_of(tx, permission, company_id)
    changes = await changes_of_company(tx, permission, await ids_of_company(tx, company_id))
    choices = await load_choices(tx, session)
    deal = next((one for one in found if one["status"] == "active"), None)
    return {
        "here": "companies",
        "name": company["name"],
        "company": company,
        "people": people[:_SHOWN_PEOPLE],
        "has_more_people": len(people) > _SHOWN_PEOPLE,
        "deal": deal,
        "share": choices.share(deal["stage"]) if deal is not None else None,
        "past_deals": [one for one in reversed(found) if one["status"] != "active"],
        **meetings_context(meetings, changes, viewer, session),
        "there": {one["id"]: their_time(viewer, viewer.now, one["time_zone"]) for one in people},
        "merges": await merges_into(tx, permission, "companies", company_id),
        "key_word": key_word,
    }
