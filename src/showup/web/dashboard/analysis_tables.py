"""The sections of the analysis as tables: the page shows them instead of a chart, and the file has them all. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct

from showup.analysis.groups import WEEKDAYS, SectionName
from showup.analysis.outcomes import MeetingOutcomes
from showup.analysis.sections import RatedGroup
from showup.reads.analysis.report import Report
from showup.reads.rates import rate_of

Cell = str | int | float | None

SECTIONS: Final[Mapping[str, str]] = {
    "weekday_hour": "Weekday and hour, theirs",
    "lead_time": "Booked how long ahead",
    "reschedules": "Moved before it took place",
    "cohorts": "By week of booking",
    "stages": "Time in each stage",
    "reminders": "Reminders delivered",
    "source": "Where the booking came from",
    "confirmed": "Said that they will come",
    "organizer": "Organizers",
}
"""The sections of the page, with their titles."""
_GROUPED: Final[tuple[SectionName, ...]] = (
    *("weekday_hour", "lead_time", "reschedules", "reminders", "source", "confirmed", "organizer"),
)
_MEETINGS: Final = ("Reported", "No-shows", "Held", "Held %", "from", "to", "Assumed", "Unreported")
_STAGES: Final = ("Stage", "Entered", "Left", "Moved on", "Half within, hours", "9 of 10 within, hours")
_LEAD: Final = {"0": "same day", "1": "1 day", "15+": "15 days or more"}
_MOVES: Final = ("never moved", "moved once", "moved twice", "three times or more")
_REMINDERS: Final = ("none", "1", "2", "3 or more")


class SectionTable(Struct, frozen=True, kw_only=True):
    """A section as rows of cells, without the doubt in words: the interval has columns of its own."""

    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]


def table_of(report: Report, section: str) -> SectionTable:
    """Return a section as a table."""
    if section == "stages":
        return SectionTable(header=_STAGES, rows=list(_stage_rows(report)))
    if section == "cohorts":
        weeks = report.cohorts.cohorts
        rows = [[one.week.isoformat(), *_meeting_cells(one.outcomes), one.waiting] for one in weeks]
        return SectionTable(header=("Week from", *_MEETINGS, "To come"), rows=rows)
    groups = report.sections[_grouped(section)].groups
    return SectionTable(
        header=("Meetings", *_MEETINGS),
        rows=[[name_of(section, one), *_meeting_cells(one.outcomes)] for one in groups],
    )


def name_of(section: str, group: RatedGroup) -> str:
    """Return a group's name where its section's title stands above it."""
    values = group.values
    match section:
        case "lead_time":
            days = str(values["days_ahead"])
            return _LEAD.get(days, f"{days.replace('-', ' to ')} days")
        case "weekday_hour":
            return f"{WEEKDAYS[values['weekday'] - 1][:3]} {values['hour']}:00"
        case "reschedules":
            return _MOVES[min(values["reschedules"], 3)]
        case "reminders":
            return _REMINDERS[min(values["reminders"], 3)]
        case "confirmed":
            return "said yes" if values["confirmed"] else "no answer"
        case _:
            return str(next(iter(values.values()))) or "unknown"


def all_rows(report: Report) -> Iterator[Sequence[Cell]]:
    """Return the rows of all sections of meetings, each with its section's name first."""
    for section in _GROUPED:
        for row in table_of(report, section).rows:
            yield [section, *row]


ALL_HEADER: Final = ("Section", "Meetings", *_MEETINGS)


def _grouped(section: str) -> SectionName:
    return next(one for one in _GROUPED if one == section)


def _meeting_cells(outcomes: MeetingOutcomes) -> list[Cell]:
    held = rate_of(outcomes.showed, outcomes.reported)
    rates: list[Cell] = [None] * 3 if held is None else [round(one, 1) for one in (held.value, held.low, held.high)]
    return [outcomes.reported, outcomes.no_show, outcomes.showed, *rates, outcomes.assumed, outcomes.unreported]


def _stage_rows(report: Report) -> Iterator[Sequence[Cell]]:
    for one in report.stages.stages:
        time = one.time
        yield [one.stage, one.entered, one.moved_on.total, one.moved_on.part, time.median_hours, time.p90_hours]
