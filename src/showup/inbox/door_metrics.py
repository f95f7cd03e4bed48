"""What the door did, in numbers: counted once a group where it is busy, and never by account or sender.

Several web processes on one address (`showup serve --web-processes`) count into files that they share, by
prometheus_client's own means: whichever of them is asked answers for all.
"""

import os
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

SHARED_IN: Final = "PROMETHEUS_MULTIPROC_DIR"
"""The variable by which prometheus_client is told of the shared folder; it has to be set before its first import."""

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_SIZES: Final = (1, 2, 5, 10, 20, 50, 100, 200)


class DoorMetrics:
    """The door's counters. What was committed too late to be answered is among the kept and among the refused."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        kept = Counter("showup_webhooks_kept", "Webhooks that were committed.", ["copy"], registry=registry)
        self._first, self._duplicate = kept.labels("first"), kept.labels("duplicate")
        self._refused = Counter(
            "showup_webhooks_refused",
            "Webhooks that were not answered with 2xx, by reason.",
            ["reason"],
            registry=registry,
        )
        self._commit = Histogram(
            "showup_webhook_commit_seconds",
            "Time a group took until it was durable.",
            registry=registry,
            buckets=_SECONDS,
        )
        self._group = Histogram(
            "showup_webhook_group_size", "Webhooks committed in one transaction.", registry=registry, buckets=_SIZES
        )
        self._waiting = Gauge(
            "showup_webhooks_waiting",
            "Webhooks that wait for their group to be written.",
            registry=registry,
            multiprocess_mode="livesum",
        )

    def kept(self, first: int, duplicates: int, seconds: float, still_waiting: int) -> None:
        """A group was committed: so many new bodies, so many known ones, in so long."""
        self._first.inc(first)
        self._duplicate.inc(duplicates)
        self._commit.observe(seconds)
        self._group.observe(first + duplicates)
        self._waiting.set(still_waiting)

    def refused(self, reason: str) -> None:
        """A webhook was refused; `reason` is one of the web's problems, so that there are few of them."""
        self._refused.labels(reason).inc()

    def registry(self) -> CollectorRegistry:
        """What to ask: this process's counters, or those of all that share them."""
        folder = os.environ.get(SHARED_IN)
        if folder is None:
            return self._registry
        _forget_the_dead(Path(folder))
        shared = CollectorRegistry()
        MultiProcessCollector(shared, folder)  # type: ignore[no-untyped-call]  # prometheus_client leaves it untyped
        return shared


def is_shared() -> bool:
    """Whether several processes count together, so that what only one of them knows would mislead."""
    return SHARED_IN in os.environ


def _forget_the_dead(folder: Path) -> None:
    """What a process that was killed had waiting does not wait any more; what it had counted stays counted."""
    for file in folder.glob("gauge_live*_*.db"):
        process = int(file.stem.rpartition("_")[2])
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            mark_process_dead(process, str(folder))  # type: ignore[no-untyped-call]  # as above
