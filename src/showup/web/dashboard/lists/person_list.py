"""The list of people."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal
from uuid import UUID

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.teammate import Session
from showup.reads.keyset import PageRequest
from showup.reads.list_totals import Totals, count_people
from showup.reads.people import SORTS, PersonFilter, list_people
from showup.reads.record_meetings import Came, RecordMeeting, came_of, meetings_of_people
from showup.reads.rows import Item
from showup.web.dashboard.lists.address import Address, Filter
from showup.web.dashboard.lists.deal_list import company_filter
from showup.web.dashboard.lists.record_list import (
    SIMULATED_FILTER,
    Choices,
    Column,
    RecordList,
    RecordListQuery,
    Slice,
    cell,
    page_of,
    slice_of,
)
from showup.web.dashboard.words import TheirTime, Viewer, their_time
from showup.web.http.query_params import ShortText, any_of

_SHOWN_MEETINGS: Final = 6


class PersonListQuery(RecordListQuery):
    """The fields of the address of `/people`."""

    email: list[ShortText] = any_of()
    company_id: list[UUID] = any_of()
    sort: Literal["email", "-email", "created_at", "-created_at", "updated_at", "-updated_at"] = "-created_at"


class ListedPerson(Struct, frozen=True, kw_only=True):
    """A person as their row shows them. `there` is their clock at this moment."""

    person: Item
    name: str
    trail: Sequence[RecordMeeting]
    came: Came
    next_words: str
    is_today: bool
    there: TheirTime | None


class PersonList(RecordList[PersonListQuery]):
    """Everybody who booked or was invited."""

    noun = "people"
    singular = "person"
    title = "People"
    placeholder = "Name or address"
    nothing = "Everybody who books in Cal.com appears here by themselves."
    columns = (
        Column(title="Name", sort="email"),
        Column(title="Company"),
        Column(title="Next meeting"),
        Column(title="Came"),
        Column(title="There now", css="src"),
        Column(title="Updated", css="upd", sort="updated_at", is_number=True, is_latest_first=True),
    )
    csv_header = ("name", "email", "company", "domain", "phone", "time_zone", "created", "updated", "simulated", "id")
    query_type = PersonListQuery

    async def filters(
        self,
        tx: AsyncConnection,
        session: Session,
        address: Address,
        choices: Choices,  # noqa: ARG002  # as other lists need it
    ) -> Sequence[Filter]:
        """Return the filters."""
        return (
            SIMULATED_FILTER,
            Filter(name="email", label="Address", form="hidden"),
            await company_filter(tx, session, address),
        )

    def views(self, session: Session) -> Mapping[str, Mapping[str, str]]:  # noqa: ARG002  # the same for everybody
        """Return the views of people."""
        return {"Newest": {}, "By address": {"sort": "email"}}

    async def load(
        self,
        tx: AsyncConnection,
        session: Session,
        query: PersonListQuery,
        viewer: Viewer,  # noqa: ARG002  # as other lists need it
        *,
        limit: int,
    ) -> Slice:
        """Return the people."""
        request = page_of(query.cursor, query.sort, SORTS, limit)
        return slice_of(await list_people(tx, session.permission, _filter_of(query), request), query.sort)

    async def load_selected(self, tx: AsyncConnection, session: Session, ids: Sequence[UUID]) -> list[Item]:
        """Return the people with these ids."""
        page_request = PageRequest(sort="-created_at", limit=len(ids))
        return (await list_people(tx, session.permission, PersonFilter(ids=ids), page_request)).items

    async def count(
        self,
        tx: AsyncConnection,
        session: Session,
        query: PersonListQuery,
        viewer: Viewer,  # noqa: ARG002  # as other lists need it
        *,
        bound: int,
    ) -> Totals:
        """Return the number of people."""
        return await count_people(tx, session.permission, _filter_of(query), bound)

    async def rows(
        self,
        tx: AsyncConnection,
        session: Session,
        items: Sequence[Item],
        viewer: Viewer,
        choices: Choices,  # noqa: ARG002  # as other lists need it
    ) -> Sequence[ListedPerson]:
        """Return the rows."""
        ids = [one["id"] for one in items]
        meetings = await meetings_of_people(tx, session.permission, ids, viewer.now, newest=_SHOWN_MEETINGS)
        return [_row(one, meetings[one["id"]], viewer) for one in items]

    def csv_row(self, item: Item) -> Sequence[object]:
        """Return the cells of a person."""
        company = item["company"] or {}
        names = ("phone", "time_zone", "created_at", "updated_at", "simulated", "id")
        return [
            *(item["name"], item["email"], company.get("name"), company.get("domain")),
            *(cell(item[name]) for name in names),
        ]


def _filter_of(query: PersonListQuery) -> PersonFilter:
    return PersonFilter(q=query.q, email=query.email, company_id=query.company_id, simulated=query.simulated)


def _row(person: Item, meetings: Sequence[RecordMeeting], viewer: Viewer) -> ListedPerson:
    ahead = next((one for one in reversed(meetings) if one.is_ahead(viewer.now)), None)
    day = "" if ahead is None else viewer.day(ahead.start_time)
    return ListedPerson(
        person=person,
        name=person["name"] or person["email"],
        trail=list(reversed(meetings)),
        came=came_of(meetings),
        next_words="" if ahead is None else f"{day} {viewer.hour(ahead.start_time)}",
        is_today=day == "today",
        there=their_time(viewer, viewer.now, person["time_zone"]),
    )


PEOPLE: Final = PersonList()
