"""What time it is, as an argument: a test or a replay hands its own `Clock` to whoever needs the time."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

Clock: TypeAlias = Callable[[], datetime]
"""Called with nothing, answers the present moment as an aware datetime in UTC."""


def system_clock() -> datetime:
    """This machine's time: aware, in UTC, with microseconds."""
    return datetime.now(UTC)
