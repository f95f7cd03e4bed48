"""Count bad signatures with their source addresses, and detect repeated ones (IN2)."""

from collections import defaultdict, deque
from datetime import datetime, timedelta
from typing import Final

import structlog

from showup.web.limited_log import LimitedLog

ALERT_THRESHOLD: Final = 10
ALERT_WINDOW: Final = timedelta(minutes=5)
_MAX_ACCOUNTS: Final = 1_000
_MAX_NAME_LENGTH: Final = 63

_log = structlog.get_logger()


class BadSignatureCounter:
    """Counts bad signatures by account.

    Reports once when there are many, and again only after they had stopped.
    """

    def __init__(self) -> None:
        self._recent: dict[str, deque[datetime]] = defaultdict(lambda: deque(maxlen=ALERT_THRESHOLD))
        self._alerted: set[str] = set()
        self._bad_log = LimitedLog("bad webhook signature")
        self._missing_log = LimitedLog("webhook without a signature")
        self._unknown_log = LimitedLog("webhook for an unknown account")

    def record_unknown(self, name: str, source_address: str | None, at: datetime) -> None:
        """Record a webhook for a name that nobody has; strangers choose the names, so nothing is counted by name."""
        self._unknown_log.warn(at, account=name[:_MAX_NAME_LENGTH], source_address=source_address)

    def record(self, account: str, source_address: str | None, at: datetime, *, is_missing: bool = False) -> bool:
        """Record one bad or missing signature, without the body. Returns True if an alert is due."""
        limited = self._missing_log if is_missing else self._bad_log
        limited.warn(at, account=account, source_address=source_address)
        if account not in self._recent and len(self._recent) >= _MAX_ACCOUNTS:
            self._recent.clear()
            self._alerted.clear()
        recent = self._recent[account]
        recent.append(at)
        if len(recent) < ALERT_THRESHOLD or at - recent[0] > ALERT_WINDOW:
            self._alerted.discard(account)
            return False
        if account in self._alerted:
            return False
        self._alerted.add(account)
        _log.error(
            "many bad webhook signatures",
            account=account,
            count=ALERT_THRESHOLD,
            within_seconds=round(ALERT_WINDOW.total_seconds()),
            what_to_do=(
                "run `showup doctor`: it shows how many were refused, and from which addresses. If they come from the "
                "right sender, both sides have different secrets: set a new one with `showup accounts rotate-secret` "
                "or `showup connections set`, and enter it at the sender"
            ),
        )
        return True
