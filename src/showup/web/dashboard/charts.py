"""The geometry of the charts: numbers in, positions of SVG out. Pure, and linear: no length is distorted."""

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import Final

from msgspec import Struct

_BASE: Final = 236.0
_HEIGHT: Final = 176.0
_LEAST: Final = 2.0
"""The least height of a bar, so that it is seen."""
_WIDTH: Final = 78
_LEFT: Final = (0, 150, 300, 450)
_RIGHT: Final = (640, 832, 1024)
_FLAT: Final = 8
_MOST_PARTS: Final = 100.0
_GAP: Final = 0.35


class Bar(Struct, frozen=True, kw_only=True):
    """A bar of the funnel, with its number and name above it; `shade` from 1 to 4, 0 for what showed."""

    x: int
    top: float
    height: float
    number: int
    name: str
    shade: int

    @property
    def radius(self) -> int:
        """Return the radius of its corners."""
        return 3 if self.height > _FLAT else 1

    @property
    def middle(self) -> float:
        """Return the middle of its base."""
        return self.x + _WIDTH / 2


class Bracket(Struct, frozen=True, kw_only=True):
    """The line below two bars, which joins their middles; `name` is the step that its rate leads to."""

    start: float
    end: float
    name: str

    @property
    def middle(self) -> float:
        """Return where the words of the rate stand."""
        return (self.start + self.end) / 2


class LensFunnel(Struct, frozen=True, kw_only=True):
    """The funnel: the left bars to the scale of `sent`, the right ones magnified by the lens between them.

    `ribbons` and `lens` are SVG paths. `factor`: how many times the right half is drawn larger. `assumed`: the top part
    of the last bar, as top and height.
    """

    bars: Sequence[Bar]
    brackets: Sequence[Bracket]
    ribbons: Sequence[str]
    lens: str
    lens_edge: str
    factor: str
    assumed: tuple[float, float]


def lens_funnel(counts: Mapping[str, int], *, assumed: int) -> LensFunnel | None:
    """Return the funnel of `sent, delivered, replied, interested, booked, showed`; None without mails to scale it.

    The right half is scaled to its largest bar: more people may book than showed interest.
    """
    sent = max(counts["sent"], counts["delivered"], counts["replied"], counts["interested"])
    near = max(counts["interested"], counts["booked"], counts["showed"])
    if counts["sent"] == 0 or near == 0:
        return None
    left = [
        _bar(x, counts[step], sent, name, shade)
        for x, step, name, shade in zip(
            _LEFT, ("sent", "delivered", "replied", "interested"), _NAMES[:4], (1, 1, 2, 3), strict=True
        )
    ]
    right = [
        _bar(x, counts[step], near, name, shade)
        for x, step, name, shade in zip(
            _RIGHT,
            ("interested", "booked", "showed"),
            ("Interested, magnified", "Booked", "Showed"),
            (3, 4, 0),
            strict=True,
        )
    ]
    start, end = left[-1], right[0]
    edge = f"M{start.x + _WIDTH} {start.top:.1f}L{end.x} {end.top:.1f}"
    showed = right[-1]
    height = showed.height * assumed / counts["showed"] if counts["showed"] else 0.0
    factor = sent / near
    neighbours = [*pairwise(left), *pairwise(right)]
    return LensFunnel(
        bars=[*left, *right],
        brackets=[Bracket(start=one.middle, end=two.middle, name=two.name) for one, two in neighbours],
        ribbons=[_ribbon(one, two) for one, two in neighbours],
        lens=f"{edge}V{_BASE:.0f}H{start.x + _WIDTH}z",
        lens_edge=edge,
        factor=f"{factor:,.0f} ×" if factor >= _FLAT else f"{factor:.1f} ×",
        assumed=(showed.top, height),
    )


_NAMES: Final = ("Sent", "Delivered", "Replied", "Interested", "Booked", "Showed")


def _bar(x: int, number: int, scale: int, name: str, shade: int) -> Bar:
    height = max(number / scale * _HEIGHT, _LEAST)
    return Bar(x=x, top=_BASE - height, height=height, number=number, name=name, shade=shade)


def _ribbon(one: Bar, two: Bar) -> str:
    start, end = one.x + _WIDTH, two.x
    middle = (start + end) / 2
    curve = f"C{middle:.0f} {one.top:.1f} {middle:.0f} {two.top:.1f} {end} {two.top:.1f}"
    return f"M{start} {one.top:.1f}{curve}V{_BASE:.0f}H{start}z"


class Span(Struct, frozen=True, kw_only=True):
    """A part of a line, in per cent of its length."""

    start: float
    width: float


def stacked(numbers: Sequence[int]) -> list[Span]:
    """Return the parts of a bar of full length, with a small gap behind each; a part of 0 has no width."""
    total = sum(numbers)
    found, at = [], 0.0
    for number in numbers:
        wide = number / total * _MOST_PARTS if total else 0.0
        found.append(Span(start=at, width=max(wide - _GAP, min(wide, _GAP))))
        at += wide
    return found


