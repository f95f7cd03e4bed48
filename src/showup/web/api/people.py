"""`/api/people`: who books and attends."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from showup.reads.people import SORTS, PersonFilter, find_person, list_people
from showup.web.api.shapes import (
    COMPANY,
    LINE,
    MEETING,
    PERSON,
    CompanyName,
    Example,
    MeetingBrief,
    Page,
    PersonName,
    TimelineLine,
    page_of,
    shows,
)
from showup.web.auth import Reader
from showup.web.ground import Reading
from showup.web.paging import shown
from showup.web.problems import documented, found_or_refused
from showup.web.questions import ListQuestion, Question, Search, Word

router = APIRouter(prefix="/api/people", tags=["people"])

WHOLE_PERSON: Example = PERSON | {
    "time_zone": "America/New_York",
    "phone": None,
    "company": COMPANY,
    "created_at": "2026-03-10T09:15:00Z",
    "updated_at": "2026-03-10T09:15:00Z",
}
PERSON_DETAIL: Example = WHOLE_PERSON | {"bookings": [MEETING], "timeline": [LINE]}


class PeopleQuestion(ListQuestion):
    """Which people."""

    email: Word | None = None
    company_id: UUID | None = None
    q: Search | None = Field(None, description="Words that begin words of the name or the email address.")
    sort: Literal["created_at", "-created_at", "updated_at", "-updated_at", "email", "-email"] = "-created_at"

    def wanted(self) -> PersonFilter:
        """The same in the words of `reads`."""
        return PersonFilter(**self.model_dump(include={"email", "company_id", "q"}))


class Person(PersonName):
    """One email address in one workspace; `company` is null behind a personal domain."""

    time_zone: str | None
    phone: str | None
    company: CompanyName | None
    created_at: datetime
    updated_at: datetime


class PersonDetail(Person):
    """A person with their bookings and story."""

    bookings: list[MeetingBrief]
    timeline: list[TimelineLine]


@router.get("", response_model=Page[Person], responses=shows(page_of(WHOLE_PERSON)) | documented("broken-cursor"))
async def people(permit: Reader, tx: Reading, asked: Annotated[PeopleQuestion, Query()]) -> Any:
    """List people, the newest first."""
    ask = asked.ask(SORTS)
    return shown(await list_people(tx, permit, asked.wanted(), ask), ask)


@router.get(
    "/{person_id}",
    response_model=PersonDetail,
    responses=shows(PERSON_DETAIL) | documented("not-found"),
)
async def person(person_id: UUID, permit: Reader, tx: Reading, _asked: Annotated[Question, Query()]) -> Any:
    """One person with their bookings and timeline.

    The id of a person who was merged into another one answers with the one who stays.
    """
    return found_or_refused(await find_person(tx, permit, person_id), "person")
