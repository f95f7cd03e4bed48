"""How a network ruins good order: webhooks twice, told again with other bytes, late, and past each other."""

import random
from collections.abc import Sequence
from dataclasses import replace

from showup.simulation.news import News

_TWICE = 0.10
_RETOLD = 0.06
_LATE = 0.35
# The latest come this share of the whole run too late.
_MOST_LATE = 0.6


def ruined(news: Sequence[News], seed: int) -> list[News]:
    """All of `news` in a disorder that `seed` decides, some more than once; none lost and none invented."""
    rng = random.Random(seed)
    arrivals: list[tuple[float, News]] = []
    for place, one in enumerate(news):
        arrivals.append((_arrival(place, len(news), rng), one))
        if rng.random() < _TWICE:
            arrivals.append((_arrival(place, len(news), rng), one))
        if rng.random() < _RETOLD:
            arrivals.append((_arrival(place, len(news), rng), replace(one, copy=one.copy + 1)))
    arrivals.sort(key=lambda arrival: arrival[0])
    return [one for _, one in arrivals]


def _arrival(place: int, count: int, rng: random.Random) -> float:
    late = rng.random() * _MOST_LATE * count if rng.random() < _LATE else rng.random()
    return place + late
