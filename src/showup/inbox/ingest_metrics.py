"""Metrics of the webhook endpoint: counted once per group under load, and never by account or sender.

Several web processes on one address (`showup serve --web-processes`) count into shared files, as prometheus_client
provides: each of them can answer for all.
"""

import os
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

MULTIPROCESS_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable that names prometheus_client's shared folder; it must be set before the first import."""

_SECONDS_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_SIZE_BUCKETS: Final = (1, 2, 5, 10, 20, 50, 100, 200)


class IngestMetrics:
    """The endpoint's counters. An event that was committed too late to be confirmed counts as stored and as refused."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        stored = Counter("showup_webhooks_stored", "Webhooks that were committed.", ["copy"], registry=registry)
        self._accepted, self._duplicates = stored.labels("first"), stored.labels("duplicate")
        self._refused = Counter(
            "showup_webhooks_refused",
            "Webhooks that were not answered with 2xx, by reason.",
            ["reason"],
            registry=registry,
        )
        self._commit_seconds = Histogram(
            "showup_webhook_commit_seconds",
            "Seconds until a group of webhooks was durable.",
            registry=registry,
            buckets=_SECONDS_BUCKETS,
        )
        self._group_size = Histogram(
            "showup_webhook_group_size",
            "Webhooks committed in one transaction.",
            registry=registry,
            buckets=_SIZE_BUCKETS,
        )
        self._pending = Gauge(
            "showup_webhooks_pending",
            "Webhooks that wait for their group to be committed.",
            registry=registry,
            multiprocess_mode="livesum",
        )

    def record_stored(self, accepted: int, duplicates: int, seconds: float, pending: int) -> None:
        """Counts a committed group: its new bodies, its known bodies, and the seconds it took."""
        self._accepted.inc(accepted)
        self._duplicates.inc(duplicates)
        self._commit_seconds.observe(seconds)
        self._group_size.observe(accepted + duplicates)
        self._pending.set(pending)

    def record_refused(self, reason: str) -> None:
        """Counts a refused webhook; `reason` is one of the web's problem types, so there are few values."""
        self._refused.labels(reason).inc()

    def registry(self) -> CollectorRegistry:
        """Returns the registry to read: this process's counters, or those of all processes that share files."""
        folder = os.environ.get(MULTIPROCESS_VARIABLE)
        if folder is None:
            return self._registry
        _drop_dead_processes(Path(folder))
        shared = CollectorRegistry()
        MultiProcessCollector(shared, folder)  # type: ignore[no-untyped-call]  # prometheus_client leaves it untyped
        return shared


def is_shared() -> bool:
    """Returns whether several processes count together, so that the numbers of one alone would mislead."""
    return MULTIPROCESS_VARIABLE in os.environ


def _drop_dead_processes(folder: Path) -> None:
    """Removes a killed process's waiting webhooks from the metrics; its counters remain."""
    for file in folder.glob("gauge_live*_*.db"):
        pid = int(file.stem.rpartition("_")[2])
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]  # as above
