"""The geometry of charts: lengths are in proportion to their numbers, and nothing leaves its place."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from showup.campaigns.funnel import difference
from showup.reads.rates import rate_of
from showup.values.proportion import Proportion
from showup.web.dashboard.charts import lens_funnel, on_line, stacked
from showup.web.dashboard.doubt import change_words, held_words, margin_words, step_rate_words

STEPS = ("sent", "delivered", "replied", "interested", "booked", "showed")
PLAIN = dict(zip(STEPS, (48_210, 46_902, 1_604, 498, 171, 118), strict=True))
FEW = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
counts = st.lists(st.integers(0, 10**6), min_size=6, max_size=6)


def test_the_lens_magnifies_and_distorts_nothing() -> None:
    chart = lens_funnel(PLAIN, assumed=22)
    assert chart is not None
    heights = {bar.name: bar.height for bar in chart.bars}
    assert heights["Delivered"] / heights["Sent"] == pytest.approx(46_902 / 48_210)
    assert heights["Showed"] / heights["Booked"] == pytest.approx(118 / 171)
    assert heights["Interested"] == 2, "too low to be seen otherwise"
    assert chart.factor == "97 ×"
    assert chart.assumed[1] / heights["Showed"] == pytest.approx(22 / 118)
    assert [bracket.name for bracket in chart.brackets] == ["Delivered", "Replied", "Interested", "Booked", "Showed"]


@FEW
@given(counts, st.integers(0, 10**6))
def test_every_bar_stays_on_its_panel(numbers: list[int], assumed: int) -> None:
    chart = lens_funnel(dict(zip(STEPS, numbers, strict=True)), assumed=min(assumed, numbers[5]))
    assert (chart is None) == (numbers[0] == 0 or not any(numbers[3:]))
    if chart is not None:
        assert all(59.9 <= bar.top <= 234 and bar.top + bar.height == pytest.approx(236) for bar in chart.bars)
        assert 0 <= chart.assumed[1] <= chart.bars[-1].height


@FEW
@given(st.lists(st.integers(0, 10**6), max_size=8))
def test_parts_of_a_bar_follow_each_other_and_fill_it(numbers: list[int]) -> None:
    spans = stacked(numbers)
    assert all((span.width == 0) == (number == 0) for span, number in zip(spans, numbers, strict=True))
    ends = [span.start + span.width for span in spans]
    assert all(end <= after.start + 1e-9 for end, after in zip(ends, spans[1:], strict=False))
    assert all(end <= 100 + 1e-9 for end in ends)


@FEW
@given(st.floats(0, 200), st.floats(0, 200))
def test_an_interval_stays_on_its_line(one: float, two: float) -> None:
    span = on_line(min(one, two), max(one, two))
    assert 0 <= span.start <= span.start + span.width <= 100 + 1e-9


@pytest.mark.parametrize(
    ("part", "total", "expected"),
    [(0, 0, "–"), (3, 3, "3 of 3, too few to say"), (5, 7, "5 of 7, between 36 and 92 %"), (68, 95, "72 % ± 10")],
)
def test_few_cases_are_counts_and_not_a_rate(part: int, total: int, expected: str) -> None:
    assert held_words(rate_of(part, total)).replace("\N{NARROW NO-BREAK SPACE}", " ") == expected


@pytest.mark.parametrize(
    ("part", "total", "expected"),
    [(1_604, 46_902, "3.4 % ± 0.2"), (46_902, 48_210, "97.3 % ± 0.2"), (498, 1_604, "31 % ± 3")],
)
def test_small_rates_and_small_doubts_have_a_decimal(part: int, total: int, expected: str) -> None:
    one = rate_of(part, total)
    assert one is not None
    assert f"{step_rate_words(one)} {margin_words(one)}".replace("\N{NARROW NO-BREAK SPACE}", " ") == expected


@pytest.mark.parametrize(
    ("now", "before", "words", "tone"),
    [
        ((1_604, 46_902), (1_900, 50_000), "was 3.8, really lower", "down"),
        ((498, 1_604), (480, 1_650), "was 29", ""),
        ((60, 80), (20, 80), "was 25, really higher", "up"),
        ((2, 4), (0, 3), "was 0", ""),
    ],
)
def test_a_difference_is_coloured_only_beyond_chance(
    now: tuple[int, int], before: tuple[int, int], words: str, tone: str
) -> None:
    found = difference(Proportion(*now), Proportion(*before))
    change = change_words(Proportion(*before).rate, found)
    assert (change.words, change.tone) == (words, tone)
