"""The result of a test that runs by its name."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.torture.load_sender import Sent


@dataclass(frozen=True, slots=True)
class Report:
    """`verdict` is what is shown when there is no fault; each fault is one sentence."""

    summary: str
    verdict: str
    faults: Sequence[str]


def describe_load(sent: Sent, per_second: float) -> str:
    """Returns how many webhooks were answered 2xx, and how long their senders waited."""
    waits = sorted(sent.waits)
    times = ", ".join(
        f"{name} {1000 * waits[min(len(waits) - 1, int(len(waits) * part))]:.0f} ms" for name, part in _PARTS
    )
    resent = ", ".join(f"{count} × {reason}" for reason, count in sorted(sent.retried.items())) or "none"
    return f"{len(sent.promises):,} × 2xx at {per_second:.0f}/s ({times}); sent again: {resent}"


_PARTS = (("median", 0.5), ("99 %", 0.99), ("slowest", 1.0))
