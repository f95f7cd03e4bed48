"""Reads the whole analysis, or one section of it."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final, Literal, TypeAlias, get_args

from msgspec import Struct
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.analysis.distribution import Distribution, distribution_of
from showup.analysis.groups import GROUP_KINDS, Cells, SectionName, histograms, total_outcomes
from showup.analysis.movement import (
    Changes,
    Cohorts,
    Speed,
    Stages,
    build_changes,
    build_cohorts,
    build_speed,
    build_stages,
)
from showup.analysis.outcomes import MeetingOutcomes
from showup.analysis.sections import Headline, Section, build_headlines, build_section
from showup.analysis.subjects import COHORTS, MEETINGS, STAGES
from showup.database.tables import workspaces
from showup.reads.analysis.counts import AnalysisFilter, read_cells
from showup.values.proportion import Proportion
from showup.values.time_zone import zone_of

MovementName: TypeAlias = Literal["changes", "speed", "stages", "cohorts"]
AnySection: TypeAlias = SectionName | MovementName

SECTIONS: Final[tuple[AnySection, ...]] = (*get_args(SectionName), *get_args(MovementName))
"""All sections, in the order of the answer."""


_WEEK: Final = timedelta(days=7)


class OrganizerHabits(Struct, frozen=True, kw_only=True):
    """What else is known of an organizer's meetings: how long ahead they are booked (in days), and how many move."""

    lead_days: Distribution
    rescheduled: Proportion


class Report(Struct, frozen=True, kw_only=True):
    """The analysis of the chosen meetings and deals, or the chosen sections of it.

    `time_zones` are those of the workspaces, in which days begin. `unknown_hour`: meetings that are in no hour, because
    the attendee's time zone is unknown.
    """

    time_zones: Sequence[str]
    totals: MeetingOutcomes
    headlines: Sequence[Headline]
    sections: Mapping[SectionName, Section]
    organizers: Mapping[str, OrganizerHabits]
    unknown_hour: int
    changes: Changes
    speed: Speed
    stages: Stages
    cohorts: Cohorts


async def read_report(
    tx: AsyncConnection,
    permission: Permission,
    filters: AnalysisFilter,
    now: datetime,
    *,
    only: Collection[str] = SECTIONS,
) -> Report:
    """Returns the analysis as of `now`. The stages and cohorts are empty if `only` doesn't name them."""
    meetings = await read_cells(tx, permission, MEETINGS, filters, now)
    cohorts = await read_cells(tx, permission, COHORTS, filters, now) if "cohorts" in only else {}
    stages = await read_cells(tx, permission, STAGES, filters, now) if "stages" in only else {}
    time_zones = await _time_zones(tx, permission)
    return build_report(
        meetings=meetings,
        cohorts=_whole_weeks(cohorts, filters),
        stages=stages,
        time_zones=time_zones,
        today=_earliest_day(now, time_zones),
    )


def build_report(*, meetings: Cells, cohorts: Cells, stages: Cells, time_zones: Sequence[str], today: date) -> Report:
    """Returns the analysis of these counts."""
    sections = {name: build_section(name, meetings) for name in GROUP_KINDS}
    return Report(
        time_zones=time_zones,
        totals=total_outcomes(meetings),
        headlines=build_headlines(sections),
        sections=sections,
        organizers=_organizers(sections["organizer"], meetings),
        unknown_hour=total_outcomes(meetings).total - sum(one.outcomes.total for one in sections["hour"].groups),
        changes=build_changes(meetings),
        speed=build_speed(meetings),
        stages=build_stages(stages),
        cohorts=build_cohorts(cohorts, today),
    )


def _whole_weeks(cells: Cells, filters: AnalysisFilter) -> Cells:
    """Returns the booking weeks in the period: a week of which it contains only a part would look small."""
    since, until = filters.since or date.min, filters.until or date.max
    weeks = {name: date.fromisoformat(name.split("|")[1]) for name in cells}
    return {name: count for name, count in cells.items() if since <= weeks[name] and weeks[name] + _WEEK <= until}


def _earliest_day(now: datetime, time_zones: Sequence[str]) -> date:
    """Returns today's date where it is earliest: a week is over when it is so for all workspaces."""
    return min((now.astimezone(zone_of(name)).date() for name in time_zones), default=now.date())


def _organizers(section: Section, cells: Cells) -> dict[str, OrganizerHabits]:
    habits = {}
    lead_days = histograms(cells, "organizer_lead")
    for group in section.groups:
        organizer = group.values["organizer"]
        moved, unmoved = (cells.get(f"organizer_moved|{organizer}|{value}", 0) for value in ("yes", "no"))
        habits[organizer] = OrganizerHabits(
            lead_days=distribution_of(lead_days.get(organizer, {})),
            rescheduled=Proportion(moved, moved + unmoved),
        )
    return habits


async def _time_zones(tx: AsyncConnection, permission: Permission) -> list[str]:
    query = select(workspaces.c.time_zone).distinct().order_by(workspaces.c.time_zone)
    if permission.workspace_id is not None:
        query = query.where(workspaces.c.id == permission.workspace_id)
    return list((await tx.scalars(query)).all())
