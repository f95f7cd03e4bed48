"""Decide which planned deliveries only a later change of the rules calls for (PI13: they are about the past)."""

from collections.abc import Callable
from datetime import datetime

from showup.outbox.planned import PlannedDelivery
from showup.pipeline.replay import BookingState
from showup.pipeline.rules import RuleBook


def silent_keys(
    state: BookingState, rules: RuleBook, replay_under: Callable[[RuleBook], BookingState]
) -> frozenset[str]:
    """Return the keys of deliveries that the rules did not call for when Showup received their event.

    It depends on the times of the changes and of the events, and not on the order in which they were applied.
    """
    silent: set[str] = set()
    by_time: dict[datetime | None, list[PlannedDelivery]] = {}
    for one in _planned(state):
        next_change = min((each.at for each in rules.amendments if each.at > one.decided_at), default=None)
        by_time.setdefault(next_change, []).append(one)
    for next_change, planned in by_time.items():
        if next_change is None:
            continue
        former = replay_under(rules.known_at(planned[0].decided_at))
        called_for = {one.key for one in _planned(former) if one.state != "skipped"}
        silent |= {one.key for one in planned if one.key not in called_for}
    return frozenset(silent)


def _planned(state: BookingState) -> list[PlannedDelivery]:
    return [*state.plan.deliveries]
