"""Merging two people or two companies: find the other one, compare them side by side, merge, and undo."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.access.teammate import Session
from showup.commands.unit_of_work import UnitOfWork
from showup.events.workspace import Merged, MergeKind, MergeUndone
from showup.reads.command_targets import CommandTarget, target_of_company, target_of_person
from showup.reads.companies import CompanyFilter, find_company_row, list_companies
from showup.reads.keyset import PageRequest
from showup.reads.list_rows import extras_of_companies
from showup.reads.merges import find_merge
from showup.reads.people import PersonFilter, find_person_row, list_people
from showup.reads.record_meetings import came_of, meetings_of_people
from showup.reads.rows import Item
from showup.reads.search import check_search
from showup.web.dashboard.page_route import DashboardRoute, redirect
from showup.web.dashboard.shell import record_visit, render_shell, viewer_of
from showup.web.dashboard.words import Viewer, city_of, count, money
from showup.web.http.app_state import AppState, State, read_transaction, write_transaction
from showup.web.http.forms import read_form
from showup.web.http.problems import Refusal
from showup.web.http.sessions import SignedInMember, check_csrf

router = APIRouter(include_in_schema=False, route_class=DashboardRoute)

_MAX_FOUND: Final = 20
_SHOWN_MEETINGS: Final = 50
# What may differ although the two are one.
_UNNAMING: Final = frozenset({"Meetings", "Known since", "Active deal", "People"})


class ComparedFact(Struct, frozen=True, kw_only=True):
    """One fact of both records."""

    label: str
    left: str
    right: str

    @property
    def is_same(self) -> bool:
        """Return whether the fact speaks for neither: it is the same, or one of them lacks it, or it names nobody."""
        is_equal = self.left.casefold() == self.right.casefold() or "–" in (self.left, self.right)
        return is_equal or self.label in _UNNAMING


class Noun(Struct, frozen=True, kw_only=True):
    """What the pages say of a kind of records, and how they find and compare them."""

    kind: MergeKind
    singular: str
    moves: str
    find: Callable[[AsyncConnection, Permission, UUID], Awaitable[Item | None]]
    target: Callable[[AsyncConnection, Permission, UUID], Awaitable[CommandTarget | None]]
    search: Callable[[AsyncConnection, Permission, str], Awaitable[list[Item]]]
    near: Callable[[AsyncConnection, Permission, Item], Awaitable[list[Item]]]
    facts: Callable[[AsyncConnection, Permission, Item, Viewer], Awaitable[Mapping[str, str]]]

    def name(self, item: Item) -> str:
        """Return the name of a record."""
        name: str = item["name"] or item["email"]
        return name

    def second(self, item: Item) -> str | None:
        """Return what tells two records of one name apart."""
        second: str | None = item["email"] if self.kind == "people" else item["domain"]
        return second


def _merge_page_of(noun: Noun, id_name: str) -> Callable[..., Awaitable[Response]]:
    async def merge_page(
        request: Request, record_id: Annotated[UUID, Path(alias=id_name)], session: SignedInMember, state: State
    ) -> Response:
        """Search for the other record; with one in `with`, compare both."""
        await record_visit(session, state)
        async with read_transaction(state, session.permission) as tx:
            record = await _found(tx, session, noun, record_id)
            return await _page(request, session, state, tx, noun, record, request.query_params.get("with"))

    return merge_page


def _merge_of(noun: Noun, id_name: str) -> Callable[..., Awaitable[Response]]:
    async def merge(
        request: Request, record_id: Annotated[UUID, Path(alias=id_name)], session: SignedInMember, state: State
    ) -> Response:
        """Merge `gone` into `stays`; one of them is the record of the page."""
        form = await read_form(request)
        check_csrf(request, session, form)
        gone_id, stays_id = _id(form.get("gone")), _id(form.get("stays"))
        if record_id not in (gone_id, stays_id):
            raise Refusal("invalid", "The form is of another page. Open it again.")
        async with write_transaction(state) as tx:
            gone, stays = await _target(tx, session, noun, gone_id), await _target(tx, session, noun, stays_id)
            event = Merged(kind=noun.kind, gone=gone.name, stays=stays.name)
            result = await _unit_of_work(session, state, tx).try_execute(session.workspace.id, event)
            if result.refused is not None:
                record = await _found(tx, session, noun, record_id)
                other = str(stays_id if record_id == gone_id else gone_id)
                fault = f"Not merged: {result.refused}."
                return await _page(request, session, state, tx, noun, record, other, fault=fault, status=422)
        return redirect(request, f"{noun.kind}/{stays.id}?merged={result.event_ids[0]}")

    return merge


@router.post("/merges/{merge_id}/undo")
async def undo_merge(request: Request, merge_id: UUID, session: SignedInMember, state: State) -> Response:
    """Undo a merge: each of the two records gets its own data back."""
    form = await read_form(request)
    check_csrf(request, session, form)
    async with write_transaction(state) as tx:
        merge = await find_merge(tx, session.permission, merge_id)
        if merge is None:
            raise Refusal("not-found", "You can see no such merge, or it was undone already.")
        result = await _unit_of_work(session, state, tx).try_execute(merge["workspace_id"], MergeUndone(merge=merge_id))
    if result.refused is not None:
        raise Refusal("conflict", f"Not undone: {result.refused}.")
    return redirect(request, f"{merge['kind']}/{merge['gone_id']}")


async def _page(  # noqa: PLR0913  # each by its name
    request: Request,
    session: Session,
    state: AppState,
    tx: AsyncConnection,
    noun: Noun,
    record: Item,
    other_text: str | None,
    *,
    fault: str | None = None,
    status: int = 200,
) -> Response:
    viewer = viewer_of(session, state)
    q = request.query_params.get("q", "").strip()
    context: dict[str, Any] = {"noun": noun, "record": record, "other": None, "q": q, "found": [], "fault": fault}
    if other_text:
        other = await _found(tx, session, noun, _id(other_text))
        left = await noun.facts(tx, session.permission, record, viewer)
        right = await noun.facts(tx, session.permission, other, viewer)
        rows = [ComparedFact(label=label, left=value, right=right[label]) for label, value in left.items()]
        context |= {"other": other, "rows": rows, "is_same": other["id"] == record["id"]}
    else:
        found = await noun.search(tx, session.permission, _checked(q or _first_word(noun.name(record))))
        others = [one for one in found if one["id"] != record["id"]]
        context["found"] = others if others or q else await noun.near(tx, session.permission, record)
    return await render_shell(request, "merge.html", context, tx=tx, session=session, state=state, status=status)


def _checked(q: str) -> str:
    try:
        return check_search(q[:200])
    except ValueError as error:
        raise Refusal("invalid", f"{error}.") from None


def _first_word(name: str) -> str:
    """Return the word by which a search suggests others: similar names begin alike."""
    return name.partition("@")[0].split()[0] if name.split() else name


def _id(text: str | None) -> UUID:
    try:
        return UUID(text or "")
    except ValueError:
        raise Refusal("not-found", "The address or the form names no record.") from None


async def _found(tx: AsyncConnection, session: Session, noun: Noun, record_id: UUID) -> Item:
    record = await noun.find(tx, session.permission, record_id)
    if record is None:
        raise Refusal("not-found", f"You can see no {noun.singular} with this id.")
    return record


async def _target(tx: AsyncConnection, session: Session, noun: Noun, record_id: UUID) -> CommandTarget:
    target = await noun.target(tx, session.permission, record_id)
    if target is None:
        raise Refusal("not-found", f"You can see no {noun.singular} with this id.")
    return target


def _unit_of_work(session: Session, state: AppState, tx: AsyncConnection) -> UnitOfWork:
    return UnitOfWork(permission=session.permission, tx=tx, at=state.clock(), handlers=state.event_handlers)


async def _search_people(tx: AsyncConnection, permission: Permission, q: str) -> list[Item]:
    page_request = PageRequest(sort="email", limit=_MAX_FOUND)
    return (await list_people(tx, permission, PersonFilter(q=q), page_request)).items


async def _search_companies(tx: AsyncConnection, permission: Permission, q: str) -> list[Item]:
    page_request = PageRequest(sort="name", limit=_MAX_FOUND)
    return (await list_companies(tx, permission, CompanyFilter(q=q), page_request)).items


async def _colleagues(tx: AsyncConnection, permission: Permission, person: Item) -> list[Item]:
    """Return who else works there: somebody may book with two addresses of one company."""
    if person["company"] is None:
        return []
    page_request = PageRequest(sort="email", limit=_MAX_FOUND)
    filters = PersonFilter(company_id=[person["company"]["id"]])
    found = (await list_people(tx, permission, filters, page_request)).items
    return [one for one in found if one["id"] != person["id"]]


async def _nothing(tx: AsyncConnection, permission: Permission, record: Item) -> list[Item]:  # noqa: ARG001
    return []


async def _person_facts(tx: AsyncConnection, permission: Permission, person: Item, viewer: Viewer) -> Mapping[str, str]:
    by_person = await meetings_of_people(tx, permission, [person["id"]], viewer.now, newest=_SHOWN_MEETINGS)
    meetings = by_person[person["id"]]
    came = came_of(meetings)
    return {
        "Name": person["name"] or "–",
        "Address": person["email"],
        "Company": person["company"]["name"] if person["company"] else "–",
        "Phone": person["phone"] or "–",
        "Time zone": city_of(person["time_zone"]) if person["time_zone"] else "–",
        "Meetings": _meetings(len(meetings), f", came to {came.came} of {came.known}" if came.known else ""),
        "Known since": viewer.day(person["created_at"]),
    }


async def _company_facts(
    tx: AsyncConnection, permission: Permission, company: Item, viewer: Viewer
) -> Mapping[str, str]:
    extras = (await extras_of_companies(tx, permission, [company["id"]]))[company["id"]]
    names = ", ".join(extras.names)
    amount = "" if extras.amount is None else f", {money(extras.amount, extras.currency)}"
    return {
        "Name": company["name"],
        "Domain": company["domain"] or "–",
        "People": f"{extras.people}: {names}" if extras.people else "–",
        "Active deal": f"{extras.stage}{amount}" if extras.stage else "–",
        "Known since": viewer.day(company["created_at"]),
    }


def _meetings(number: int, more: str) -> str:
    if number == 0:
        return "–"
    return f"{'at least ' if number == _SHOWN_MEETINGS else ''}{count(number, 'meeting')}{more}"


NOUNS: Final[Sequence[Noun]] = (
    Noun(
        kind="people",
        singular="person",
        moves="Their meetings, their matches to leads and their history",
        find=find_person_row,
        target=target_of_person,
        search=_search_people,
        near=_colleagues,
        facts=_person_facts,
    ),
    Noun(
        kind="companies",
        singular="company",
        moves="Its people, meetings and deals, of which at most one stays active,",
        find=find_company_row,
        target=target_of_company,
        search=_search_companies,
        near=_nothing,
        facts=_company_facts,
    ),
)

for _noun, _id_name in zip(NOUNS, ("person_id", "company_id"), strict=True):
    router.add_api_route(f"/{_noun.kind}/{{{_id_name}}}/merge", _merge_page_of(_noun, _id_name), methods=["GET"])
    router.add_api_route(f"/{_noun.kind}/{{{_id_name}}}/merge", _merge_of(_noun, _id_name), methods=["POST"])
