"""Log what strangers can repeat: the first lines of each minute, then only their number."""

from datetime import datetime, timedelta
from typing import Final

import structlog

LINES_PER_MINUTE: Final = 10
_MINUTE: Final = timedelta(minutes=1)

_log = structlog.get_logger()


class LimitedLog:
    """Warnings of one event. The number of omitted lines follows with the first event after their minute."""

    def __init__(self, event: str) -> None:
        self._event = event
        self._began_at: datetime | None = None
        self._count = 0

    def warn(self, at: datetime, **values: object) -> None:
        """Log one event with its values, or count it."""
        if self._began_at is None or not timedelta(0) <= at - self._began_at < _MINUTE:
            if self._count > LINES_PER_MINUTE:
                _log.warning(self._event, omitted_lines=self._count - LINES_PER_MINUTE, since=str(self._began_at))
            self._began_at, self._count = at, 0
        self._count += 1
        if self._count <= LINES_PER_MINUTE:
            _log.warning(self._event, **values)
