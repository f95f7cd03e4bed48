"""`/api/analysis`: who does not come, and when; how meetings change, and how deals move on (CA8)."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from showup.reads.analysis.answer import describe_report
from showup.reads.analysis.counts import AnalysisFilter
from showup.reads.analysis.report import SECTIONS, AnySection, read_report
from showup.reads.simulated import SimulatedFilter
from showup.values.email_address import normalize_email
from showup.web.api.analysis_example import ANALYSIS
from showup.web.api.analysis_schemas import AnalysisResponse
from showup.web.api.schemas import ok_response
from showup.web.http.api_route import ApiRoute
from showup.web.http.app_state import ReadTransaction, State
from showup.web.http.auth import Reader
from showup.web.http.problems import invalid_field
from showup.web.http.query_params import SIMULATED, Day, ShortText, WorkspaceQuery, any_of

router = APIRouter(prefix="/api/analysis", tags=["analysis"], route_class=ApiRoute)


class AnalysisQuery(WorkspaceQuery):
    """Which meetings and deals to count, and which sections to return."""

    from_: Day | None = Field(
        None,
        alias="from",
        description="First day, in the workspace's time zone: of meetings by their start, of booking weeks by the"
        " booking, of stages by the day on which the deal entered them.",
    )
    to: Day | None = Field(None, description="End of the period, exclusive.")
    organizer: list[ShortText] = any_of("Email of a meeting's organizer; for stages, of the deal's owner.")
    source: list[ShortText] = any_of(
        "Where the booking came from, such as `newsletter`; `campaign` for leads of campaigns; `unknown`. For stages,"
        " of the booking that opened the deal."
    )
    event_type: list[ShortText] = any_of("Slug of Cal.com's event type; for stages, as for `source`.")
    simulated: SimulatedFilter = Field("false", description=SIMULATED)
    section: list[AnySection] = any_of("A section to return; without it, all.")

    @property
    def sections(self) -> Sequence[str]:
        """Return the names of the sections to return."""
        return self.section or SECTIONS

    def filters(self) -> AnalysisFilter:
        """Return what to count. Refuses a period that ends before it begins."""
        if self.from_ is not None and self.to is not None and self.to <= self.from_:
            raise invalid_field("to", "query", "The period ends before it begins: send a `to` after `from`.")
        return AnalysisFilter(
            since=self.from_,
            until=self.to,
            organizer=[normalize_email(email) for email in self.organizer],
            source=[name.casefold() for name in self.source],
            event_type=self.event_type,
            simulated=self.simulated,
        )


@router.get("", name="get_analysis", response_model=AnalysisResponse, responses=ok_response(ANALYSIS))
async def get_analysis(
    permission: Reader, tx: ReadTransaction, state: State, query: Annotated[AnalysisQuery, Query()]
) -> Any:
    """Analyse which meetings are missed, moved and cancelled, and how deals move on, without simulated bookings.

    A rate of fewer than 5 cases is suppressed: it is null, and `enough_data` is false. docs/ANALYSIS.md defines all
    counts.
    """
    report = await read_report(tx, permission, query.filters(), state.clock(), only=query.sections)
    return {"from": query.from_, "to": query.to, **describe_report(report, query.sections)}
