"""CA5: intervals of rates, against the published examples of their authors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from showup.values.proportion import Proportion, newcombe, rate, wilson


@pytest.mark.parametrize(("part", "whole", "percent"), [(0, 0, None), (0, 3, 0.0), (1, 3, 33.333333), (9, 8, 112.5)])
def test_rates_are_percent(part: int, whole: int, percent: float | None) -> None:
    assert rate(part, whole) == percent


# Newcombe's "Two-sided confidence intervals for the single proportion: comparison of seven methods", published in
# Statistics in Medicine 17 of 1998 on page 857: Table I, method 3 (score, without correction for continuity).
@pytest.mark.parametrize(
    ("part", "total", "lower", "upper"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_the_published_intervals(part: int, total: int, lower: float, upper: float) -> None:
    assert wilson(Proportion(part, total)) == pytest.approx((100 * lower, 100 * upper), abs=0.005)


# The second paper of 1998, cited in `newcombe`: Table II, method 10.
@pytest.mark.parametrize(
    ("first", "second", "lower", "upper"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((0, 10), (0, 10), -0.2775, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_newcombe_gives_the_published_intervals(
    first: tuple[int, int], second: tuple[int, int], lower: float, upper: float
) -> None:
    found = newcombe(Proportion(*first), Proportion(*second))
    assert found == pytest.approx((100 * lower, 100 * upper), abs=0.006)


@pytest.mark.parametrize("one", [Proportion(0, 0), Proportion(9, 8)])
def test_nothing_and_more_than_all_have_no_interval(one: Proportion) -> None:
    assert wilson(one) is None
    assert newcombe(one, Proportion(1, 2)) is newcombe(Proportion(1, 2), one) is None


@given(st.integers(1, 10_000).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))))
def test_an_interval_contains_its_rate_and_stays_within_all(one: tuple[int, int]) -> None:
    proportion = Proportion(*one)
    interval = wilson(proportion)
    assert interval is not None
    assert proportion.rate is not None
    assert 0 <= interval[0] <= proportion.rate <= interval[1] <= 100
    mirrored = wilson(Proportion(one[1] - one[0], one[1]))
    assert mirrored == pytest.approx((100 - interval[1], 100 - interval[0]), abs=1e-5)


@given(st.integers(0, 30), st.integers(0, 30), st.integers(1, 30), st.integers(1, 30))
def test_the_difference_in_the_other_order_is_its_negative(a: int, b: int, c: int, d: int) -> None:
    first, second = Proportion(min(a, c), c), Proportion(min(b, d), d)
    one, other = newcombe(first, second), newcombe(second, first)
    assert one is not None
    assert other == pytest.approx((-one[1], -one[0]), abs=1e-5)
