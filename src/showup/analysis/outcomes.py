"""How a group of meetings went: counts by state, rates with their intervals, and the comparison with the rest. Pure.

Rates divide reported meetings only: an attendance that is assumed from the clock says nothing about who comes.
"""

from collections.abc import Iterable
from typing import Final, Literal, TypeAlias

from msgspec import Struct

from showup.values.proportion import Interval, Proportion, newcombe, wilson

Verdict: TypeAlias = Literal["higher", "lower", "could_be_chance"]

STATES: Final = (
    *("showed", "no_show", "assumed", "unreported", "host_absent", "upcoming", "cancelled", "pending", "rejected"),
)


class MeetingOutcomes(Struct, kw_only=True):
    """Meetings by state. `showed` and `no_show` were reported, `unreported` are over, `upcoming` are not."""

    showed: int = 0
    no_show: int = 0
    assumed: int = 0
    unreported: int = 0
    host_absent: int = 0
    upcoming: int = 0
    cancelled: int = 0
    pending: int = 0
    rejected: int = 0

    def add(self, state: str, count: int) -> None:
        """Count more meetings of this state."""
        setattr(self, state, getattr(self, state) + count)

    @property
    def total(self) -> int:
        """Return how many meetings there are, of any state."""
        return sum(getattr(self, state) for state in STATES)

    @property
    def reported(self) -> int:
        """Return how many meetings have a reported attendance."""
        return self.showed + self.no_show

    @property
    def held(self) -> Proportion:
        """Return the reported meetings that took place, of all reported."""
        return Proportion(self.showed, self.reported)

    @property
    def missed(self) -> Proportion:
        """Return the reported meetings that the attendee missed, of all reported."""
        return Proportion(self.no_show, self.reported)

    @property
    def held_bounds(self) -> Interval | None:
        """Return the held rate if all assumed and unreported meetings were missed, and if all were held."""
        unsure = self.assumed + self.unreported
        lowest, highest = (Proportion(self.showed + held, self.reported + unsure).rate for held in (0, unsure))
        return None if lowest is None or highest is None else (lowest, highest)


class GroupComparison(Struct, frozen=True, kw_only=True):
    """A held rate minus that of all other groups together, in percentage points, with its 95 % interval."""

    others: Proportion
    difference: float
    interval: Interval
    verdict: Verdict


def sum_outcomes(groups: Iterable[MeetingOutcomes]) -> MeetingOutcomes:
    """Return the sum of groups."""
    total = MeetingOutcomes()
    for one in groups:
        for state in STATES:
            total.add(state, getattr(one, state))
    return total


def compare_with_others(group: Proportion, total: Proportion) -> GroupComparison | None:
    """Compare a group's rate with that of all others; None where one of the two has too few cases.

    The groups are compared by Newcombe's interval: the rates really differ if it leaves out zero.
    """
    others = Proportion(total.part - group.part, total.total - group.total)
    interval = newcombe(group, others)
    if interval is None or not (group.is_enough and others.is_enough):
        return None
    low, high = interval
    verdict: Verdict = "higher" if low > 0 else "lower" if high < 0 else "could_be_chance"
    assert group.rate is not None
    assert others.rate is not None, "both have cases"
    return GroupComparison(others=others, difference=group.rate - others.rate, interval=interval, verdict=verdict)


def interval_of(one: Proportion) -> Interval | None:
    """Return the interval of a rate; None where there are too few cases to read it."""
    return wilson(one) if one.is_enough else None
