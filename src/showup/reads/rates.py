"""Rates that come from counting, with their doubt: Wilson's interval at 95 %. Pure."""

from math import ceil, sqrt
from typing import Final

from msgspec import Struct

# The quantile of the normal distribution for a two-sided interval of 95 %.
_Z: Final = 1.959963984540054
FEW: Final = 10
"""Fewer decided cases than this are shown as counts, not as a rate."""


class Rate(Struct, frozen=True, kw_only=True):
    """`part` of `total` decided cases. `value`, `low` and `high` are per cent."""

    part: int
    total: int
    value: float
    low: float
    high: float

    @property
    def margin(self) -> int:
        """Return the longer side of the interval, in whole points."""
        return ceil(max(self.value - self.low, self.high - self.value))

    @property
    def is_few(self) -> bool:
        """Return whether there are too few cases for a rate."""
        return self.total < FEW


def rate_of(part: int, total: int) -> Rate | None:
    """Return the rate with its interval; None without any decided case.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927), 209-212.
    """
    if total == 0:
        return None
    share = part / total
    scale = 1 + _Z * _Z / total
    centre = (share + _Z * _Z / (2 * total)) / scale
    half = _Z * sqrt(share * (1 - share) / total + _Z * _Z / (4 * total * total)) / scale
    return Rate(
        part=part,
        total=total,
        value=100 * share,
        low=100 * max(0.0, centre - half),
        high=100 * min(1.0, centre + half),
    )


def margin_with(rate: Rate, more: int) -> int:
    """Return the margin that `more` decided cases at the same rate would leave."""
    total = rate.total + more
    narrowed = rate_of(round(rate.part * total / rate.total), total)
    assert narrowed is not None, "a rate has cases"
    return narrowed.margin
