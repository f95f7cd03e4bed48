"""A run of the simulation: everything that will be told, in source order, from a seed and an instant."""

import hashlib
import random
from dataclasses import dataclass
from datetime import datetime

from showup.simulation.cast import Cast
from showup.simulation.news import News
from showup.simulation.stories.deck import dealt
from showup.simulation.theatre import Theatre


@dataclass(frozen=True, slots=True)
class World:
    """`news` in source order, none later than `start`; `tag` is in every uid and domain of this run alone."""

    seed: int
    start: datetime
    tag: str
    news: tuple[News, ...]


def make_world(seed: int, start: datetime, count: int) -> World:
    """At least `count` news (whole stories, so a few more), the same for the same seed, start and count."""
    rng, tag = random.Random(seed), run_tag(seed, start)
    start = start.replace(microsecond=0)
    theatre = Theatre(rng, tag, start, Cast(rng, tag))
    stories = dealt(rng)
    while len(theatre.news) < count:
        next(stories)(theatre)
    return World(seed, start, tag, tuple(sorted(theatre.news, key=source_order)))


def run_tag(seed: int, start: datetime) -> str:
    """Six letters that stand for this run: the same for the same second and seed."""
    digest = hashlib.sha256(f"{seed}@{start.replace(microsecond=0).isoformat()}".encode()).digest()
    return "".join("abcdefghjkmnpqrstvwxyz23456789"[byte % 30] for byte in digest[:6])


def source_order(news: News) -> datetime:
    """Sorts news by when they happened; what happened at once keeps the order of its story."""
    return news.at
