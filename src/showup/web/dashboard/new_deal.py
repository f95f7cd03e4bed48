"""`/deals/new`: opens a deal for a company or a person whom no booking brought yet."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from msgspec import Struct

from showup.access.teammate import Session
from showup.commands.unit_of_work import UnitOfWork
from showup.companies.company import key_of_domain, key_of_event
from showup.companies.domain import registrable_domain
from showup.deals.deal import DealChange, deal_id
from showup.events.deal import DealOpened
from showup.events.manual import ManualEvent
from showup.events.workspace import CompanyRecorded, PersonRecorded
from showup.inbox.rules import in_force
from showup.reads.deal_companies import active_deal_of_key, companies_named, company_of_person
from showup.reads.usual_currency import usual_currency
from showup.values.email_address import is_email, normalize_email
from showup.web.dashboard.amounts import amount_fault, parse_amount
from showup.web.dashboard.lists.record_list import load_choices
from showup.web.dashboard.page_route import DashboardRoute, redirect
from showup.web.dashboard.shell import record_visit, render_shell
from showup.web.dashboard.unit_of_work import unit_of_work_of
from showup.web.http.app_state import AppState, State, read_transaction, write_transaction
from showup.web.http.forms import read_form
from showup.web.http.sessions import SignedInMember, check_csrf

router = APIRouter(include_in_schema=False, route_class=DashboardRoute)

_MAX_NAME: Final = 500
Who = Annotated[str, Query(max_length=_MAX_NAME)]
_WHO: Final = "Write the company's name or domain, or a person's address."


class _Company(Struct, frozen=True):
    """Whose deal it is: the key, or None for a new company without a domain. `events` record what is new."""

    key: str | None
    events: tuple[ManualEvent, ...] = ()


@router.get("/deals/new")
async def new_deal_page(request: Request, session: SignedInMember, state: State, who: Who = "") -> Response:
    """Show the form; `who` fills in its first field."""
    await record_visit(session, state)
    return await _show(request, session, state, {"who": who} if who else {}, {})


@router.post("/deals/new")
async def open_deal(request: Request, session: SignedInMember, state: State) -> Response:
    """Open the deal, and record its company or person if they are new."""
    form = await read_form(request)
    check_csrf(request, session, form)
    change, faults = _change_of(form)
    active, opened_by = None, None
    async with write_transaction(state) as tx:
        unit_of_work = unit_of_work_of(session, state, tx)
        # From here on nobody else records the same company.
        await unit_of_work.lock(session.workspace.id)
        company = await _find_company(unit_of_work, session, form.get("who", ""))
        if isinstance(company, str):
            faults["who"] = company
        elif company.key is not None:
            active = await active_deal_of_key(tx, session.permission, company.key)
        if not faults and not isinstance(company, str) and active is None:
            key, events = company.key, company.events
            if key is None:
                recorded = await unit_of_work.execute(session.workspace.id, *events)
                key, events = key_of_event(recorded[0]), ()
            done = await unit_of_work.try_execute(session.workspace.id, *events, DealOpened(company=key, change=change))
            if done.refused is not None:
                faults["who"] = f"No deal was opened: {done.refused}."
            else:
                opened_by = done.event_ids[-1]
    if opened_by is None:
        return await _show(request, session, state, form, faults, active=active)
    return redirect(request, f"deals/{deal_id(opened_by)}")


async def _find_company(unit_of_work: UnitOfWork, session: Session, who: str) -> _Company | str:
    """Return the company that `who` names, or what is wrong with it."""
    tx, permission = unit_of_work.tx, session.permission
    if not 0 < len(who) <= _MAX_NAME:
        return _WHO
    if "@" in who:
        return await _company_of_address(unit_of_work, session, normalize_email(who))
    if "." in who and " " not in who and registrable_domain(f"@{who.lower()}") == who.lower():
        key = key_of_domain(who.lower())
        return _Company(key, (CompanyRecorded(company=key),))
    found = await companies_named(tx, permission, who)
    if len(found) > 1:
        return "More than one company has this name. Write the domain of the one you mean."
    return _Company(found[0]) if found else _Company(None, (CompanyRecorded(name=who),))


async def _company_of_address(unit_of_work: UnitOfWork, session: Session, email: str) -> _Company | str:
    if not is_email(email):
        return "Write the address as in ann@example.com."
    rules = (await in_force(await unit_of_work.connection(), session.workspace.id)).newest
    if rules.is_team(email):
        return "This address belongs to your own team."
    known = await company_of_person(unit_of_work.tx, session.permission, email)
    if known is not None:
        return _Company(known)
    domain = rules.company_domain(email)
    if domain is None:
        return f"{email.rpartition('@')[2]} is a personal domain, so it names no company. Write the company's name."
    key = key_of_domain(domain)
    return _Company(key, (CompanyRecorded(company=key), PersonRecorded(email=email, company=key)))


def _change_of(form: dict[str, str]) -> tuple[DealChange, dict[str, str]]:
    """Return the values of the new deal, and what is wrong by field."""
    faults: dict[str, str] = {}
    amount, currency = None, None
    if form.get("amount"):
        amount, currency = parse_amount(form["amount"]), form.get("currency", "").upper()
        if fault := amount_fault(amount, currency):
            faults["amount"] = fault
    stage, owner = form.get("stage") or None, form.get("owner") or None
    return DealChange(stage=stage, amount=amount, currency=currency, owner_email=owner), faults


async def _show(  # what is shown, and where
    request: Request, session: Session, state: AppState, values: dict[str, str], faults: dict[str, str], **more: Any
) -> Response:
    async with read_transaction(state, session.permission) as tx:
        context = {
            "values": values,
            "faults": faults,
            "active": None,
            "choices": await load_choices(tx, session),
            "currency": await usual_currency(tx, session.permission),
        } | more
        status = 422 if faults else 409 if context["active"] else 200
        return await render_shell(request, "new_deal.html", context, tx=tx, session=session, state=state, status=status)
