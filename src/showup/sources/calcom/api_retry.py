"""When Cal.com is asked again: what its headers say, and how long to wait where they say nothing."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from showup.destinations.retry_after import not_before

TRIES: Final = 4
"""How often one call is made before it counts as unanswered."""

LONGEST_WAIT: Final = timedelta(minutes=2)
"""Who has to wait for longer is told so instead."""

_BLOCKED = timedelta(minutes=1)
_REMAINING, _RESET = "x-ratelimit-remaining", "x-ratelimit-reset"


def backoff(tried: int, chance: float) -> float:
    """Seconds to wait after `tried` vain tries: about 1, 2, 4 …; `chance` (0 to 1) takes up to half of it away."""
    return float(2 ** (tried - 1)) * (1 - chance / 2)


def used_up_until(headers: Mapping[str, str], now: datetime) -> datetime | None:
    """When the last of the limits that are used up lets calls through again; None while there is room in all.

    Each limit has headers of its own, which end in its name (`X-RateLimit-Remaining-Default`). `headers` by lower-case
    names.
    """
    full = [name.removeprefix(_REMAINING) for name, left in headers.items() if _is_used_up(name, left)]
    resets = (not_before({_RESET: headers.get(_RESET + limit, "")}, now) for limit in full)
    return max((moment for moment in resets if moment is not None), default=None)


def limited_until(headers: Mapping[str, str], now: datetime) -> datetime:
    """The moment before which a call would be refused again, after 429."""
    return not_before(headers, now) or used_up_until(headers, now) or now + _BLOCKED


def _is_used_up(name: str, left: str) -> bool:
    return name.startswith(_REMAINING) and left.strip() == "0"
