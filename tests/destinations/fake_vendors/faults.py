"""The faults of a fake vendor: at random with a seed, or in an order that a test sets."""

import random
import threading
from collections import deque


class Faults:
    """Chooses the fault of the next request, if any: first the queued faults, then each by its share.

    Each fake vendor has its own kinds. As text: `500=0.1,reset=0.05`.
    """

    def __init__(self, shares: dict[str, float] | None = None, *, seed: int = 0) -> None:
        self.shares = dict(shares or {})
        self._random = random.Random(seed)  # noqa: S311 - chance that can be repeated
        self._next: deque[str | None] = deque()
        self._lock = threading.Lock()

    @classmethod
    def parse(cls, text: str, *, seed: int = 0) -> "Faults":
        pairs = (pair.split("=") for pair in text.split(",") if pair)
        return cls({kind.strip(): float(share) for kind, share in pairs}, seed=seed)

    def queue(self, *kinds: str | None) -> None:
        """Queues faults for the next requests, in this order; None is a request without a fault."""
        with self._lock:
            self._next.extend(kinds)

    @property
    def has_queued(self) -> bool:
        """Returns whether queued faults are left."""
        with self._lock:
            return any(self._next)

    def draw(self) -> str | None:
        with self._lock:
            if self._next:
                return self._next.popleft()
            left = self._random.random()
            for kind, share in self.shares.items():
                left -= share
                if left < 0:
                    return kind
            return None
