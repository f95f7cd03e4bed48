"""Limit how often a workspace's connections are tested: each test calls another system."""

from datetime import datetime, timedelta
from math import ceil
from typing import Final
from uuid import UUID

from showup.clock import Clock

TEST_INTERVAL: Final = timedelta(seconds=5)


class TestThrottle:
    """Remembers each workspace's last test, in this process. A test may take longer than the interval."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tested_at: dict[UUID, datetime] = {}

    def retry_after(self, workspace_id: UUID) -> int | None:
        """Return the seconds to wait before the next test; None, and remember this test, if it may begin now."""
        now = self._clock()
        self._tested_at = {key: at for key, at in self._tested_at.items() if now - at < TEST_INTERVAL}
        if (tested_at := self._tested_at.get(workspace_id)) is not None:
            return ceil((tested_at + TEST_INTERVAL - now).total_seconds())
        self._tested_at[workspace_id] = now
        return None
