"""What a list is made of; each noun fills it in."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, ClassVar, Final, Generic, TypeVar
from uuid import UUID

from msgspec import Struct
from pydantic import ConfigDict, Field, ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.access.teammate import Session
from showup.database.engine import driver_connection
from showup.inbox.rules import in_force
from showup.reads.keyset import PageRequest, ResultPage, Sorts
from showup.reads.list_rows import teammate_names
from showup.reads.list_totals import Totals
from showup.reads.rows import Item
from showup.reads.simulated import SimulatedFilter
from showup.web.dashboard.lists.address import Address, Choice, Filter
from showup.web.dashboard.words import Viewer
from showup.web.http.paging import build_page_request, encode_cursor
from showup.web.http.problems import Refusal
from showup.web.http.query_params import SearchText, StorableModel

PAGE_ROWS: Final = 50
SIMULATED_FILTER: Final = Filter(
    name="simulated", label="Sample", choices=(Choice("false", "left out"), Choice("true", "only"))
)


class RecordListQuery(StorableModel):
    """The fields of every list's address. `after`: how many rows came before this page. Unknown fields are ignored."""

    model_config = ConfigDict(extra="ignore")

    q: SearchText | None = None
    simulated: SimulatedFilter = "all"
    cursor: str | None = Field(None, max_length=2100)
    after: int = Field(0, ge=0, lt=10**9)
    sort: str

    def at_midnight(self, day: date | None, viewer: Viewer) -> datetime | None:
        """Return the beginning of a day in the viewer's zone."""
        return None if day is None else datetime(day.year, day.month, day.day, tzinfo=viewer.zone)


class Column(Struct, frozen=True, kw_only=True):
    """A column: `sort` is the name of its order, `is_number` puts it to the right."""

    title: str
    css: str = ""
    sort: str | None = None
    is_number: bool = False
    is_latest_first: bool = False


class Slice(Struct, frozen=True, kw_only=True):
    """Some rows of a list as the API has them, and the cursor of what follows; None after the last one."""

    items: list[Item]
    next_cursor: str | None


class Choices(Struct, frozen=True, kw_only=True):
    """What deals of the workspace can have: a stage of its rules, and one of its teammates, by address, as owner."""

    stages: Sequence[str]
    owners: Mapping[str, str]

    def share(self, stage: str | None) -> float | None:
        """Return how far a stage is among all, from 0 to 1; None for an unknown one."""
        last = max(len(self.stages) - 1, 1)
        return self.stages.index(stage) / last if stage is not None and stage in self.stages else None


async def load_choices(tx: AsyncConnection, session: Session) -> Choices:
    """Return the choices of the session's workspace."""
    stages = (await in_force(await driver_connection(tx), session.workspace.id)).newest.stages
    return Choices(stages=stages, owners=await teammate_names(tx, session.permission))


class Reader(Struct, frozen=True, kw_only=True):
    """Who reads a list, and in which transaction."""

    tx: AsyncConnection
    session: Session
    viewer: Viewer

    @property
    def permission(self) -> Permission:
        """Return what they may see."""
        return self.session.permission


class Line(Struct, frozen=True, kw_only=True):
    """A line of the palette: `path` is relative to the home page. Without an `icon` it has the initials of its title.

    `report` is the act of reporting what became of a meeting, if that is not known.
    """

    title: str
    note: str
    path: str
    icon: str = ""
    is_sample: bool = False
    report: "Line | None" = None
    keys: str = ""
    field: tuple[str, str] | None = None
    """Name and value of what a form posts to the path; without it, the line is a link."""


AnyQuery = TypeVar("AnyQuery", bound=RecordListQuery)
AnyFilter = TypeVar("AnyFilter")


class Reads(Struct, Generic[AnyFilter], frozen=True, kw_only=True):
    """How records are read: those of a page that meet a filter, how many there are up to a bound, and the orders."""

    page: Callable[[AsyncConnection, Permission, AnyFilter, PageRequest], Awaitable[ResultPage]]
    count: Callable[[AsyncConnection, Permission, AnyFilter, int], Awaitable[Totals]]
    sorts: Sorts
    filter_type: Callable[..., AnyFilter]
    """Takes `ids`, among others."""


