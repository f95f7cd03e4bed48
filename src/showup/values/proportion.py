"""Rates in percent, and how sure they are: Wilson's interval for one, Newcombe's for the difference of two. Pure.

All intervals are at 95 %. Below `ENOUGH` cases, a rate says too little to be compared.
"""

from math import sqrt
from statistics import NormalDist
from typing import Final, TypeAlias

from msgspec import Struct

ENOUGH: Final = 5
"""The fewest cases from which a rate may be read."""

Interval: TypeAlias = tuple[float, float]
"""Lower and upper end, in percent or percentage points."""

_Z: Final = NormalDist().inv_cdf(0.975)
_DIGITS: Final = 6


class Proportion(Struct, frozen=True):
    """`part` of `total` cases. `part` may be greater where the two are counted of different people (CA5)."""

    part: int
    total: int

    @property
    def rate(self) -> float | None:
        """Return the rate in percent; None if the total is zero."""
        return rate(self.part, self.total)

    @property
    def is_enough(self) -> bool:
        """Return whether there are enough cases to read the rate."""
        return self.total >= ENOUGH


def rate(part: int, total: int) -> float | None:
    """Return `part` of `total` in percent; None if the total is zero (CA5)."""
    return round(100 * part / total, _DIGITS) if total else None


def wilson(one: Proportion) -> Interval | None:
    """Return Wilson's score interval in percent; None for no cases, or more than all of them.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927), 209-212.
    """
    bounds = _wilson(one)
    return None if bounds is None else (round(100 * bounds[0], _DIGITS), round(100 * bounds[1], _DIGITS))


def newcombe(first: Proportion, second: Proportion) -> Interval | None:
    """Return Newcombe's interval for `first` minus `second` in percentage points; None where a rate has no interval.

    Method 10 in R. G. Newcombe, "Interval estimation for the difference between independent proportions: comparison of
    eleven methods", Statistics in Medicine 17 (1998), 873-890. Zero outside the interval: the rates really differ.
    """
    one, two = _wilson(first), _wilson(second)
    if one is None or two is None:
        return None
    p, q = first.part / first.total, second.part / second.total
    lower = p - q - sqrt((p - one[0]) ** 2 + (two[1] - q) ** 2)
    upper = p - q + sqrt((one[1] - p) ** 2 + (q - two[0]) ** 2)
    return round(100 * lower, _DIGITS), round(100 * upper, _DIGITS)


def _wilson(one: Proportion) -> Interval | None:
    if not 0 <= one.part <= one.total or one.total == 0:
        return None
    p, n = one.part / one.total, one.total
    square = _Z**2 / n
    centre = (p + square / 2) / (1 + square)
    half = _Z * sqrt(p * (1 - p) / n + square / (4 * n)) / (1 + square)
    # Exactly 0 and 1 at the ends, where rounding would miss them.
    return (0.0 if one.part == 0 else centre - half), (1.0 if one.part == n else centre + half)