def on_line(low: float, high: float, *, full: float = 100.0) -> Span:
    """Return where an interval lies on a line from 0 to `full`."""
    start = min(max(low / full * 100, 0.0), 100.0)
    return Span(start=start, width=max(min(high / full * 100, 100.0) - start, 0.0))


class HeatCell(Struct, frozen=True, kw_only=True):
    """A cell of the heat map: `step` from 0 to 4 colours it; None where it rests on too few."""

    x: int
    y: int
    step: int | None
    text: str
    words: str


class HeatMap(Struct, frozen=True, kw_only=True):
    """A heat map: cells by day and hour, with the hours above and the days at the left."""

    width: int
    height: int
    hours: Sequence[tuple[int, int]]
    days: Sequence[tuple[int, str]]
    cells: Sequence[HeatCell]


class HeatValue(Struct, frozen=True, kw_only=True):
    """How many of the reported meetings of an hour were missed, and the number to show, in per cent."""

    missed: int
    reported: int
    shown: float


HEAT_STEPS: Final = (20, 28, 40, 45)
"""From these shares of missed meetings on, a cell has the next colour."""
_FEW_IN_CELL: Final = 5
_CELL: Final = (48, 42)
_HEAT_EDGE: Final = (40, 22)
_LEAST_HOURS: Final = 10


def heat_map(values: Mapping[tuple[int, int], HeatValue], days: Sequence[str]) -> HeatMap | None:
    """Return the map of values by weekday (from 1) and hour; None without any. Empty hours at the ends are left out."""
    known = {slot: one for slot, one in values.items() if one.reported}
    if not known:
        return None
    first, last = min(hour for _, hour in known), max(hour for _, hour in known)
    shown_days = days[: max(5, *(day for day, _ in known))]
    (wide, high), (left, top) = _CELL, _HEAT_EDGE
    return HeatMap(
        width=left + wide * max(last - first + 1, _LEAST_HOURS),
        height=top + high * len(shown_days),
        hours=[(left + wide * (hour - first) + wide // 2 - 2, hour) for hour in range(first, last + 1)],
        days=[(top + high * place + 24, name) for place, name in enumerate(shown_days)],
        cells=[
            HeatCell(
                x=left + wide * (hour - first),
                y=top + high * (day - 1),
                step=None if one.reported < _FEW_IN_CELL else _heat_step(one),
                text=f"{one.shown:.0f}{'?' if one.reported < _FEW_IN_CELL else ''}",
                words=f"{days[day - 1]} {hour}:00, {one.missed} of {one.reported} missed",
            )
            for (day, hour), one in sorted(known.items())
        ],
    )


def _heat_step(one: HeatValue) -> int:
    share = 100 * one.missed / one.reported
    return sum(share >= step for step in HEAT_STEPS)


class CohortBar(Struct, frozen=True, kw_only=True):
    """A booking week: its bar and its interval, from `low` to `high`; None where it rests on too few."""

    x: float
    top: float
    height: float
    low: float | None
    high: float | None
    is_few: bool
    is_young: bool
    day: str
    month: str


class CohortChart(Struct, frozen=True, kw_only=True):
    """The booking weeks. `lines`: the heights of 0, 25, 50, 75 and 100 per cent."""

    width: float
    lines: Sequence[tuple[float, int]]
    bars: Sequence[CohortBar]


class CohortValue(Struct, frozen=True, kw_only=True):
    """The rate of a booking week with its interval, in per cent; None without a reported meeting."""

    week: date
    rate: tuple[float, float, float] | None
    is_few: bool
    is_young: bool


_COHORT_BASE: Final = 230.0
_COHORT_HIGH: Final = 216.0
_COHORT_STEP: Final = 40.5
_LEAST_WEEKS: Final = 12
"""Fewer weeks leave room at the right, so that bars keep their size."""


def cohort_chart(values: Sequence[CohortValue]) -> CohortChart | None:
    """Return the chart of these weeks, in order of time; None without any."""
    if not values:
        return None
    bars, month = [], ""
    for place, one in enumerate(values):
        rate, low, high = (None, None, None) if one.rate is None else one.rate
        top = _at(rate or 0.0)
        name = f"{one.week:%b}"
        bars.append(
            CohortBar(
                x=40 + _COHORT_STEP * place,
                top=top,
                height=_COHORT_BASE - top,
                low=None if low is None else _at(low),
                high=None if high is None else _at(high),
                is_few=one.is_few,
                is_young=one.is_young,
                day=str(one.week.day),
                month=name if name != month else "",
            )
        )
        month = name
    return CohortChart(
        width=40 + _COHORT_STEP * max(len(values), _LEAST_WEEKS),
        lines=[(_at(tick), tick) for tick in range(0, 101, 25)],
        bars=bars,
    )


def _at(percent: float) -> float:
    return _COHORT_BASE - percent / 100 * _COHORT_HIGH
