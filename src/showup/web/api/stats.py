"""`/api/stats`: the pipeline in numbers."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from showup.reads.stats import stats as read_stats
from showup.web.api.shapes import Example, shows
from showup.web.auth import Reader
from showup.web.ground import OnGround, Reading
from showup.web.questions import Moment, Question

router = APIRouter(prefix="/api/stats", tags=["stats"])


class StatsQuestion(Question):
    """Which meetings to count."""

    from_: Moment | None = Field(None, alias="from", description="Meetings that start then or later.")
    to: Moment | None = Field(None, description="Meetings that start before then.")


class BookingCounts(BaseModel):
    """Meetings; `from` and `to` choose among them by their start."""

    total: int
    upcoming: int = Field(description="Accepted, and still to start.")
    accepted: int
    cancelled: int
    pending: int
    rejected: int
    showed: int = Field(description="The booker came, assumed or reported.")
    no_show: int = Field(description="The booker did not come.")
    host_absent: int = Field(description="The host did not come; no attendee's no-show.")
    unreported: int = Field(description="Accepted and over, and nobody has said who came.")


class DealCounts(BaseModel):
    """Deals; `from` and `to` do not choose among them."""

    by_status: dict[str, int]
    by_stage: dict[str, int] = Field(description="Active deals.")
    active_value: dict[str, float] = Field(description="Sum of the active deals' amounts by currency.")


class FollowUpCounts(BaseModel):
    """Mails that offered another meeting to who missed one; `from` and `to` do not choose among them."""

    sent: int
    recovered: int = Field(description="People who found another time within 30 days of such a mail.")


class Stats(BaseModel):
    """All counts as of one moment."""

    companies: int
    people: int
    bookings: BookingCounts
    deals: DealCounts
    follow_ups: FollowUpCounts
    show_rate: float | None = Field(
        description=(
            "Percent of what was booked that was held: showed / accepted × 100, both among accepted bookings,"
            " those still to come included, as in the funnel. Null when nothing was accepted."
        )
    )
    held_rate: float | None = Field(
        description=(
            "Percent of meetings held among those of which somebody said whether they were: reported showed"
            " / (reported showed + no-show) × 100. Null when nobody has said anything."
        )
    )
    as_of: datetime


_STATS: Example = {
    "companies": 5,
    "people": 8,
    "bookings": {
        "total": 12,
        "upcoming": 3,
        "accepted": 10,
        "cancelled": 1,
        "pending": 1,
        "rejected": 0,
        "showed": 5,
        "no_show": 1,
        "host_absent": 0,
        "unreported": 1,
    },
    "deals": {
        "by_status": {"active": 4, "won": 1, "lost": 0, "cancelled": 1},
        "by_stage": {"booked": 2, "met": 2},
        "active_value": {"USD": 36000.0},
    },
    "follow_ups": {"sent": 3, "recovered": 1},
    "show_rate": 50.0,
    "held_rate": 75.0,
    "as_of": "2026-03-12T16:00:00Z",
}


@router.get("", response_model=Stats, responses=shows(_STATS))
async def stats(permit: Reader, tx: Reading, ground: OnGround, asked: Annotated[StatsQuestion, Query()]) -> Any:
    """Count companies, people, bookings and deals."""
    now = ground.clock()
    return await read_stats(tx, permit, starts_from=asked.from_, starts_before=asked.to, now=now)
