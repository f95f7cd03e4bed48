"""`/api/people`: bookers and attendees."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from showup.reads.people import SORTS, PersonFilter, find_person, list_people
from showup.web.api.schemas import (
    BOOKING_SUMMARY,
    COMPANY,
    PERSON,
    TIMELINE_ENTRY,
    BookingSummary,
    CompanySummary,
    Example,
    PageResponse,
    PersonSummary,
    TimelineEntry,
    ok_response,
    page_example,
)
from showup.web.app_state import ReadTransaction
from showup.web.auth import Reader
from showup.web.paging import page_response
from showup.web.problems import found_or_404, problem_examples
from showup.web.query_params import ListQuery, SearchText, ShortText, WorkspaceQuery

router = APIRouter(prefix="/api/people", tags=["people"])

PERSON_ITEM: Example = PERSON | {
    "time_zone": "America/New_York",
    "phone": None,
    "company": COMPANY,
    "created_at": "2026-03-10T09:15:00Z",
    "updated_at": "2026-03-10T09:15:00Z",
}
PERSON_DETAIL: Example = PERSON_ITEM | {"bookings": [BOOKING_SUMMARY], "timeline": [TIMELINE_ENTRY]}


class PersonQuery(ListQuery):
    """Filters and paging for people."""

    email: ShortText | None = None
    company_id: UUID | None = None
    q: SearchText | None = Field(None, description="Prefixes of words in the name or the email address.")
    sort: Literal["created_at", "-created_at", "updated_at", "-updated_at", "email", "-email"] = "-created_at"

    def to_filter(self) -> PersonFilter:
        """Return these filters as a `reads` filter."""
        return PersonFilter(**self.model_dump(include={"email", "company_id", "q"}))


class PersonResponse(PersonSummary):
    """One email address in one workspace; `company` is null for a personal domain."""

    time_zone: str | None
    phone: str | None
    company: CompanySummary | None
    created_at: datetime
    updated_at: datetime


class PersonDetailResponse(PersonResponse):
    """A person with their bookings and timeline."""

    bookings: list[BookingSummary]
    timeline: list[TimelineEntry]


@router.get(
    "",
    response_model=PageResponse[PersonResponse],
    responses=ok_response(page_example(PERSON_ITEM)) | problem_examples("broken-cursor"),
)
async def get_people(permission: Reader, tx: ReadTransaction, query: Annotated[PersonQuery, Query()]) -> Any:
    """List people, newest first."""
    page_request = query.page_request(SORTS)
    return page_response(await list_people(tx, permission, query.to_filter(), page_request), page_request)


@router.get(
    "/{person_id}",
    response_model=PersonDetailResponse,
    responses=ok_response(PERSON_DETAIL) | problem_examples("not-found"),
)
async def get_person(
    person_id: UUID, permission: Reader, tx: ReadTransaction, _query: Annotated[WorkspaceQuery, Query()]
) -> Any:
    """Get a person with their bookings and timeline.

    The id of a person who was merged into another one returns the person who remains.
    """
    return found_or_404(await find_person(tx, permission, person_id), "person")
