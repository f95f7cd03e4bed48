"""The list of people."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal
from uuid import UUID

from msgspec import Struct

from showup.access.teammate import Session
from showup.reads.list_totals import count_people
from showup.reads.people import SORTS, PersonFilter, list_people
from showup.reads.record_meetings import Came, RecordMeeting, came_of, meetings_of_people
from showup.reads.rows import Item
from showup.web.dashboard.lists.address import Address, Filter
from showup.web.dashboard.lists.deal_list import company_filter
from showup.web.dashboard.lists.record_list import (
    SIMULATED_FILTER,
    Choices,
    Column,
    Line,
    Reader,
    Reads,
    RecordList,
    RecordListQuery,
    cell,
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


class PersonList(RecordList[PersonListQuery, PersonFilter]):
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

    reads = Reads(page=list_people, count=count_people, sorts=SORTS, filter_type=PersonFilter)

    def filter_of(self, query: PersonListQuery, reader: Reader) -> PersonFilter:
        """Return the conditions."""
        return PersonFilter(q=query.q, email=query.email, company_id=query.company_id, simulated=query.simulated)

    async def filters(self, reader: Reader, address: Address, choices: Choices) -> Sequence[Filter]:
        """Return the filters."""
        return (
            SIMULATED_FILTER,
            Filter(name="email", label="Address", form="hidden"),
            await company_filter(reader, address),
        )

    def views(self, session: Session) -> Mapping[str, Mapping[str, str]]:
        """Return the views of people."""
        return {"Newest": {}, "By address": {"sort": "email"}}

    async def rows(self, reader: Reader, items: Sequence[Item], choices: Choices) -> Sequence[ListedPerson]:
        """Return the rows."""
        ids = [one["id"] for one in items]
        meetings = await meetings_of_people(
            reader.tx, reader.permission, ids, reader.viewer.now, newest=_SHOWN_MEETINGS
        )
        return [_row(one, meetings[one["id"]], reader.viewer) for one in items]

    async def lines(self, reader: Reader, items: Sequence[Item]) -> Sequence[Line]:
        """Return the people, with their companies and addresses."""
        return [
            Line(
                title=one["name"] or one["email"],
                note=", ".join(filter(None, (one["company"] and one["company"]["name"], one["name"] and one["email"]))),
                path=f"people/{one['id']}",
                is_sample=one["simulated"],
            )
            for one in items
        ]

    def csv_row(self, item: Item) -> Sequence[object]:
        """Return the cells of a person."""
        company = item["company"] or {}
        names = ("phone", "time_zone", "created_at", "updated_at", "simulated", "id")
        return [
            *(item["name"], item["email"], company.get("name"), company.get("domain")),
            *(cell(item[name]) for name in names),
        ]


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
