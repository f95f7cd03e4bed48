"""The condition on the organizer of meetings, as each plan needs it."""

from typing import Final

_OF_ONE: Final = "b.organizer_email = $4"
_OF_ALL: Final = "$4::text IS NULL"


def whose(organizer: str | None) -> str:
    """Return the condition on rows `b` of bookings that parameter 4 is their organizer; None: everybody's.

    A condition `$4 IS NULL OR …` would do for both, but its plan for any value reads everybody's meetings to find
    those of one.
    """
    return _OF_ALL if organizer is None else _OF_ONE
