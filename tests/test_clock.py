"""The system clock."""

from datetime import UTC, datetime, timedelta

from showup.clock import system_clock


def test_system_clock_is_aware_and_in_utc() -> None:
    before = datetime.now(UTC)
    now = system_clock()
    assert now.utcoffset() == timedelta(0)
    assert before <= now <= datetime.now(UTC)
