"""Builds the sections about changes, speed, stages and cohorts, each with a sentence. Pure."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from msgspec import Struct

from showup.analysis.distribution import Distribution, distribution_of, format_hours
from showup.analysis.groups import GROUP_KINDS, Cells, group_outcomes, histogram, histograms
from showup.analysis.outcomes import MeetingOutcomes, interval_of
from showup.analysis.sections import NOT_ENOUGH, percent
from showup.values.counted import counted
from showup.values.proportion import ENOUGH, Interval, Proportion

_BEFORE_GROUPS: Final = (
    ("after the start", -(10**6), 0),
    ("less than 2 hours", 0, 2),
    ("2 to 24 hours", 2, 24),
    ("1 to 2 days", 24, 72),
    ("3 to 6 days", 72, 168),
    ("7 days or more", 168, 10**6),
)
_DAY: Final = 24
_WEEK: Final = timedelta(days=7)
_STAGE_OUTCOMES: Final = ("open", "onward", "back", "won", "lost", "cancelled")
MAX_COHORTS: Final = 104
"""The most booking weeks that are listed, the latest."""


class BeforeStart(Struct, frozen=True, kw_only=True):
    """How long before the start people cancelled or moved meetings. `groups`: count by words for the notice."""

    distribution: Distribution
    groups: Sequence[tuple[str, int]]
    within_a_day: Proportion


class Changes(Struct, frozen=True, kw_only=True):
    """How many meetings were rescheduled at least once, and how many cancelled, of all that were not declined."""

    sentence: str
    rescheduled: Proportion
    cancelled: Proportion
    rescheduled_before: BeforeStart
    cancelled_before: BeforeStart


class Speed(Struct, frozen=True, kw_only=True):
    """How long it took, from a lead's interest to the booking, and to the meeting that was held."""

    sentence: str
    interested_to_booked: Distribution
    booked_to_met: Distribution
    interested_to_met: Distribution


class Stage(Struct, frozen=True, kw_only=True):
    """The stays of deals in a stage. `moved_on`: won or in a later stage, of those that left. `time`: of those too."""

    stage: str
    entered: int
    outcomes: dict[str, int]
    moved_on: Proportion
    time: Distribution

    @property
    def interval(self) -> Interval | None:
        """Return the interval of the share that moved on; None if it is suppressed."""
        return interval_of(self.moved_on)


class Stages(Struct, frozen=True, kw_only=True):
    """All stages, in the order in which most deals enter them."""

    sentence: str
    stages: Sequence[Stage]


class Cohort(Struct, frozen=True, kw_only=True):
    """The meetings that were booked in one week, by its Monday; `is_over`: nobody can book in it any more."""

    week: date
    outcomes: MeetingOutcomes
    is_over: bool

    @property
    def waiting(self) -> int:
        """Return how many meetings are still to come, or to be accepted."""
        return self.outcomes.upcoming + self.outcomes.pending

    @property
    def is_complete(self) -> bool:
        """Return whether the week is over, and no meeting is still to come: before, it can't be compared."""
        return self.is_over and self.waiting == 0


class Cohorts(Struct, frozen=True, kw_only=True):
    """The booking weeks, in order of time."""

    sentence: str
    cohorts: Sequence[Cohort]
    left_out: int


def build_changes(cells: Cells) -> Changes:
    """Build the section about rescheduled and cancelled meetings."""
    by_moves = group_outcomes(GROUP_KINDS["reschedules"], cells)
    made = {key[0]: one.total - one.pending - one.rejected for key, one in by_moves.items()}
    rescheduled = Proportion(sum(made.values()) - made.get("0", 0), sum(made.values()))
    cancelled = Proportion(sum(one.cancelled for one in by_moves.values()), sum(made.values()))
    cancelled_before = _before(histogram(cells, "cancelled_before"))
    return Changes(
        sentence=_changes_sentence(rescheduled, cancelled, cancelled_before),
        rescheduled=rescheduled,
        cancelled=cancelled,
        rescheduled_before=_before(histogram(cells, "moved_before")),
        cancelled_before=cancelled_before,
    )


def build_speed(cells: Cells) -> Speed:
    """Build the section about the time from interest to meeting."""
    interested, met, whole = (
        distribution_of(histogram(cells, cell)) for cell in ("to_booked", "to_met", "interest_to_met")
    )
    return Speed(
        sentence=_speed_sentence(interested, met),
        interested_to_booked=interested,
        booked_to_met=met,
        interested_to_met=whole,
    )


