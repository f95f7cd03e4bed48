"""Medians and percentiles of durations that were counted by the hour. Pure."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from showup.values.counted import counted
from showup.values.proportion import ENOUGH

_HOURS_A_DAY: Final = 24
_DAYS_FROM: Final = 48


class Distribution(Struct, frozen=True, kw_only=True):
    """How many durations there are, and in hours, their median and the time within which nine of ten lie.

    Both are None below five durations. They are exact to the hour below two days, and to the day above.
    """

    count: int
    median_hours: int | None
    p90_hours: int | None


def distribution_of(counts: Mapping[int, int]) -> Distribution:
    """Return the distribution of durations, which are counted by their hours."""
    count = sum(counts.values())
    if count < ENOUGH:
        return Distribution(count=count, median_hours=None, p90_hours=None)
    return Distribution(
        count=count, median_hours=_percentile(counts, count, 50), p90_hours=_percentile(counts, count, 90)
    )


def _percentile(counts: Mapping[int, int], count: int, percent: int) -> int:
    """Return the smallest duration within which at least this share lies (nearest rank)."""
    remaining = -(-count * percent // 100)
    for hours in sorted(counts):
        remaining -= counts[hours]
        if remaining <= 0:
            return hours
    raise AssertionError("the shares add up to all")


def format_hours(hours: int) -> str:
    """Return a duration as people say it: "5 hours", "3 days"."""
    if hours < _DAYS_FROM:
        return counted(hours, "hour") if hours else "less than an hour"
    return counted(hours // _HOURS_A_DAY, "day")
