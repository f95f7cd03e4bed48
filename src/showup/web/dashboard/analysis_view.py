"""What the page Analysis shows: highlights first, then a chart or a table for each section."""

from collections.abc import Collection, Mapping, Sequence
from math import ceil
from typing import Final, Literal

from msgspec import Struct

from showup.analysis.distribution import format_hours
from showup.analysis.groups import WEEKDAYS, SectionName
from showup.analysis.movement import Cohort, Stage
from showup.analysis.outcomes import MeetingOutcomes
from showup.analysis.sections import Headline, RatedGroup, Section
from showup.reads.analysis.report import Report
from showup.reads.rates import FEW, Rate, rate_of
from showup.values.proportion import ENOUGH
from showup.web.dashboard.analysis_tables import SECTIONS, SectionTable, name_of, table_of
from showup.web.dashboard.charts import (
    CohortChart,
    CohortValue,
    HeatMap,
    HeatValue,
    Span,
    cohort_chart,
    heat_map,
    on_line,
)
from showup.web.dashboard.doubt import held_words
from showup.web.dashboard.words import percent, plus_minus

Shown = Literal["missed", "held"]
MAX_WEEKS: Final = 12
_MAX_SOURCES: Final = 8
_MAX_ORGANIZERS: Final = 50
_DAY: Final = 24
_SCALE_DAYS: Final = 30
_TITLES: Final = {"worst": "Worst", "best": "Best", "costs_most": "Costs most"}
_CHARTS: Final[Mapping[SectionName, str]] = {"weekday": "weekday_hour", "hour": "weekday_hour"}


class Highlight(Struct, frozen=True, kw_only=True):
    """A sentence on top, in parts around its `strong` words. `tone`: up or down if it is more than chance."""

    title: str
    before: str
    strong: str
    after: str
    detail: str
    tone: str
    section: str


class MeasureRow(Struct, frozen=True, kw_only=True):
    """A rate as a row: its line, its words, and how many it rests on. `rate` is None where there are too few."""

    name: str
    rate: Rate | None
    words: str
    of: int
    is_worst: bool


class Measure(Struct, frozen=True, kw_only=True):
    """The rates of a section. `note` says whether any of them really differs from the others."""

    rows: Sequence[MeasureRow]
    note: str


class StageRow(Struct, frozen=True, kw_only=True):
    """How long deals stay in a stage: the dot and the band on a line of `AnalysisView.stage_days`.

    `share` is its position among all stages, from 0 to 1.
    """

    name: str
    share: float
    band: Span | None
    median: str
    most: str


class OrganizerRow(Struct, frozen=True, kw_only=True):
    """An organizer, with what else is known of their meetings."""

    email: str
    name: str
    reported: int
    unreported: int
    lead_days: str
    rate: Rate | None
    words: str
    moved: str


class AnalysisView(Struct, frozen=True, kw_only=True):
    """The page. `tables` are the sections that the reader wants as a table."""

    shown: Shown
    total: str
    reported: int
    unreported: int
    highlights: Sequence[Highlight]
    heat: HeatMap | None
    heat_note: str
    measures: Mapping[str, Measure]
    cohorts: CohortChart | None
    cohorts_note: str
    stages: Sequence[StageRow]
    stage_days: int
    organizers: Sequence[OrganizerRow]
    changes: str
    speed: str
    tables: Mapping[str, SectionTable]


def build_analysis(
    report: Report, *, shown: Shown, tables: Collection[str], stages: Sequence[str], names: Mapping[str, str]
) -> AnalysisView:
    """Arrange the report. `stages` are those of the rules, in order; `names` are those of teammates, by address."""
    totals = report.totals
    rows, days = _stages(report.stages.stages, stages)
    return AnalysisView(
        shown=shown,
        total=held_words(_rate(totals, shown)),
        reported=totals.reported,
        unreported=totals.unreported,
        highlights=[_highlight(one, report, shown) for one in report.headlines],
        heat=_heat(report.sections["weekday_hour"], shown),
        heat_note=_real_groups(report.sections["weekday_hour"]),
        measures={
            name: _measure(report.sections[name], shown) for name in ("lead_time", "reschedules", "reminders", "source")
        }
        | {"confirmed": _measure(report.sections["confirmed"], shown)},
        cohorts=cohort_chart([_cohort(one, shown) for one in report.cohorts.cohorts[-MAX_WEEKS:]]),
        cohorts_note=_young(report.cohorts.cohorts[-MAX_WEEKS:]),
        stages=rows,
        stage_days=days,
        organizers=[
            _organizer(one, report, shown, names) for one in report.sections["organizer"].groups[:_MAX_ORGANIZERS]
        ],
        changes=report.changes.sentence,
        speed=report.speed.sentence,
        tables={name: table_of(report, name) for name in SECTIONS if name in tables},
    )


def _rate(outcomes: MeetingOutcomes, shown: Shown) -> Rate | None:
    return rate_of(outcomes.no_show if shown == "missed" else outcomes.showed, outcomes.reported)


def _highlight(headline: Headline, report: Report, shown: Shown) -> Highlight:
    group = next(one for one in report.sections[headline.section].groups if one.values == headline.values)
    section = _CHARTS.get(headline.section, headline.section)
    title = _TITLES[headline.kind]
    if headline.kind == "costs_most":
        missed = report.totals.no_show
        return Highlight(
            title=title,
            before="",
            strong=f"Meetings {group.words}",
            after=f": about {group.excess:.0f} of the {missed:,} no-shows would have come at the rate of the others.",
            detail="if that is the cause, and not something that comes with it",
            tone="",
            section=section,
        )
    rate = _rate(group.outcomes, shown)
    assert rate is not None, "only groups with reported meetings are compared"
    verdict = "could_be_chance" if group.compared is None else group.compared.verdict
    is_real = verdict != "could_be_chance"
    # The verdict is about the held rate; no-shows are its opposite.
    is_higher = (verdict == "higher") == (shown == "held")
    words = f"really {'higher' if is_higher else 'lower'} than the rest" if is_real else "could be chance"
    return Highlight(
        title=title,
        before="Of meetings ",
        strong=group.words,
        after=f", {percent(rate.value)} were {'no-shows' if shown == 'missed' else 'held'}.",
        detail=f"{rate.part:,} of {rate.total:,}, {words}",
        tone=("up" if verdict == "higher" else "down") if is_real else "",
        section=section,
    )


