"""What was measured, in the families that Prometheus reads."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from sqlalchemy import QueuePool
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.reads.measures import Measures


class OfDatabase:
    """What PostgreSQL knows of all appliers; with None it says only that it is away."""

    def __init__(self, measures: Measures | None) -> None:
        self._measures = measures

    def collect(self) -> Iterator[Metric]:
        """The families."""
        yield _gauge("showup_database_up", "Whether PostgreSQL answered.", float(self._measures is not None))
        if self._measures is not None:
            yield from _of_work(self._measures)
            yield from _of_telling(self._measures)
            yield from _of_totals(self._measures.totals)


class OfPool:
    """How many connections this process's pool has, and how many of them are busy."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._pool = engine.pool

    def collect(self) -> Iterator[Metric]:
        """The family."""
        assert isinstance(self._pool, QueuePool), "the engine is made with a pool of a size"
        family = GaugeMetricFamily(
            "showup_pool_connections", "Connections of this process to PostgreSQL.", labels=["state"]
        )
        busy = self._pool.checkedout()
        family.add_metric(["busy"], busy)
        family.add_metric(["free"], self._pool.size() - busy)
        yield family


def _of_work(found: Measures) -> Iterator[Metric]:
    yield _gauge("showup_events_unsettled", "Raw events that wait to be applied, 10,000 at most.", found.unsettled)
    yield _gauge("showup_events_failed", "Raw events that failed and are tried again, 10,000 at most.", found.failed)
    lag = 0.0 if found.oldest_at is None else max(0.0, (found.now - found.oldest_at).total_seconds())
    yield _gauge("showup_applier_lag_seconds", "Age of the oldest raw event that waits to be applied.", lag)
    family = GaugeMetricFamily(
        "showup_database_connections", "Connections of all of Showup's processes to PostgreSQL.", labels=["state"]
    )
    for state, count in found.connections.items():
        family.add_metric([state], count)
    yield family


def _of_telling(found: Measures) -> Iterator[Metric]:
    telling = found.telling
    yield _gauge("showup_deliveries_due", "Deliveries that are due and wait to be told, 10,000 at most.", telling.due)
    yield _gauge("showup_deliveries_failed", "Deliveries that were given up, 10,000 at most.", telling.failed)
    late = 0.0 if telling.oldest_at is None else max(0.0, (found.now - telling.oldest_at).total_seconds())
    yield _gauge("showup_delivery_lag_seconds", "For how long the oldest delivery that waits has been due.", late)
    yield _gauge("showup_lanes_paused", "Destinations of a workspace that are left in peace for now.", telling.paused)


def _of_totals(totals: dict[tuple[str, str], float]) -> Iterator[Metric]:
    settled = {label: amount for (name, label), amount in totals.items() if name == "settled"}
    family = CounterMetricFamily("showup_events_settled", "Raw events that were settled, by outcome.", labels=["state"])
    for state, amount in settled.items():
        family.add_metric([state], amount)
    yield family
    failures, successes = totals.get(("failed", ""), 0.0), sum(settled.values())
    tried = failures + successes
    yield CounterMetricFamily("showup_applications_failed", "Applications of a raw event that failed.", failures)
    share = successes / tried if tried else 1.0
    yield _gauge("showup_applications_success_ratio", "Share of all applications so far that succeeded.", share)
    yield _settling(totals)


def _settling(totals: dict[tuple[str, str], float]) -> HistogramMetricFamily:
    found = {label: amount for (name, label), amount in totals.items() if name == "batch_seconds"}
    counted, buckets = 0.0, []
    for label in sorted(found, key=float):
        counted += found[label]
        buckets.append((label, counted))
    if not buckets or buckets[-1][0] != "+Inf":
        buckets.append(("+Inf", counted))
    return HistogramMetricFamily(
        "showup_batch_seconds",
        "Time from the beginning of a batch of raw events until it was settled.",
        buckets=buckets,
        sum_value=totals.get(("batch_seconds_sum", ""), 0.0),
    )


def _gauge(name: str, says: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, says, value)
