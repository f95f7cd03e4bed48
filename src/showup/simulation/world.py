"""The world of a run: all events in source order, generated from a seed and a start time."""

import hashlib
import random
from dataclasses import dataclass
from datetime import datetime

from showup.simulation.campaigns import SimulatedLead, make_leads
from showup.simulation.models import SimulatedWebhook
from showup.simulation.population import Population
from showup.simulation.scenario_context import ScenarioContext
from showup.simulation.scenarios.catalog import draw_scenarios


@dataclass(frozen=True, slots=True)
class World:
    """`webhooks` are in source order, none later than `start`; `tag` is in every uid and domain of this run only.

    `leads` are those of its campaigns.
    """

    seed: int
    start: datetime
    tag: str
    webhooks: tuple[SimulatedWebhook, ...]
    leads: tuple[SimulatedLead, ...] = ()


def make_world(seed: int, start: datetime, count: int, *, with_campaigns: bool = False) -> World:
    """Makes at least `count` webhooks (whole scenarios, so a few more), the same for the same seed, start and count."""
    rng, tag = random.Random(seed), run_tag(seed, start)
    start = start.replace(microsecond=0)
    context = ScenarioContext(rng, tag, start, Population(rng, tag))
    scenarios = draw_scenarios(rng)
    while len(context.webhooks) < count:
        next(scenarios)(context)
    webhooks = tuple(sorted(context.webhooks, key=source_order))
    return World(seed, start, tag, webhooks, make_leads(seed, tag, webhooks) if with_campaigns else ())


def run_tag(seed: int, start: datetime) -> str:
    """Returns six letters that identify this run: the same for the same second and seed."""
    digest = hashlib.sha256(f"{seed}@{start.replace(microsecond=0).isoformat()}".encode()).digest()
    return "".join("abcdefghjkmnpqrstvwxyz23456789"[byte % 30] for byte in digest[:6])


def source_order(webhook: SimulatedWebhook) -> datetime:
    """Sort key: the time of the event; simultaneous events keep the order of their scenario."""
    return webhook.at