def _heat(section: Section, shown: Shown) -> HeatMap | None:
    values = {}
    for group in section.groups:
        outcomes = group.outcomes
        if (rate := _rate(outcomes, shown)) is not None:
            slot = (group.values["weekday"], group.values["hour"])
            values[slot] = HeatValue(missed=outcomes.no_show, reported=outcomes.reported, shown=rate.value)
    return heat_map(values, [name[:3] for name in WEEKDAYS])


def _real_groups(section: Section) -> str:
    """Return which hours really differ, the worst first; so many are compared that some differ by chance."""
    real = [one for one in section.groups if one.compared is not None and one.compared.verdict == "lower"]
    if not real:
        return "No hour differs from the others by more than chance."
    real.sort(key=lambda one: one.compared.interval[1] if one.compared else 0.0)
    first = real[0]
    return (
        f"{name_of('weekday_hour', first)}: {first.missed.part} of {first.missed.total} missed, really more."
        " Of some fifty hours, one or two look different by chance."
    )


def _measure(section: Section, shown: Shown) -> Measure:
    groups = [one for one in section.groups if one.outcomes.reported][:_MAX_SOURCES]
    compared = [one for one in groups if one.compared is not None and one.compared.verdict == "lower"]
    worst = min(compared, key=lambda one: one.compared.interval[1] if one.compared else 0.0, default=None)
    real = [one for one in groups if one.compared is not None and one.compared.verdict != "could_be_chance"]
    has_compared = any(one.compared is not None for one in groups)
    note = "" if real else "could be chance" if has_compared else "too few to compare"
    return Measure(rows=[_measure_row(section.name, one, shown, worst) for one in groups], note=note)


def _measure_row(section: str, group: RatedGroup, shown: Shown, worst: RatedGroup | None) -> MeasureRow:
    rate = _rate(group.outcomes, shown)
    is_enough = rate is not None and rate.total >= ENOUGH
    return MeasureRow(
        name=name_of(section, group),
        rate=rate if is_enough else None,
        words=_short(rate),
        of=group.outcomes.reported,
        is_worst=group is worst,
    )


def _short(rate: Rate | None) -> str:
    """Return a rate beside its line: as counts where few are decided."""
    if rate is None:
        return "–"
    if rate.total < FEW:
        return f"{rate.part} of {rate.total}"
    return f"{percent(rate.value)} {plus_minus(rate.margin)}"


def _cohort(cohort: Cohort, shown: Shown) -> CohortValue:
    rate = _rate(cohort.outcomes, shown)
    return CohortValue(
        week=cohort.week,
        rate=None if rate is None else (rate.value, rate.low, rate.high),
        is_few=rate is None or rate.is_few,
        is_young=not cohort.is_complete,
    )


def _young(cohorts: Sequence[Cohort]) -> str:
    """Return how much of the incomplete weeks is still ahead or unreported."""
    parts = [
        f"{one.waiting + one.outcomes.unreported} of {one.outcomes.total}" for one in cohorts if not one.is_complete
    ]
    if not parts:
        return ""
    shown = parts[-3:]
    words = " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else shown[0]
    return f"not all have taken place: {words} are still ahead or unreported."


def _stages(found: Sequence[Stage], order: Sequence[str]) -> tuple[list[StageRow], int]:
    """Return the stages in the order of the rules, those that the rules no longer have last, and the line's length."""
    places = {name: place for place, name in enumerate(order)}
    timed = sorted(found, key=lambda one: places.get(one.stage, len(places)))
    longest = max((one.time.p90_hours or 0 for one in timed), default=0) / _DAY
    days = max(ceil(longest / _SCALE_DAYS), 1) * _SCALE_DAYS
    last = max(len(places) - 1, 1)
    return [_stage_row(one, days, min(places.get(one.stage, last) / last, 1.0)) for one in timed], days


def _stage_row(stage: Stage, days: int, share: float) -> StageRow:
    median, most = stage.time.median_hours, stage.time.p90_hours
    if median is None or most is None:
        return StageRow(name=stage.stage, share=share, band=None, median="too few", most="")
    return StageRow(
        name=stage.stage,
        share=share,
        band=on_line(median / _DAY, most / _DAY, full=days),
        median=format_hours(median),
        most=format_hours(most),
    )


def _organizer(group: RatedGroup, report: Report, shown: Shown, names: Mapping[str, str]) -> OrganizerRow:
    email = group.values["organizer"]
    habits = report.organizers[email]
    rate = _rate(group.outcomes, shown)
    lead, moved = habits.lead_days.median_hours, habits.rescheduled
    return OrganizerRow(
        email=email,
        name=names.get(email, email) or "unknown",
        reported=group.outcomes.reported,
        unreported=group.outcomes.unreported,
        lead_days="–" if lead is None else "same day" if lead == 0 else f"{lead} day{'' if lead == 1 else 's'}",
        rate=rate if rate is not None and rate.total >= ENOUGH else None,
        words=held_words(rate),
        moved="–" if moved.rate is None or not moved.is_enough else percent(moved.rate),
    )
