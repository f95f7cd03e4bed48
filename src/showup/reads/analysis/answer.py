"""Describes an analysis for the API and the pages: counts, rates with their intervals, and sentences."""

from collections.abc import Collection, Mapping
from typing import Final

from showup.analysis.distribution import Distribution
from showup.analysis.movement import BeforeStart, Changes, Cohort, Cohorts, Speed, Stage, Stages
from showup.analysis.outcomes import STATES, MeetingOutcomes, interval_of
from showup.analysis.sections import RatedGroup, Section
from showup.reads.analysis.report import SECTIONS, OrganizerHabits, Report
from showup.reads.rows import Item
from showup.values.proportion import ENOUGH, Proportion

DEFINITIONS: Final[Item] = {
    "units": {"meetings": "all sections but stages", "deals": "stages: one for each stay of a deal in a stage"},
    "divides": {
        "held_rate": "meetings that are over: reported showed / (reported showed + no-show)",
        "rescheduled": "meetings: rescheduled at least once / made (neither pending nor rejected)",
        "cancelled": "meetings: cancelled / made (neither pending nor rejected)",
        "within_a_day": "cancelled or rescheduled meetings: less than 24 hours before the start / all",
        "moved_on": "stays in a stage: left for a later stage or won / left",
    },
    "enough": ENOUGH,
}


def describe_report(report: Report, only: Collection[str] = SECTIONS) -> Item:
    """Returns the totals, the headlines, and the sections that `only` names; the others are None."""
    sections: Item = {name: _section(one, report.organizers) for name, one in report.sections.items()}
    sections["changes"] = _changes(report.changes)
    sections["speed"] = _speed(report.speed)
    sections["stages"] = _stages(report.stages)
    sections["cohorts"] = _cohorts(report.cohorts)
    return {
        "time_zones": report.time_zones,
        "totals": _outcomes(report.totals),
        "unknown_hour": report.unknown_hour,
        "headlines": [
            {"kind": one.kind, "section": one.section, "group": one.values, "sentence": one.sentence}
            for one in report.headlines
        ],
        **{name: sections[name] if name in only else None for name in SECTIONS},
        "definitions": DEFINITIONS,
    }


def _section(section: Section, organizers: Mapping[str, OrganizerHabits]) -> Item:
    items = [_group(one) for one in section.groups]
    if section.name == "organizer":
        for item, group in zip(items, section.groups, strict=True):
            habits = organizers[group.values["organizer"]]
            item["lead_days"] = {
                "count": habits.lead_days.count,
                "median": habits.lead_days.median_hours,
                "p90": habits.lead_days.p90_hours,
            }
            item["rescheduled"] = _rate(habits.rescheduled)
    return {
        "sentence": section.sentence,
        "items": items,
        "suppressed": section.suppressed,
        "omitted": section.left_out,
    }


def _group(group: RatedGroup) -> Item:
    return {"group": group.values, "label": group.words, **_outcomes(group.outcomes), "compared": _compared(group)}


def _compared(group: RatedGroup) -> Item | None:
    if group.compared is None:
        return None
    return {
        "others": _rate(group.compared.others),
        "difference": group.compared.difference,
        "newcombe_95": group.compared.interval,
        "verdict": group.compared.verdict,
    }


def _outcomes(outcomes: MeetingOutcomes) -> Item:
    """Returns the counts of a group, and its held rate."""
    is_enough = outcomes.held.is_enough
    return {
        "total": outcomes.total,
        **{name: getattr(outcomes, name) for name in STATES},
        "held_rate": _rate(outcomes.held) | {"bounds": outcomes.held_bounds if is_enough else None},
    }


def _rate(one: Proportion) -> Item:
    """Returns a rate; it is suppressed where there are too few cases to read it."""
    return {
        "count": one.part,
        "of": one.total,
        "rate": one.rate if one.is_enough else None,
        "enough_data": one.is_enough,
        "wilson_95": interval_of(one),
    }


def _distribution(one: Distribution) -> Item:
    return {"count": one.count, "median_hours": one.median_hours, "p90_hours": one.p90_hours}


def _changes(changes: Changes) -> Item:
    return {
        "sentence": changes.sentence,
        "rescheduled": _rate(changes.rescheduled),
        "cancelled": _rate(changes.cancelled),
        "rescheduled_before": _before(changes.rescheduled_before),
        "cancelled_before": _before(changes.cancelled_before),
    }


def _before(before: BeforeStart) -> Item:
    return {
        **_distribution(before.distribution),
        "within_a_day": _rate(before.within_a_day),
        "items": [{"before_start": words, "count": count} for words, count in before.groups],
    }


def _speed(speed: Speed) -> Item:
    return {
        "sentence": speed.sentence,
        "interested_to_booked": _distribution(speed.interested_to_booked),
        "booked_to_met": _distribution(speed.booked_to_met),
        "interested_to_met": _distribution(speed.interested_to_met),
    }


def _stages(stages: Stages) -> Item:
    return {"sentence": stages.sentence, "items": [_stage(one) for one in stages.stages]}


def _stage(stage: Stage) -> Item:
    return {
        "stage": stage.stage,
        "entered": stage.entered,
        "outcomes": stage.outcomes,
        "moved_on": _rate(stage.moved_on),
        "time": _distribution(stage.time),
    }


def _cohorts(cohorts: Cohorts) -> Item:
    return {
        "sentence": cohorts.sentence,
        "items": [_cohort(one) for one in cohorts.cohorts],
        "omitted": cohorts.left_out,
    }


def _cohort(cohort: Cohort) -> Item:
    return {
        "week": cohort.week,
        "complete": cohort.is_complete,
        "waiting": cohort.waiting,
        **_outcomes(cohort.outcomes),
    }
