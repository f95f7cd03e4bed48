"""Builds the sections about missed meetings: rated groups, each section with a sentence. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

from msgspec import Struct

from showup.analysis.groups import GROUP_KINDS, Cells, GroupKind, SectionName, group_outcomes, group_values
from showup.analysis.outcomes import GroupComparison, MeetingOutcomes, compare_with_others, interval_of, sum_outcomes
from showup.values.proportion import ENOUGH, Interval, Proportion

MAX_GROUPS: Final = 200
"""The most groups of a section that are listed; the others still count in the comparison."""

NOT_ENOUGH: Final = f"Not enough data: a rate needs {ENOUGH} reported meetings."

HeadlineKind: TypeAlias = Literal["worst", "best", "costs_most"]

# Sections whose groups are few enough that the worst of them is worth a headline.
_HEADLINE_SECTIONS: Final[tuple[SectionName, ...]] = (
    *("lead_time", "weekday", "hour", "organizer", "source", "reschedules", "reminders", "confirmed"),
)
# Of the held rate: where it is lower, more meetings are missed.
_VERDICTS: Final = {
    "lower": "really more than the others",
    "higher": "really less than the others",
    "could_be_chance": "which could be chance",
}


class RatedGroup(Struct, frozen=True, kw_only=True):
    """A group of meetings. Below 5 reported meetings, its rate is suppressed: it would say too little.

    `values` say which group it is, `words` the same in a sentence.
    """

    values: Mapping[str, Any]
    words: str
    outcomes: MeetingOutcomes
    compared: GroupComparison | None

    @property
    def missed(self) -> Proportion:
        """Return the missed meetings of the reported ones."""
        return self.outcomes.missed

    @property
    def interval(self) -> Interval | None:
        """Return the interval of the held rate; None if it is suppressed."""
        return interval_of(self.outcomes.held)

    @property
    def excess(self) -> float:
        """Return how many more meetings were missed than at the rate of the others; 0 if that is unknown."""
        if self.compared is None:
            return 0.0
        others = self.compared.others
        return self.missed.part - self.missed.total * (others.total - others.part) / others.total


class Section(Struct, frozen=True, kw_only=True):
    """Groups of meetings with a sentence about them. `suppressed`: how many groups are listed without a rate."""

    name: SectionName
    sentence: str
    groups: Sequence[RatedGroup]
    suppressed: int
    left_out: int


class Headline(Struct, frozen=True, kw_only=True):
    """A sentence about one group of one section."""

    kind: HeadlineKind
    section: SectionName
    values: Mapping[str, Any]
    sentence: str


def build_section(name: SectionName, cells: Cells) -> Section:
    """Build the section from the counts."""
    kind = GROUP_KINDS[name]
    outcomes = group_outcomes(kind, cells)
    total = sum_outcomes(outcomes.values()).held
    groups = [_rate(kind, key, one, total) for key, one in outcomes.items()]
    listed = groups[:MAX_GROUPS]
    return Section(
        name=name,
        sentence=_sentence(groups),
        groups=listed,
        suppressed=sum(not one.missed.is_enough for one in listed),
        left_out=len(groups) - len(listed),
    )


def build_headlines(sections: Mapping[SectionName, Section]) -> list[Headline]:
    """Return which group is missed most, which least, and which costs the most meetings; none without data.

    The first two are the groups whose difference from the others is the surest. Small groups vary most, so the largest
    difference is often one of theirs.
    """
    compared = [
        (name, group) for name in _HEADLINE_SECTIONS for group in sections[name].groups if group.compared is not None
    ]
    if not compared:
        return []
    worst = min(compared, key=lambda one: _high(one[1]))
    best = max(compared, key=lambda one: _low(one[1]))
    costly = max(compared, key=lambda one: one[1].excess)
    headlines = [_headline("worst", *worst, _most(worst[1])), _headline("best", *best, _least(best[1]))]
    if costly[1].excess >= 1:
        headlines.append(_headline("costs_most", *costly, _costs(costly[1])))
    return headlines


def percent(one: Proportion) -> str:
    """Return a rate as text: "40 %"."""
    return "no rate" if one.rate is None else f"{one.rate:.0f} %"


def _rate(kind: GroupKind, key: tuple[str, ...], outcomes: MeetingOutcomes, total: Proportion) -> RatedGroup:
    return RatedGroup(
        values=group_values(kind, key),
        words=kind.words(key),
        outcomes=outcomes,
        compared=compare_with_others(outcomes.held, total),
    )


def _sentence(groups: Sequence[RatedGroup]) -> str:
    compared = [one for one in groups if one.compared is not None]
    if not compared:
        rated = [one for one in groups if one.missed.is_enough]
        if len(rated) != 1:
            return NOT_ENOUGH
        return f"Meetings {rated[0].words}: {_counts(rated[0])} missed; there is nothing to compare them with."
    return _most(min(compared, key=_high))


def _headline(kind: HeadlineKind, section: SectionName, group: RatedGroup, sentence: str) -> Headline:
    return Headline(kind=kind, section=section, values=group.values, sentence=sentence)


def _most(group: RatedGroup) -> str:
    return f"Meetings {group.words} are missed most: {_against_others(group)}."


def _least(group: RatedGroup) -> str:
    return f"Meetings {group.words} are missed least: {_against_others(group)}."


def _costs(group: RatedGroup) -> str:
    return (
        f"Meetings {group.words} cost the most: {group.missed.part} were missed,"
        f" about {group.excess:.0f} more than at the rate of the others."
    )


def _against_others(group: RatedGroup) -> str:
    assert group.compared is not None, "only compared groups are described"
    others = group.compared.others
    missed = Proportion(others.total - others.part, others.total)
    return f"{_counts(group)}, {_VERDICTS[group.compared.verdict]} ({percent(missed)})"


def _counts(group: RatedGroup) -> str:
    return f"{group.missed.part} of {group.missed.total} ({percent(group.missed)})"


def _low(group: RatedGroup) -> float:
    return group.compared.interval[0] if group.compared is not None else 0.0


def _high(group: RatedGroup) -> float:
    return group.compared.interval[1] if group.compared is not None else 0.0
