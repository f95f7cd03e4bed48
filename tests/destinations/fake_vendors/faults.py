"""What goes wrong at a far side: by seeded chance, or one after the other as a test says."""

import random
import threading
from collections import deque


class Faults:
    """Which fault the next request meets, if any: first those that are `next`, then each by its share.

    The kinds are the far side's own. As text: `500=0.1,reset=0.05`.
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
        """These are met by the next requests, in this order; None is a request that meets none."""
        with self._lock:
            self._next.extend(kinds)

    @property
    def has_queued(self) -> bool:
        """Whether queued faults are left."""
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
