"""Cal.com's rate limit, which counts from the first request and then blocks for a minute."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

MINUTE = timedelta(seconds=60)


class CalcomLimit:
    """`per_minute` requests in a minute, None for no limit; refused requests count too."""

    def __init__(self, clock: Callable[[], datetime], per_minute: int | None) -> None:
        self.per_minute = per_minute
        self._clock = clock
        self._lock = threading.Lock()
        self._request_times: list[datetime] = []
        self._opened_at: datetime | None = None
        self._count = 0
        self._blocked_until: datetime | None = None

    def admit(self) -> bool:
        """Counts one more request; returns whether it is allowed."""
        with self._lock:
            now = self._clock()
            self._request_times.append(now)
            if self._opened_at is None or now - self._opened_at >= MINUTE:
                self._opened_at, self._count = now, 0
            self._count += 1
            if self.per_minute is None:
                return True
            if self._count > self.per_minute and not self._is_blocked(now):
                self._blocked_until = now + MINUTE
            return not self._is_blocked(now)

    def headers(self) -> dict[str, str]:
        """Returns the headers of a response about the limit."""
        with self._lock:
            now = self._clock()
            if self.per_minute is None or self._opened_at is None:
                return {}
            is_blocked = self._is_blocked(now)
            until = self._blocked_until if is_blocked and self._blocked_until else self._opened_at + MINUTE
            seconds = str(max(1, -(-(until - now) // timedelta(seconds=1))))
            return {
                "X-RateLimit-Limit-Default": str(self.per_minute),
                "X-RateLimit-Remaining-Default": str(0 if is_blocked else self.per_minute - self._count),
                "X-RateLimit-Reset-Default": seconds,
                **({"Retry-After": seconds} if is_blocked else {}),
            }

    def worst_minute(self) -> int:
        """Returns the most requests in any sixty seconds."""
        with self._lock:
            times = sorted(self._request_times)
        worst = first = 0
        for last, at in enumerate(times):
            while at - times[first] >= MINUTE:
                first += 1
            worst = max(worst, last - first + 1)
        return worst

    def _is_blocked(self, now: datetime) -> bool:
        return self._blocked_until is not None and now < self._blocked_until
