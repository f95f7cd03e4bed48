"""`/people/{person_id}`: who somebody is, whether they come, and whether they may be written to."""

from typing import Any, Final
from uuid import UUID

import structlog
from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.teammate import Session
from showup.companies.domain import mail_domain
from showup.database.engine import driver_connection
from showup.inbox.rules import in_force
from showup.outbox.suppressions import remove
from showup.pipeline.rules import Rules
from showup.privacy.requests import find_request
from showup.reads.current_ids import ids_of_person
from showup.reads.keyset import PageRequest
from showup.reads.people import find_person_row
from showup.reads.record_facts import changes_of_person, leads_of_person, merges_into
from showup.reads.record_meetings import meetings_of_people
from showup.reads.rows import Item
from showup.reads.suppressions import SuppressionFilter, list_suppressions
from showup.web.dashboard.page_route import DashboardRoute, redirect
from showup.web.dashboard.records.history import METHODS
from showup.web.dashboard.records.record import SHOWN_MEETINGS, meetings_context, show_record
from showup.web.dashboard.shell import viewer_of
from showup.web.dashboard.words import their_time
from showup.web.http.app_state import State, write_transaction
from showup.web.http.forms import read_form
from showup.web.http.problems import Refusal
from showup.web.http.sessions import SignedIn, SignedInMember, check_csrf

router = APIRouter(prefix="/people", include_in_schema=False, route_class=DashboardRoute)

_MAX_SUPPRESSIONS: Final = 10

_log = structlog.get_logger()


@router.get("/{person_id}")
async def person_page(
    request: Request, person_id: UUID, session: SignedIn, state: State, merged: UUID | None = None
) -> Response:
    """Show the person, also by the id of one that was merged into it; for htmx the part that changes live."""
    return await show_record(
        request, session, state, person_id, noun="person", find=find_person_row, read=_context, merged=merged
    )


@router.post("/{person_id}/write-again")
async def write_again(request: Request, person_id: UUID, session: SignedInMember, state: State) -> Response:
    """Remove what stops mails to the person's address: a bounce, a complaint, or their own wish."""
    form = await read_form(request)
    check_csrf(request, session, form)
    async with write_transaction(state) as tx:
        person = await find_person_row(tx, session.permission, person_id)
        if person is None:
            raise Refusal("not-found", "You can see no person with this id.")
        for one in await _suppressions(tx, session, person):
            await remove(await driver_connection(tx), one["id"])
            _log.info("suppression removed", suppression_id=str(one["id"]), actor=session.permission.actor)
    return redirect(request, f"people/{person['id']}")


async def _context(tx: AsyncConnection, session: Session, state: Any, person: Item) -> dict[str, Any]:
    viewer, permission = viewer_of(session, state), session.permission
    by_person = await meetings_of_people(tx, permission, [person["id"]], viewer.now, newest=SHOWN_MEETINGS)
    meetings = by_person[person["id"]]
    changes = await changes_of_person(tx, permission, await ids_of_person(tx, person["id"]))
    rules = (await in_force(await driver_connection(tx), session.workspace.id)).newest
    return {
        "here": "people",
        "person": person,
        "name": person["name"] or person["email"],
        **meetings_context(meetings, changes, viewer, session),
        "their_time": their_time,
        "there": their_time(viewer, viewer.now, person["time_zone"]),
        "why_no_company": None if person["company"] else _why_no_company(person["email"], rules),
        "leads": await leads_of_person(tx, permission, person["id"]),
        "suppressions": await _suppressions(tx, session, person),
        "merges": await merges_into(tx, permission, "people", person["id"]),
        "erasure": await find_request(await driver_connection(tx), session.workspace.id, person["id"]),
        "methods": METHODS,
    }


async def _suppressions(tx: AsyncConnection, session: Session, person: Item) -> list[Item]:
    page_request = PageRequest(sort="-created_at", limit=_MAX_SUPPRESSIONS)
    filters = SuppressionFilter(email=[person["email"]])
    return (await list_suppressions(tx, session.permission, filters, page_request)).items


def _why_no_company(email: str, rules: Rules) -> str:
    """Return why the address of somebody without a company makes none."""
    if rules.is_team(email):
        return "The address is of your own team."
    domain = mail_domain(email)
    if domain.of_many is not None:
        return f"{email.rpartition('@')[2]} {domain.of_many}."
    if rules.company_domain(email) is None:
        return f"{email.rpartition('@')[2]} is a personal domain by your rules."
    return "Nobody has recorded one."
