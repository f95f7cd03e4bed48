"""The faults of a fake vendor: at random with a seed, or in an order that a test sets.

All fake vendors have the same kinds: a status such as `500`, in the vendor's own words; `reset` (the connection is
reset), `hang` (no response until `release`), `html` (200 and a web page) and `garbled` (200 and invalid gzip), all four
without effect; and `lost` (the request has its effect, then the connection is reset). Some add kinds of their own.
"""

import json
import random
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class VendorResponse:
    """`body` is a JSON value, or bytes that are sent as they are."""

    status: int
    body: Any = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


# A kind of fault, or the whole response that a test scripted.
Fault: TypeAlias = str | VendorResponse


class Faults:
    """Chooses the fault of the next request, if any: first the queued faults, then each kind by its share.

    As text, the shares are `500=0.1,reset=0.05`.
    """

    def __init__(self, shares: Mapping[str, float] | None = None, *, seed: int = 0) -> None:
        self.shares = dict(shares or {})
        self._random = random.Random(seed)  # noqa: S311 - chance that can be repeated
        self._next: deque[Fault | None] = deque()
        self._lock = threading.Lock()

    @classmethod
    def parse(cls, text: str, *, seed: int = 0) -> "Faults":
        pairs = (pair.split("=") for pair in text.split(",") if pair)
        return cls({kind.strip(): float(share) for kind, share in pairs}, seed=seed)

    def queue(self, *faults: Fault | None) -> None:
        """Queues faults for the next requests, in this order; None is a request without a fault."""
        with self._lock:
            self._next.extend(faults)

    @property
    def has_queued(self) -> bool:
        """Returns whether queued faults are left."""
        with self._lock:
            return any(one is not None for one in self._next)

    def clear(self) -> None:
        """Drops the queued faults that no call has met."""
        with self._lock:
            self._next.clear()

    def draw(self) -> Fault | None:
        with self._lock:
            if self._next:
                return self._next.popleft()
            left = self._random.random()
            for kind, share in self.shares.items():
                left -= share
                if left < 0:
                    return kind
            return None
