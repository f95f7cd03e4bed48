"""Convert measurements to Prometheus metric families."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from sqlalchemy import QueuePool
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.reads.metrics import Syncs, SystemMetrics


class DatabaseCollector:
    """Collects metrics of all projectors from PostgreSQL; with None, it only reports the database as down."""

    def __init__(self, system_metrics: SystemMetrics | None) -> None:
        self._system_metrics = system_metrics

    def collect(self) -> Iterator[Metric]:
        """Yield the metric families."""
        yield _gauge("showup_database_up", "1 if PostgreSQL responds, else 0.", float(self._system_metrics is not None))
        if self._system_metrics is not None:
            yield from _inbox_metrics(self._system_metrics)
            yield from _delivery_metrics(self._system_metrics)
            yield from _sync_metrics(self._system_metrics.syncs)
            yield from _processing_metrics(self._system_metrics.totals)


class PoolCollector:
    """Collects the size of this process's connection pool and the number of busy connections."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._pool = engine.pool

    def collect(self) -> Iterator[Metric]:
        """Yield the metric family."""
        assert isinstance(self._pool, QueuePool), "the engine has a pool of fixed size"
        family = GaugeMetricFamily(
            "showup_pool_connections", "Connections of this process to PostgreSQL.", labels=["state"]
        )
        busy = self._pool.checkedout()
        family.add_metric(["busy"], busy)
        family.add_metric(["free"], self._pool.size() - busy)
        yield family


def _inbox_metrics(metrics: SystemMetrics) -> Iterator[Metric]:
    yield _gauge(
        "showup_events_unprocessed", "Inbox events that wait to be applied, 10,000 at most.", metrics.unprocessed
    )
    yield _gauge(
        "showup_events_failed", "Inbox events that failed and will be retried, 10,000 at most.", metrics.failed
    )
    yield _gauge(
        "showup_events_unreadable", "Inbox events that Showup could not read, 10,000 at most.", metrics.unreadable
    )
    lag = 0.0 if metrics.oldest_at is None else max(0.0, (metrics.now - metrics.oldest_at).total_seconds())
    yield _gauge("showup_projection_lag_seconds", "Age of the oldest inbox event that waits to be applied.", lag)
    family = GaugeMetricFamily(
        "showup_database_connections", "Connections of all of Showup's processes to PostgreSQL.", labels=["state"]
    )
    for state, count in metrics.connections.items():
        family.add_metric([state], count)
    yield family


def _delivery_metrics(metrics: SystemMetrics) -> Iterator[Metric]:
    backlog = metrics.delivery_backlog
    yield _gauge("showup_deliveries_due", "Deliveries that are due and not sent yet, 10,000 at most.", backlog.due)
    yield _gauge("showup_deliveries_failed", "Failed deliveries, 10,000 at most.", backlog.failed)
    lag = 0.0 if backlog.oldest_at is None else max(0.0, (metrics.now - backlog.oldest_at).total_seconds())
    yield _gauge("showup_delivery_lag_seconds", "Time since the oldest waiting delivery became due.", lag)
    yield _gauge("showup_queues_paused", "Destination queues that are paused.", backlog.paused)


def _sync_metrics(syncs: Syncs) -> Iterator[Metric]:
    yield _gauge("showup_syncs_failing", "Cal.com and EmailBison accounts whose last sync failed.", syncs.failing)
    yield _gauge(
        "showup_bookings_missing", "Bookings that differed from Cal.com's after the last comparison.", syncs.missing
    )


def _processing_metrics(totals: dict[tuple[str, str], float]) -> Iterator[Metric]:
    processed = {label: amount for (name, label), amount in totals.items() if name == "processed"}
    family = CounterMetricFamily("showup_events_processed", "Processed inbox events, by outcome.", labels=["state"])
    for state, amount in processed.items():
        family.add_metric([state], amount)
    yield family
    failures, successes = totals.get(("failed", ""), 0.0), sum(processed.values())
    attempts = failures + successes
    yield CounterMetricFamily("showup_applications_failed", "Failed attempts to apply an inbox event.", failures)
    share = successes / attempts if attempts else 1.0
    yield _gauge(
        "showup_applications_success_ratio", "Share of attempts to apply an inbox event that succeeded.", share
    )
    yield _batch_histogram(totals)


def _batch_histogram(totals: dict[tuple[str, str], float]) -> HistogramMetricFamily:
    observations = {label: amount for (name, label), amount in totals.items() if name == "batch_seconds"}
    cumulative, buckets = 0.0, []
    for label in sorted(observations, key=float):
        cumulative += observations[label]
        buckets.append((label, cumulative))
    if not buckets or buckets[-1][0] != "+Inf":
        buckets.append(("+Inf", cumulative))
    return HistogramMetricFamily(
        "showup_batch_seconds",
        "Time to process a batch of inbox events.",
        buckets=buckets,
        sum_value=totals.get(("batch_seconds_sum", ""), 0.0),
    )


def _gauge(name: str, documentation: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, documentation, value)
