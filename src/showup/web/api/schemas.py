"""Shared response models of the API, and helpers for the documentation's examples."""

from datetime import datetime
from typing import Any, Generic, Literal, TypeVar
from uuid import UUID

from pydantic import BaseModel, Field

Item = TypeVar("Item")
Example = dict[str, Any]

COMPANY: Example = {
    "id": "0b54c1a6-8b0e-5f0c-9d0e-3a5c8f4e2b11",
    "name": "Acme Corp",
    "domain": "acme.com",
}
PERSON: Example = {
    "id": "7e1f9a52-33c4-5d6e-8f70-91a2b3c4d5e6",
    "email": "sarah.chen@acme.com",
    "name": "Sarah Chen",
}
DEAL_ID = "c3a8e7d0-1f2b-5c4d-9e8f-0a1b2c3d4e5f"
BOOKING_ID = "5d2c9b1e-7a84-5e3f-b6c0-d1e2f3a4b5c6"
EVENT_ID = "018f6e2a-4b7c-7d10-8a9b-c0d1e2f3a4b5"
CURSOR = "WyItY3JlYXRlZF9hdCIsIjIwMjYtMDMtMTBUMDk6MTU6MDArMDA6MDAiLCJjM2E4ZTdkMCJd"

BookingStatus = Literal["ACCEPTED", "PENDING", "CANCELLED", "REJECTED"]
DealStatus = Literal["active", "won", "lost", "cancelled"]


class PageResponse(BaseModel, Generic[Item]):
    """One page of a list; `next_cursor` requests the next page and is null on the last."""

    items: list[Item]
    next_cursor: str | None


class CompanySummary(BaseModel):
    """A short form of a company, used inside other resources; `domain` is in its ASCII form (`xn--…`)."""

    id: UUID
    name: str
    domain: str | None


class PersonSummary(BaseModel):
    """A short form of a person, used inside other resources; the domain of `email` is in its ASCII form."""

    id: UUID
    email: str
    name: str | None


class Attendance(BaseModel):
    """Whether a person attended: `assumed` from the clock alone, or `reported` by a person or a system."""

    state: Literal["unreported", "showed", "no_show", "host_absent"]
    evidence: Literal["assumed", "reported"] | None


class TimelineEntry(BaseModel):
    """One change, with its actor and reason; `change` holds `[before, after]` by field."""

    at: datetime
    what: str
    because: str
    actor: str
    event_id: UUID
    change: dict[str, Any]


class BookingSummary(BaseModel):
    """A short form of a booking, without its uid, which can cancel the meeting at Cal.com.

    `simulated`: it comes from sample data or a simulation.
    """

    id: UUID
    workspace: str
    simulated: bool
    title: str
    start_time: datetime
    end_time: datetime | None
    status: BookingStatus
    attended: bool | None
    attendance: Attendance
    person: PersonSummary | None
    deal_id: UUID | None
    organizer_email: str | None


class ProblemDetails(BaseModel):
    """A problem (RFC 9457); `errors` names each invalid field and how to correct it."""

    type: str = Field(description="Stable identifier of the problem type.")
    title: str
    status: int
    detail: str
    errors: list["FieldProblem"] | None = None


class FieldProblem(BaseModel):
    """An invalid field; `in` is `query`, `path`, `header` or `body`."""

    field: str
    within: str = Field(alias="in")
    detail: str


ATTENDANCE: Example = {"state": "showed", "evidence": "reported"}
TIMELINE_ENTRY: Example = {
    "at": "2026-03-10T09:15:00Z",
    "what": "deal.opened",
    "because": "a meeting was booked, and the company had no active deal",
    "actor": "showup",
    "event_id": EVENT_ID,
    "change": {"status": [None, "active"], "stage": [None, "booked"]},
}
BOOKING_SUMMARY: Example = {
    "id": BOOKING_ID,
    "workspace": "default",
    "simulated": False,
    "title": "Intro call between Dana Reyes and Sarah Chen",
    "start_time": "2026-03-12T15:00:00Z",
    "end_time": "2026-03-12T15:30:00Z",
    "status": "ACCEPTED",
    "attended": True,
    "attendance": ATTENDANCE,
    "person": PERSON,
    "deal_id": DEAL_ID,
    "organizer_email": "dana@ourbrand.example",
}


def page_example(example: Example) -> Example:
    """Return the example of a list that holds this example item."""
    return {"items": [example], "next_cursor": CURSOR}


def ok_response(example: Example | str, *, media_type: str = "application/json") -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI response of a route that answers 200 with data like `example`."""
    return {200: {"content": {media_type: {"example": example}}}}


def created_response(example: Example) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI response of a route that creates data like `example` and answers 201."""
    return {201: {"content": {"application/json": {"example": example}}}}
