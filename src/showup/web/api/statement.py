"""`/api/statement`: what became of each webhook of a day."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from showup.reads.statement import list_statements
from showup.web.api.schemas import Example, ok_response
from showup.web.http.api_route import ApiRoute
from showup.web.http.app_state import ReadTransaction, State
from showup.web.http.auth import Reader
from showup.web.http.query_params import Day, WorkspaceQuery

router = APIRouter(prefix="/api/statement", tags=["events"], route_class=ApiRoute)


class StatementQuery(WorkspaceQuery):
    """The day of the statement."""

    day: Day | None = Field(None, description="A day of each workspace's time zone. Default: yesterday there.")


class StatementResponse(BaseModel):
    """What became of a workspace's webhooks of one day.

    `received` is the sum of `projected`, `duplicate`, `ignored`, `unreadable`, `open` and `erased`.
    """

    workspace: str
    day: date
    time_zone: str
    received: int = Field(description="Webhooks that were answered with 2xx.")
    projected: int = Field(description="Changed bookings, or confirmed what was known.")
    duplicate: int = Field(description="Copies of a webhook that was received before.")
    ignored: int = Field(description="Events that say nothing about a booking.")
    unreadable: int = Field(description="Could not be read: see `GET /api/events?state=unreadable`.")
    open: int = Field(description="Wait to be applied, for another event, or to be tried again.")
    erased: int = Field(description="Erased on request.")
    repaired: int = Field(description="Events that the day's comparisons with Cal.com added.")
    missing: int | None = Field(
        description="Bookings that still differ from Cal.com's, and must be 0. Null if an account was never compared."
    )
    not_compared: list[str] = Field(description="The Cal.com accounts that were not compared on that day.")
    is_complete: bool = Field(description="Every webhook was dealt with, and nothing is missing.")


class StatementsResponse(BaseModel):
    """One statement for each workspace that the caller may read."""

    items: list[StatementResponse]


_STATEMENTS: Example = {
    "items": [
        {
            "workspace": "default",
            "day": "2026-03-11",
            "time_zone": "Europe/Berlin",
            "received": 120,
            "projected": 101,
            "duplicate": 14,
            "ignored": 5,
            "unreadable": 0,
            "open": 0,
            "erased": 0,
            "repaired": 2,
            "missing": 0,
            "not_compared": [],
            "is_complete": True,
        }
    ]
}


@router.get("", response_model=StatementsResponse, responses=ok_response(_STATEMENTS))
async def get_statement(
    permission: Reader, tx: ReadTransaction, state: State, query: Annotated[StatementQuery, Query()]
) -> Any:
    """Get the daily statement: webhooks received, projected, duplicate, ignored and unreadable, and what is missing."""
    statements = await list_statements(tx, permission, state.clock(), day=query.day)
    return {"items": [statement.to_dict() for statement in statements]}
