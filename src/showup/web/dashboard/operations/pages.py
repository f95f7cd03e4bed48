"""What the pages of operations share: one way to show them, and the query in their addresses."""

from collections.abc import Mapping
from typing import Any, Final, TypeVar

from fastapi import Request, Response
from msgspec import Struct
from pydantic import ConfigDict, Field, ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.teammate import Session
from showup.reads.keyset import ResultPage
from showup.reads.simulated import SimulatedFilter
from showup.web.dashboard.action_result import ActionResult
from showup.web.dashboard.lists.address import Address
from showup.web.dashboard.page_route import is_part
from showup.web.dashboard.shell import render_shell
from showup.web.http.app_state import AppState
from showup.web.http.forms import read_form
from showup.web.http.paging import encode_cursor
from showup.web.http.problems import Refusal
from showup.web.http.query_params import StorableModel
from showup.web.http.sessions import check_csrf

PAGE_ROWS: Final = 50


class PageQuery(StorableModel):
    """The fields of every list's address. Unknown fields are ignored."""

    model_config = ConfigDict(extra="ignore")

    simulated: SimulatedFilter = "all"
    cursor: str | None = Field(None, max_length=2100)


class Tab(Struct, frozen=True, kw_only=True):
    """A part of a list by state; `number` is empty for none, and `is_fault` marks one that needs a person."""

    label: str
    url: str
    is_current: bool
    number: str = ""
    is_fault: bool = False


AnyQuery = TypeVar("AnyQuery", bound=PageQuery)


def address_of(path: str, query: str) -> Address:
    """Return the address that a request asks for. Refuses one with too many fields."""
    try:
        return Address.of(path, query)
    except ValueError:
        raise Refusal("invalid", "The address has too many fields. Remove some filters.") from None


def parse_query(query_type: type[AnyQuery], address: Address) -> AnyQuery:
    """Return the fields of the address. Refuses one that can't be read."""
    fields: dict[str, Any] = {}
    for name, value in address.pairs:
        known = query_type.model_fields.get(name)
        if known is not None and known.default_factory is not None:
            fields.setdefault(name, []).append(value)
        else:
            fields[name] = value
    try:
        return query_type.model_validate(fields)
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0])
        raise Refusal(
            "invalid", f"The list can't be filtered by {name} = {str(fields.get(name))[:100]!r}. Remove it."
        ) from None


def tab_of(
    address: Address, label: str, fields: Mapping[str, str], *, number: int = 0, most: int = 0, is_fault: bool = False
) -> Tab:
    """Return the tab that sets these fields; `address` keeps its other filters. `most` is counted at most."""
    kept = address.view.but("state", "due")
    own = Address(kept.path, (*kept.pairs, *fields.items()))
    words = "" if not number else f"{number:,}" if not most or number < most else f"{most:,}+"
    return Tab(label=label, url=own.url, is_current=own.query == address.query, number=words, is_fault=is_fault)


def next_url_of(address: Address, page: ResultPage, sort: str) -> str | None:
    """Return the link to the page after this one; None after the last one."""
    if page.next_cursor is None:
        return None
    return Address(address.path, (*address.view.pairs, ("cursor", encode_cursor(sort, page.next_cursor)))).url


async def read_own_form(request: Request, session: Session) -> dict[str, str]:
    """Return the fields of a form of this session. Refuses another one."""
    form = await read_form(request)
    check_csrf(request, session, form)
    return form


async def render_operations(  # noqa: PLR0913  # each by its name
    request: Request,
    name: str,
    context: dict[str, Any],
    *,
    tx: AsyncConnection,
    session: Session,
    state: AppState,
    here: str | None = None,
    result: ActionResult | None = None,
) -> Response:
    """Show the page `name`, or for htmx its part, which has the same id; `here` is its entry of the navigation."""
    context |= {"part": name, "here": here or name, "result": result}
    template = "parts/operations.html" if is_part(request) else f"{name}.html"
    status = 422 if result is not None and result.is_fault else 200
    return await render_shell(request, template, context, tx=tx, session=session, state=state, status=status)