def build_stages(cells: Cells) -> Stages:
    """Build the section about the stages of deals."""
    counts: dict[str, dict[str, int]] = {}
    for name, count in cells.items():
        kind, _, rest = name.partition("|")
        if kind == "stage":
            stage, _, outcome = rest.rpartition("|")
            counts.setdefault(stage, dict.fromkeys(_STAGE_OUTCOMES, 0))[outcome] = count
    times = histograms(cells, "stage_time")
    stages = [_stage(stage, outcomes, times.get(stage, {})) for stage, outcomes in counts.items()]
    stages.sort(key=lambda one: (-one.entered, one.stage))
    return Stages(sentence=_stages_sentence(stages), stages=stages)


def build_cohorts(cells: Cells, today: date) -> Cohorts:
    """Build the section about booking weeks."""
    outcomes: dict[date, MeetingOutcomes] = {}
    for name, count in cells.items():
        _, week, state = name.split("|")
        outcomes.setdefault(date.fromisoformat(week), MeetingOutcomes()).add(state, count)
    cohorts = [Cohort(week=week, outcomes=outcomes[week], is_over=week + _WEEK <= today) for week in sorted(outcomes)]
    listed = cohorts[-MAX_COHORTS:]
    return Cohorts(sentence=_cohorts_sentence(listed), cohorts=listed, left_out=len(cohorts) - len(listed))


def _before(counts: dict[int, int]) -> BeforeStart:
    groups = [
        (words, sum(count for hours, count in counts.items() if low <= hours < high))
        for words, low, high in _BEFORE_GROUPS
    ]
    short = sum(count for hours, count in counts.items() if hours < _DAY)
    return BeforeStart(
        distribution=distribution_of(counts), groups=groups, within_a_day=Proportion(short, sum(counts.values()))
    )


def _stage(stage: str, outcomes: dict[str, int], times: dict[int, int]) -> Stage:
    entered = sum(outcomes.values())
    return Stage(
        stage=stage,
        entered=entered,
        outcomes=outcomes,
        moved_on=Proportion(outcomes["onward"] + outcomes["won"], entered - outcomes["open"]),
        time=distribution_of(times),
    )


def _changes_sentence(rescheduled: Proportion, cancelled: Proportion, before: BeforeStart) -> str:
    if not rescheduled.is_enough:
        return NOT_ENOUGH.replace("reported meetings", "meetings")
    sentence = (
        f"Of {rescheduled.total} meetings, {rescheduled.part} ({percent(rescheduled)}) were rescheduled and"
        f" {cancelled.part} ({percent(cancelled)}) cancelled"
    )
    if not before.within_a_day.is_enough:
        return f"{sentence}."
    short = before.within_a_day
    return f"{sentence}; {short.part} of {short.total} cancellations came less than a day before the start."


def _speed_sentence(interested: Distribution, met: Distribution) -> str:
    parts = [
        f"{words} within {format_hours(one.median_hours)} in half of {one.count} cases,"
        f" and within {format_hours(one.p90_hours)} in nine of ten"
        for words, one in (("Interested leads booked", interested), ("Held meetings took place", met))
        if one.median_hours is not None and one.p90_hours is not None
    ]
    return ". ".join(parts) + "." if parts else f"Not enough data: a median needs {ENOUGH} held meetings."


def _stages_sentence(stages: Sequence[Stage]) -> str:
    rated = [one for one in stages if one.moved_on.is_enough]
    if not rated:
        return f"Not enough data: a rate needs {ENOUGH} deals that left a stage."
    worst = min(rated, key=lambda one: one.moved_on.rate or 0.0)
    sentence = (
        f"Fewest deals move on from {worst.stage}: {worst.moved_on.part} of {worst.moved_on.total}"
        f" ({percent(worst.moved_on)}) that left it"
    )
    if worst.time.median_hours is None or worst.time.p90_hours is None:
        return f"{sentence}."
    return (
        f"{sentence}; half left within {format_hours(worst.time.median_hours)},"
        f" nine of ten within {format_hours(worst.time.p90_hours)}."
    )


def _cohorts_sentence(cohorts: Sequence[Cohort]) -> str:
    if not cohorts:
        return "No meeting was booked in this period."
    young = [one for one in cohorts if not one.is_complete]
    if young:
        verb, weeks = "is" if len(young) == 1 else "are", counted(len(cohorts), "booking week")
        waiting = counted(sum(one.waiting for one in young), "meeting is", "meetings are")
        rest = f"{len(young)} of {weeks} {verb} incomplete: {waiting} still to come"
    else:
        rest = f"All {len(cohorts)} booking weeks are complete" if len(cohorts) > 1 else "The booking week is complete"
    latest = next((one for one in reversed(cohorts) if one.is_complete and one.outcomes.held.is_enough), None)
    if latest is None:
        return f"{rest}."
    held = latest.outcomes.held
    return f"{rest}. The latest complete one, {latest.week}, was held {held.part} of {held.total} ({percent(held)})."
