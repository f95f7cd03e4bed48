"""`/api/stats`: counts and rates of the pipeline."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from showup.campaigns.funnel import HELD_MEETINGS, SHOW_MEETINGS
from showup.reads.simulated import SimulatedFilter
from showup.reads.stats import stats as read_stats
from showup.web.api.schemas import Example, ok_response
from showup.web.http.api_route import ApiRoute
from showup.web.http.app_state import ReadTransaction, State
from showup.web.http.auth import Reader
from showup.web.http.query_params import Timestamp, WorkspaceQuery

router = APIRouter(prefix="/api/stats", tags=["stats"], route_class=ApiRoute)


class StatsQuery(WorkspaceQuery):
    """The period of the meetings to count."""

    from_: Timestamp | None = Field(None, alias="from", description="Meetings that start at or after this time.")
    to: Timestamp | None = Field(None, description="Meetings that start before this time.")
    simulated: SimulatedFilter = Field(
        "false", description="`false`: real data only, `true`: only sample and simulated data, `all`: both."
    )


class RateBasis(BaseModel):
    """What a rate divides: numerator / denominator × 100, both counts of `unit`."""

    numerator: int
    denominator: int
    unit: Literal["meetings"]
    divides: str
    enough_data: bool = Field(description="False below 5: the rate says too little.")
    wilson_95: tuple[float, float] | None = Field(description="Wilson's 95 % interval, in percent.")


class BookingCounts(BaseModel):
    """Counts of meetings; `from` and `to` filter them by start time."""

    total: int
    upcoming: int = Field(description="Accepted and not started yet.")
    accepted: int
    cancelled: int
    pending: int
    rejected: int
    showed: int = Field(description="The booker attended, assumed or reported.")
    no_show: int = Field(description="The booker did not attend.")
    host_absent: int = Field(description="The host did not attend; not counted as the attendee's no-show.")
    unreported: int = Field(description="Accepted and ended, with no attendance reported.")


class DealCounts(BaseModel):
    """Counts of deals; `from` and `to` do not filter them."""

    by_status: dict[str, int]
    by_stage: dict[str, int] = Field(description="Active deals by stage.")
    active_value: dict[str, float] = Field(description="Sum of the active deals' amounts, by currency.")


class FollowUpCounts(BaseModel):
    """Counts of follow-up mails after a missed meeting; `from` and `to` do not filter them."""

    sent: int
    recovered: int = Field(description="People who booked another meeting within 30 days of such a mail.")


class StatsResponse(BaseModel):
    """All counts at one moment. `held_rate` says how many people come; `show_rate` counts upcoming meetings too."""

    held_rate: float | None = Field(
        description=(
            "Percent of the reported meetings that took place: reported showed / (reported showed + no-show) × 100."
            " It leaves out meetings that are not over, and attendance that was only assumed."
            " Null if no attendance was reported."
        )
    )
    held_rate_of: RateBasis
    show_rate: float | None = Field(
        description=(
            "Percent of the booked meetings whose booker attended, assumed or reported: showed / booked × 100. Booked"
            " are accepted meetings, upcoming ones included, and meetings that were held and then cancelled."
            " Null if none was booked."
        )
    )
    show_rate_of: RateBasis
    companies: int
    people: int
    bookings: BookingCounts
    deals: DealCounts
    follow_ups: FollowUpCounts


_HELD: Example = {
    "unit": "meetings",
    "divides": HELD_MEETINGS,
    "enough_data": False,
    "wilson_95": [30.064184, 95.441274],
}
_SHOWN: Example = {
    "unit": "meetings",
    "divides": SHOW_MEETINGS,
    "enough_data": True,
    "wilson_95": [23.659309, 76.340691],
}
_STATS: Example = {
    "held_rate": 75.0,
    "held_rate_of": {"numerator": 3, "denominator": 4, **_HELD},
    "show_rate": 50.0,
    "show_rate_of": {"numerator": 5, "denominator": 10, **_SHOWN},
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
}


@router.get("", response_model=StatsResponse, responses=ok_response(_STATS))
async def get_stats(
    permission: Reader, tx: ReadTransaction, state: State, query: Annotated[StatsQuery, Query()]
) -> Any:
    """Count companies, people, bookings and deals, without sample and simulated data."""
    now = state.clock()
    return await read_stats(
        tx, permission, starts_from=query.from_, starts_before=query.to, now=now, simulated=query.simulated
    )
