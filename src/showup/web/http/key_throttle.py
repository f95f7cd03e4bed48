"""Throttle wrong API keys by the address that sends them, and log them.

Each address may send some wrong keys at once, and then one in each interval (a token bucket). While it may not, its
other keys are not looked up, so neither guesses nor the database's time are free. A key that worked from the same
address before keeps working: behind one proxy, a stranger must not lock others out.
"""

from collections.abc import Hashable
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address
from math import ceil
from typing import Final, TypeVar

from showup.access.keys import digest
from showup.clock import Clock
from showup.web.client_network import client_network
from showup.web.limited_log import LimitedLog

WRONG_KEYS_AT_ONCE: Final = 30
WRONG_KEY_INTERVAL: Final = timedelta(seconds=2)
_REMEMBERED_FOR: Final = timedelta(hours=1)
_MAX_ENTRIES: Final = 10_000
KeyT = TypeVar("KeyT", bound=Hashable)


class KeyThrottle:
    """Counts the wrong keys of each address, in this process; a token in a link is a key too."""

    def __init__(
        self,
        clock: Clock,
        *,
        log_event: str = "wrong API key",
        at_once: int = WRONG_KEYS_AT_ONCE,
        interval: timedelta = WRONG_KEY_INTERVAL,
    ) -> None:
        self._clock = clock
        self._at_once = at_once
        self._interval = interval
        # When each address will have used none of its wrong keys.
        self._unused_at: dict[str, datetime] = {}
        self._worked_at: dict[tuple[str, bytes], datetime] = {}
        self._log = LimitedLog(log_event)

    def retry_after(self, source_address: str | None, key: str) -> int | None:
        """Return the seconds to wait before this key may be tried; None if it may be tried now."""
        network, now = _network_of(source_address), self._clock()
        excess = self._unused_at.get(network, now) - now - self._interval * (self._at_once - 1)
        if excess <= timedelta(0):
            return None
        worked_at = self._worked_at.get((network, digest(key)))
        if worked_at is not None and now - worked_at < _REMEMBERED_FOR:
            return None
        self._log.warn(now, source_address=source_address, is_throttled=True)
        return ceil(excess.total_seconds())

    def record(self, source_address: str | None, key: str, *, is_valid: bool) -> None:
        """Record the result of a key that was tried."""
        network, now = _network_of(source_address), self._clock()
        if is_valid:
            _put(self._worked_at, (network, digest(key)), now)
            return
        self._log.warn(now, source_address=source_address, is_throttled=False)
        _put(self._unused_at, network, max(self._unused_at.get(network, now), now) + self._interval)


def _put(entries: dict[KeyT, datetime], key: KeyT, at: datetime) -> None:
    """Put an entry last; if there are too many, the one that was put first goes."""
    entries.pop(key, None)
    entries[key] = at
    if len(entries) > _MAX_ENTRIES:
        del entries[next(iter(entries))]


def _network_of(source_address: str | None) -> str:
    try:
        address = ip_address(source_address or "")
    except ValueError:
        return source_address or ""
    if not isinstance(address, IPv6Address):
        return str(address)
    return str(address.ipv4_mapped or client_network(address))
