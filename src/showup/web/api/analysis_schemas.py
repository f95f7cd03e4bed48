"""Response models of `/api/analysis`."""

from datetime import date
from typing import Any

from pydantic import BaseModel, Field

from showup.analysis.groups import SectionName
from showup.analysis.outcomes import Verdict
from showup.analysis.sections import HeadlineKind


class RateResponse(BaseModel):
    """A rate: `count` / `of` × 100, of which `definitions.divides` says what each counts."""

    count: int
    of: int
    rate: float | None = Field(description="Percent; null below 5 cases.")
    enough_data: bool = Field(description="False below 5: the rate would say too little.")
    wilson_95: tuple[float, float] | None = Field(description="Wilson's 95 % interval, in percent.")


class HeldRateResponse(RateResponse):
    """Meetings that are over: reported showed / (reported showed + no-show) × 100."""

    bounds: tuple[float, float] | None = Field(
        description="The rate if all that is assumed or unreported were no-shows, and if all of it were shows."
    )


class MeetingCounts(BaseModel):
    """Meetings by what became of them."""

    total: int
    showed: int = Field(description="Reported.")
    no_show: int = Field(description="Reported.")
    assumed: int = Field(description="Cal.com reported the end of the meeting, and nothing else is known.")
    unreported: int = Field(description="The meeting is over, and nothing was reported.")
    host_absent: int
    upcoming: int = Field(description="The meeting is not over.")
    cancelled: int
    pending: int
    rejected: int
    held_rate: HeldRateResponse


class ComparedWithOthers(BaseModel):
    """The held rate of a group, minus that of all other groups of its section together."""

    others: RateResponse
    difference: float = Field(description="Percentage points.")
    newcombe_95: tuple[float, float] = Field(description="Newcombe's 95 % interval of the difference.")
    verdict: Verdict = Field(description="`could_be_chance`: zero is in the interval.")


class GroupResponse(MeetingCounts):
    """A group of meetings."""

    group: dict[str, Any] = Field(
        description="What the meetings have in common. `weekday` is 1 for Monday, `hour` that of the attendee's clock."
    )
    label: str = Field(description="The same in words, after “Meetings”.")
    compared: ComparedWithOthers | None = Field(
        description="Null where the group, or all others together, have fewer than 5 reported meetings."
    )


class LeadDays(BaseModel):
    """How many days ahead an organizer's meetings are booked; null below 5 meetings."""

    count: int
    median: int | None
    p90: int | None


class OrganizerGroup(GroupResponse):
    """An organizer's meetings."""

    lead_days: LeadDays
    rescheduled: RateResponse


class SectionResponse(BaseModel):
    """Groups of meetings, and a sentence about them."""

    sentence: str
    items: list[GroupResponse]
    suppressed: int = Field(description="How many of the groups have no rate, because they have fewer than 5 cases.")
    omitted: int = Field(description="How many groups are left out, because there are too many.")


class OrganizerSection(SectionResponse):
    """The organizers, those with the most reported meetings first."""

    items: list[OrganizerGroup]  # type: ignore[assignment]  # a narrower list, which nothing changes


class DistributionResponse(BaseModel):
    """Durations: half of them are at most the median, nine of ten at most `p90_hours`; null below 5."""

    count: int
    median_hours: int | None
    p90_hours: int | None


class BeforeCount(BaseModel):
    """How many came with this notice before the start."""

    before_start: str
    count: int


class BeforeResponse(DistributionResponse):
    """How long before the start the changes came."""

    within_a_day: RateResponse
    items: list[BeforeCount]


class ChangesResponse(BaseModel):
    """Rescheduled and cancelled meetings."""

    sentence: str
    rescheduled: RateResponse
    cancelled: RateResponse
    rescheduled_before: BeforeResponse
    cancelled_before: BeforeResponse


class SpeedResponse(BaseModel):
    """From a lead's interest to the booking, and to the meeting that was held."""

    sentence: str
    interested_to_booked: DistributionResponse
    booked_to_met: DistributionResponse
    interested_to_met: DistributionResponse


class StageOutcomes(BaseModel):
    """How the stays in a stage ended; `open` have not."""

    open: int
    onward: int
    back: int
    won: int
    lost: int
    cancelled: int


class StageResponse(BaseModel):
    """The stays of deals in one stage."""

    stage: str
    entered: int
    outcomes: StageOutcomes
    moved_on: RateResponse
    time: DistributionResponse = Field(description="Of stays that ended.")


class StagesResponse(BaseModel):
    """All stages, those that most deals entered first."""

    sentence: str
    items: list[StageResponse]


class CohortResponse(MeetingCounts):
    """The meetings that were booked in one week."""

    week: date = Field(description="Its Monday.")
    complete: bool = Field(description="False while the week lasts or meetings are to come: don't compare it yet.")
    waiting: int = Field(description="Meetings that are still to come, or to be accepted.")


class CohortsResponse(BaseModel):
    """Booking weeks by time; those that the period contains only in part are left out."""

    sentence: str
    items: list[CohortResponse]
    omitted: int = Field(description="How many earlier weeks are left out, because there are too many.")


class HeadlineResponse(BaseModel):
    """A sentence about one group of a section."""

    kind: HeadlineKind
    section: SectionName
    group: dict[str, Any]
    sentence: str


class AnalysisDefinitions(BaseModel):
    """What the sections count, what each rate divides, and the fewest cases from which a rate is given."""

    units: dict[str, str]
    divides: dict[str, str]
    enough: int


class AnalysisResponse(BaseModel):
    """The analysis. A section that was not requested is null."""

    from_: date | None = Field(alias="from")
    to: date | None
    time_zones: list[str] = Field(description="Of the workspaces: their days begin there.")
    totals: MeetingCounts
    unknown_hour: int = Field(description="Meetings that are in no hour: the attendee's time zone is unknown.")
    headlines: list[HeadlineResponse] = Field(description="The worst and the best group, and the one that costs most.")
    lead_time: SectionResponse | None
    weekday: SectionResponse | None
    hour: SectionResponse | None
    weekday_hour: SectionResponse | None
    organizer: OrganizerSection | None
    source: SectionResponse | None
    reschedules: SectionResponse | None
    reminders: SectionResponse | None = Field(
        description="Reminders delivered, of meetings that are over and were booked at least 3 days ahead: only those"
        " could get all of them."
    )
    confirmed: SectionResponse | None
    changes: ChangesResponse | None
    speed: SpeedResponse | None
    stages: StagesResponse | None
    cohorts: CohortsResponse | None
    definitions: AnalysisDefinitions
