"""What the selected rows of a list can do together: be moved, change their owner, or become a file."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Request, Response
from msgspec import Struct

from showup.access.teammate import Session
from showup.commands.unit_of_work import UnitOfWork
from showup.deals.deal import DealChange
from showup.events.deal import DealChanged
from showup.reads.command_targets import target_of_deal
from showup.reads.rows import Item
from showup.values.email_address import is_email, normalize_email
from showup.web.dashboard.action_result import Undo
from showup.web.dashboard.lists.address import Address
from showup.web.dashboard.lists.company_list import COMPANIES
from showup.web.dashboard.lists.csv_export import csv_of_selected
from showup.web.dashboard.lists.deal_list import DEALS
from showup.web.dashboard.lists.list_pages import LISTS, show_list
from showup.web.dashboard.lists.person_list import PEOPLE
from showup.web.dashboard.lists.record_list import PAGE_ROWS, RecordList
from showup.web.dashboard.page_route import DashboardRoute, is_part, redirect
from showup.web.dashboard.words import count
from showup.web.http.app_state import AppState, State, read_transaction, write_transaction
from showup.web.http.forms import read_form
from showup.web.http.problems import Refusal
from showup.web.http.sessions import SignedIn, SignedInMember, check_csrf

router = APIRouter(include_in_schema=False, route_class=DashboardRoute)

_PICK: Final = "pick."
_TO: Final = "to."
_MAX_REFUSALS: Final = 5
_COMPARED: Final = 2


class SelectionResult(Struct, frozen=True, kw_only=True):
    """What an act on selected rows did."""

    text: str
    refusals: list[str]
    undo: Undo | None
    is_fault: bool


@router.post("/deals")
async def change_selected_deals(request: Request, session: SignedInMember, state: State) -> Response:
    """Move the selected deals to a stage, or give them an owner. The rules may refuse some, and say why.

    The form has the new `stage` or `owner` of all of them; or `do` names the field, and `to.ID` has each deal's own.
    """
    form = await read_form(request)
    check_csrf(request, session, form)
    field = next((one for one in ("stage", "owner") if one in form or form.get("do") == one), None)
    ids = _picked(form)
    if field is None:
        raise Refusal("invalid", "The form asks for nothing that this page does.")
    async with write_transaction(state) as tx:
        unit_of_work = UnitOfWork(permission=session.permission, tx=tx, at=state.clock(), handlers=state.event_handlers)
        await unit_of_work.lock(session.workspace.id)
        before = {one["id"]: one for one in await DEALS.load_selected(tx, session.permission, ids)}
        if len(before) < len(ids):
            raise Refusal("not-found", "You can see no deal with one of these ids.")
        change = await _change(unit_of_work, before, field, form)
    word = "Moved" if field == "stage" else "Changed the owner of"
    result = SelectionResult(
        text=f"{word} {count(change.changed, 'deal')}." if change.changed else "Nothing was changed.",
        refusals=change.refusals[:_MAX_REFUSALS],
        undo=Undo(path=DEALS.noun, fields={"do": field, **change.undo}) if change.undo else None,
        is_fault=bool(change.refusals),
    )
    return await _after(request, session, state, form, result)


def _export_of(record_list: RecordList[Any, Any]) -> Callable[..., Awaitable[Response]]:
    async def export_selected(request: Request, session: SignedIn, state: State) -> Response:
        form = await read_form(request)
        check_csrf(request, session, form)
        async with read_transaction(state, session.permission) as tx:
            items = await record_list.load_selected(tx, session.permission, _picked(form))
        return csv_of_selected(record_list, items)

    return export_selected


def _compare_of(record_list: RecordList[Any, Any]) -> Callable[..., Awaitable[Response]]:
    async def compare_selected(request: Request, session: SignedInMember) -> Response:
        """Lead to the page that compares the two selected records, before they are merged."""
        form = await read_form(request)
        check_csrf(request, session, form)
        ids = _picked(form)
        if len(ids) != _COMPARED:
            raise Refusal("invalid", f"Select two {record_list.noun} to merge them.")
        return redirect(request, f"{record_list.noun}/{ids[0]}/merge?with={ids[1]}")

    return compare_selected


for _noun in (PEOPLE.noun, COMPANIES.noun):
    router.add_api_route(f"/{_noun}", _compare_of(LISTS[_noun]), methods=["POST"])
for _list in (one for one in LISTS.values() if one.is_selectable):
    router.add_api_route(f"/{_list.noun}.csv", _export_of(_list), methods=["POST"])


class _Change(Struct, kw_only=True):
    """What the rules refused, how many deals changed, and the fields of a form that undoes all of it."""

    refusals: list[str]
    changed: int
    undo: dict[str, str]


async def _change(unit_of_work: UnitOfWork, deals: Mapping[UUID, Item], field: str, form: Mapping[str, str]) -> _Change:
    change = _Change(refusals=[], changed=0, undo={})
    has_undo = True
    for deal_id, deal in deals.items():
        value = form.get(f"{_TO}{deal_id}") or form.get(field, "")
        wanted, before = _wanted(field, value), deal["stage"] if field == "stage" else deal["owner_email"]
        target = await target_of_deal(unit_of_work.tx, unit_of_work.permission, deal_id)
        if value == before or target is None:
            continue
        event = DealChanged(subject=target.name, change=wanted, seats_of=target.seats_of or target.company)
        result = await unit_of_work.try_execute(target.workspace_id, event)
        if result.refused is not None:
            change.refusals.append(f"{deal['company']['name']}: {result.refused}.")
            continue
        change.changed += 1
        # A deal without an owner can't lose the one that it has now.
        has_undo = has_undo and before is not None
        change.undo |= {f"{_PICK}{deal_id}": "on", f"{_TO}{deal_id}": before or ""}
    if not has_undo:
        change.undo = {}
    return change


def _wanted(field: str, value: str) -> DealChange:
    if field == "stage":
        if not value:
            raise Refusal("invalid", "Choose a stage.")
        return DealChange(stage=value)
    if not is_email(normalize_email(value)):
        raise Refusal("invalid", "Choose an owner, by an address such as ola@example.com.")
    return DealChange(owner_email=normalize_email(value))


def _picked(form: Mapping[str, str]) -> list[UUID]:
    names = [name.removeprefix(_PICK) for name in form if name.startswith(_PICK)]
    try:
        ids = [UUID(name) for name in names]
    except ValueError:
        raise Refusal("invalid", "The form names a row by no id.") from None
    if not 0 < len(ids) <= PAGE_ROWS:
        raise Refusal("invalid", f"Select between 1 and {PAGE_ROWS} rows.")
    return ids


async def _after(
    request: Request, session: Session, state: AppState, form: Mapping[str, str], result: SelectionResult
) -> Response:
    """Show the list as it is now, with the result."""
    try:
        address = Address.of(DEALS.noun, form.get("query", ""))
    except ValueError:
        address = Address(DEALS.noun)
    if not is_part(request) and not result.is_fault:
        return redirect(request, address.url)
    return await show_list(request, session, state, DEALS, address, result=result)
