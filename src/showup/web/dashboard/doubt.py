"""How pages write rates with their doubt, and differences with their verdict (DESIGN, Words). Pure."""

from collections.abc import Mapping
from math import ceil
from typing import Any, Final

from msgspec import Struct

from showup.reads.rates import FEW, Rate
from showup.values.proportion import ENOUGH
from showup.web.dashboard.words import percent, plus_minus

_NARROW: Final = "\N{NARROW NO-BREAK SPACE}"
_SMALL: Final = 10
"""Rates below this many per cent have one decimal."""


class RateChange(Struct, frozen=True, kw_only=True):
    """What a rate was before. `tone`: up or down where it differs by more than chance, else empty."""

    words: str
    tone: str


def rate_words(value: float, margin: float | None = None) -> str:
    """Return `31 %`; with one decimal below 10 %, or where the doubt is below one point: `3.4 %`, `97.3 %`."""
    if value < _SMALL or (margin is not None and margin < 1):
        return f"{value:.1f}".removesuffix(".0") + f"{_NARROW}%"
    return percent(value)


def margin_words(rate: Rate) -> str:
    """Return the doubt of a rate, the longer side of its interval, rounded up: `± 2`, `± 0.2`."""
    margin = _margin(rate)
    if rate.value < _SMALL or margin < 1:
        return f"±{_NARROW}{ceil(round(margin * 10, 6)) / 10:.1f}".removesuffix(".0")
    return plus_minus(ceil(round(margin, 6)))


def step_rate_words(rate: Rate) -> str:
    """Return the rate as it stands beside `margin_words`."""
    return rate_words(rate.value, _margin(rate))


def held_words(rate: Rate | None) -> str:
    """Return a rate with its doubt: `72 % ± 9`; as counts where few are decided: `5 of 7, between 36 and 92 %`."""
    if rate is None:
        return "–"
    if rate.total < ENOUGH:
        return f"{rate.part} of {rate.total}, too few to say"
    if rate.total < FEW:
        return f"{rate.part} of {rate.total}, between {round(rate.low)} and {percent(rate.high)}"
    return f"{percent(rate.value)} {plus_minus(rate.margin)}"


def change_words(
    before: float | None, difference: Mapping[str, Any] | None, *, now: str = "", says_chance: bool = False
) -> RateChange:
    """Return what a rate was: `was 3.8, really lower`; `says_chance`: also where the difference could be chance.

    `now` are the words of the rate itself: what it was has a decimal if they have one.
    """
    if before is None or difference is None:
        return RateChange(words="", tone="")
    was = rate_words(before, 0.0 if "." in now else None)
    was = was if says_chance else was.removesuffix(f"{_NARROW}%")
    if difference["beyond_chance"]:
        is_higher = difference["difference"] > 0
        return RateChange(
            words=f"was {was}, really {'higher' if is_higher else 'lower'}", tone="up" if is_higher else "down"
        )
    chance = ", could be chance" if says_chance and difference["beyond_chance"] is False else ""
    return RateChange(words=f"was {was}{chance}", tone="")


def _margin(rate: Rate) -> float:
    return max(rate.value - rate.low, rate.high - rate.value)
