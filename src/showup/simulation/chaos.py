"""Simulates an unreliable network: webhooks are duplicated, repeated with other bytes, delayed and reordered."""

import random
from collections.abc import Sequence
from dataclasses import replace

from showup.simulation.models import SimulatedWebhook

_DUPLICATED = 0.10
_RESENT = 0.06
_DELAYED = 0.35
# The latest webhooks are delayed by this share of the whole run.
_MAX_DELAY = 0.6


def apply_chaos(webhooks: Sequence[SimulatedWebhook], seed: int) -> list[SimulatedWebhook]:
    """Returns all of `webhooks` in a disorder that `seed` decides, some more than once; none lost and none invented."""
    rng = random.Random(seed)
    arrivals: list[tuple[float, SimulatedWebhook]] = []
    for position, webhook in enumerate(webhooks):
        arrivals.append((_arrival_position(position, len(webhooks), rng), webhook))
        if rng.random() < _DUPLICATED:
            arrivals.append((_arrival_position(position, len(webhooks), rng), webhook))
        if rng.random() < _RESENT:
            arrivals.append(
                (
                    _arrival_position(position, len(webhooks), rng),
                    replace(webhook, resend_count=webhook.resend_count + 1),
                )
            )
    arrivals.sort(key=lambda entry: entry[0])
    return [webhook for _, webhook in arrivals]


def _arrival_position(position: int, count: int, rng: random.Random) -> float:
    delay = rng.random() * _MAX_DELAY * count if rng.random() < _DELAYED else rng.random()
    return position + delay
