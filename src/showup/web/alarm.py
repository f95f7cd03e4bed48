"""Bad signatures: each is noted with where it came from, and many of them in a row are an alarm (IN2)."""

from collections import defaultdict, deque
from datetime import datetime, timedelta
from typing import Final

import structlog

MANY: Final = 10
WITHIN: Final = timedelta(minutes=5)
_MOST_ACCOUNTS: Final = 1_000

_log = structlog.get_logger()


class SignatureAlarm:
    """Counts bad signatures by account; says so once when they become many, and again after they had ceased."""

    def __init__(self) -> None:
        self._recent: dict[str, deque[datetime]] = defaultdict(lambda: deque(maxlen=MANY))
        self._rung: set[str] = set()

    def note(self, account: str, source_address: str | None, at: datetime) -> bool:
        """Notes one, without its body; True when it made the alarm ring."""
        _log.warning("bad webhook signature", account=account, source_address=source_address)
        if account not in self._recent and len(self._recent) >= _MOST_ACCOUNTS:
            self._recent.clear()
            self._rung.clear()
        recent = self._recent[account]
        recent.append(at)
        if len(recent) < MANY or at - recent[0] > WITHIN:
            self._rung.discard(account)
            return False
        if account in self._rung:
            return False
        self._rung.add(account)
        _log.error(
            "many bad webhook signatures: somebody tries, or the other side signs with another secret",
            account=account,
            count=MANY,
            within_seconds=round(WITHIN.total_seconds()),
            what_to_do="compare the secret there with `showup accounts list` or `connections list`, or rotate it",
        )
        return True