class RecordList(ABC, Generic[AnyQuery, AnyFilter]):
    """A list. `noun` is its path; `rows` of a page are values for its template `parts/rows_{noun}.html`."""

    noun: ClassVar[str]
    singular: ClassVar[str]
    title: ClassVar[str]
    placeholder: ClassVar[str]
    nothing: ClassVar[str]
    """What brings the first record."""
    is_selectable: ClassVar[bool] = True
    """Its rows can be selected, and are then a file or act together."""
    columns: ClassVar[Sequence[Column]]
    csv_header: ClassVar[Sequence[str]]
    query_type: type[AnyQuery]
    reads: Reads[AnyFilter]

    def parse(self, address: Address) -> AnyQuery:
        """Return the fields of the address. Refuses one that can't be read."""
        fields: dict[str, Any] = {}
        for name, value in address.pairs:
            known = self.query_type.model_fields.get(name)
            if known is not None and known.default_factory is not None:
                fields.setdefault(name, []).append(value)
            else:
                fields[name] = value
        try:
            return self.query_type.model_validate(fields)
        except ValidationError as error:
            name = str(error.errors()[0]["loc"][0])
            raise Refusal(
                "invalid", f"The list can't be filtered by {name} = {str(fields.get(name))[:100]!r}. Remove it."
            ) from None

    @abstractmethod
    def filter_of(self, query: AnyQuery, reader: Reader) -> AnyFilter:
        """Return the conditions that the fields of the address are."""

    @abstractmethod
    async def filters(self, reader: Reader, address: Address, choices: Choices) -> Sequence[Filter]:
        """Return the filters, with their choices in this workspace."""

    @abstractmethod
    def views(self, session: Session) -> Mapping[str, Mapping[str, str]]:
        """Return the views that every teammate has: the fields of the address by name."""

    async def load(self, reader: Reader, query: AnyQuery, *, limit: int) -> Slice:
        """Return the rows that follow the query's cursor. Refuses a cursor that can't be read."""
        request = page_of(query.cursor, query.sort, self.reads.sorts, limit)
        filters = self.filter_of(query, reader)
        return slice_of(await self.reads.page(reader.tx, reader.permission, filters, request), query.sort)

    async def load_selected(self, tx: AsyncConnection, permission: Permission, ids: Sequence[UUID]) -> list[Item]:
        """Return the records with these ids that the permission allows."""
        request = PageRequest(sort=self.query_type.model_fields["sort"].default, limit=len(ids))
        return (await self.reads.page(tx, permission, self.reads.filter_type(ids=ids), request)).items

    async def count(self, reader: Reader, query: AnyQuery, *, bound: int) -> Totals:
        """Return how many rows the list has, up to a bound."""
        return await self.reads.count(reader.tx, reader.permission, self.filter_of(query, reader), bound)

    @abstractmethod
    async def rows(self, reader: Reader, items: Sequence[Item], choices: Choices) -> Sequence[Any]:
        """Return the rows as the template shows them."""

    async def lines(self, reader: Reader, items: Sequence[Item]) -> Sequence[Line]:  # as its lists
        """Return the records as the palette shows them; none of a list that it doesn't search."""
        return []

    @abstractmethod
    def csv_row(self, item: Item) -> Sequence[object]:
        """Return the cells of a record, as `csv_header` names them."""


def page_of(cursor: str | None, sort: str, sorts: Sorts, limit: int) -> PageRequest:
    """Return the request for the page after a cursor; an empty one begins at the first. Refuses a wrong one."""
    return build_page_request(sort=sort, limit=limit, cursor=cursor or None, sorts=sorts)


def slice_of(page: ResultPage, sort: str) -> Slice:
    """Return a page with its cursor as text."""
    next_cursor = None if page.next_cursor is None else encode_cursor(sort, page.next_cursor)
    return Slice(items=page.items, next_cursor=next_cursor)


def cell(value: Any) -> object:
    """Return a value as a cell of a CSV file: times in UTC, and yes or nothing."""
    if isinstance(value, bool):
        return "yes" if value else ""
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value
