"""The rate limit of a fake vendor."""

import threading
from collections import deque
from datetime import datetime, timedelta

from showup.clock import Clock

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


class SlidingLimit:
    """`calls` in any period of the length `per`, None for no limit; refused calls don't count.

    `refused` counts the calls above the limit, and `most` is the maximum in one period.
    """

    def __init__(self, calls: int | None, per: timedelta, clock: Clock) -> None:
        self.calls, self.per = calls, per
        self.refused = self.most = 0
        self._clock = clock
        self._recent: deque[datetime] = deque()
        self._lock = threading.Lock()

    def admit(self) -> bool:
        """Counts one more call, if the limit allows it."""
        with self._lock:
            now = self._clock()
            while self._recent and now - self._recent[0] >= self.per:
                self._recent.popleft()
            if self.calls is not None and len(self._recent) >= self.calls:
                self.refused += 1
                return False
            self._recent.append(now)
            self.most = max(self.most, len(self._recent))
            return True

    @property
    def resets_at(self) -> datetime:
        """Returns when the oldest call of the period no longer counts."""
        with self._lock:
            return (self._recent[0] if self._recent else self._clock()) + self.per
