"""The system's clock."""

from datetime import UTC, datetime, timedelta

from showup.clock import system_clock


def test_it_tells_an_aware_time_in_utc() -> None:
    before = datetime.now(UTC)
    now = system_clock()
    assert now.utcoffset() == timedelta(0)
    assert before <= now <= datetime.now(UTC)
