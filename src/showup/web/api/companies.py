"""`/api/companies`: for whom people work."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from showup.reads.companies import SORTS, CompanyFilter, find_company, list_companies
from showup.web.api.deals import DEAL, Deal
from showup.web.api.people import WHOLE_PERSON, Person
from showup.web.api.shapes import (
    COMPANY,
    LINE,
    MEETING,
    CompanyName,
    Example,
    MeetingBrief,
    Page,
    TimelineLine,
    page_of,
    shows,
)
from showup.web.auth import Reader
from showup.web.ground import Reading
from showup.web.paging import shown
from showup.web.problems import documented, found_or_refused
from showup.web.questions import ListQuestion, Question, Search, Word

router = APIRouter(prefix="/api/companies", tags=["companies"])

_WHOLE_COMPANY: Example = COMPANY | {
    "created_at": "2026-03-10T09:15:00Z",
    "updated_at": "2026-03-10T09:15:00Z",
}
COMPANY_DETAIL: Example = _WHOLE_COMPANY | {
    "people": [WHOLE_PERSON],
    "deals": [DEAL],
    "bookings": [MEETING],
    "timeline": [LINE],
}


class CompanyQuestion(ListQuestion):
    """Which companies."""

    domain: Word | None = Field(None, description="The registrable domain, such as `acme.com`.")
    q: Search | None = Field(None, description="Words that begin words of the name or the domain.")
    sort: Literal["created_at", "-created_at", "updated_at", "-updated_at", "name", "-name"] = "-created_at"

    def wanted(self) -> CompanyFilter:
        """The same in the words of `reads`."""
        return CompanyFilter(domain=self.domain, q=self.q)


class Company(CompanyName):
    """An organization, known by its registrable domain; one entered by hand may have none."""

    created_at: datetime
    updated_at: datetime


class CompanyDetail(Company):
    """A company with its people, deals, bookings and story."""

    people: list[Person]
    deals: list[Deal]
    bookings: list[MeetingBrief]
    timeline: list[TimelineLine]


@router.get("", response_model=Page[Company], responses=shows(page_of(_WHOLE_COMPANY)) | documented("broken-cursor"))
async def companies(permit: Reader, tx: Reading, asked: Annotated[CompanyQuestion, Query()]) -> Any:
    """List companies, the newest first."""
    ask = asked.ask(SORTS)
    return shown(await list_companies(tx, permit, asked.wanted(), ask), ask)


@router.get("/{company_id}", response_model=CompanyDetail, responses=shows(COMPANY_DETAIL) | documented("not-found"))
async def company(company_id: UUID, permit: Reader, tx: Reading, _asked: Annotated[Question, Query()]) -> Any:
    """One company with its people, deals, bookings and timeline.

    The id of a company that was merged into another one answers with the one that stays.
    """
    return found_or_refused(await find_company(tx, permit, company_id), "company")
