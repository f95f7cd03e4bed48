"""Decides when to retry a call of Cal.com's API: from the response's headers, or else by exponential backoff."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from showup.destinations.retry_after import not_before

MAX_ATTEMPTS: Final = 4
"""The number of attempts before a call fails."""

MAX_WAIT: Final = timedelta(minutes=2)
"""The longest wait within a call; a call that would wait longer fails at once."""

_DEFAULT_BLOCK = timedelta(minutes=1)
_REMAINING, _RESET = "x-ratelimit-remaining", "x-ratelimit-reset"


def backoff(attempts: int, jitter: float) -> float:
    """Returns the seconds to wait after failed attempts: about 1, 2, 4 …; `jitter` (0 to 1) removes up to half."""
    return float(2 ** (attempts - 1)) * (1 - jitter / 2)


def exhausted_until(headers: Mapping[str, str], now: datetime) -> datetime | None:
    """Returns when the last exhausted limit resets; None while no limit is exhausted.

    Each limit has its own headers, which end in its name (`X-RateLimit-Remaining-Default`). `headers` has lower-case
    names.
    """
    exhausted = [name.removeprefix(_REMAINING) for name, remaining in headers.items() if _is_exhausted(name, remaining)]
    resets = (not_before({_RESET: headers.get(_RESET + limit, "")}, now) for limit in exhausted)
    return max((moment for moment in resets if moment is not None), default=None)


def rate_limited_until(headers: Mapping[str, str], now: datetime) -> datetime:
    """Returns the time before which another call would be refused, after a 429 response."""
    return not_before(headers, now) or exhausted_until(headers, now) or now + _DEFAULT_BLOCK


def _is_exhausted(name: str, remaining: str) -> bool:
    return name.startswith(_REMAINING) and remaining.strip() == "0"
