"""Writes the letter of each kind of mail."""

from collections.abc import Callable, Mapping
from typing import Final

from showup.destinations.contract import CannotRender
from showup.destinations.email.letters.changes import (
    calendar_cleanup,
    cancelled,
    new_host,
    new_place,
    reschedule_request,
    rescheduled,
)
from showup.destinations.email.letters.confirmation import confirmation
from showup.destinations.email.letters.facts import Facts
from showup.destinations.email.letters.parts import Letter
from showup.destinations.email.letters.reminders import no_show, reminder
from showup.destinations.email.letters.series import series

_WRITERS: Final[Mapping[str, Callable[[Facts], Letter]]] = {
    "confirmation": confirmation,
    "series": series,
    "rescheduled": rescheduled,
    "cancelled": cancelled,
    "reschedule_request": reschedule_request,
    "new_host": new_host,
    "new_place": new_place,
    "calendar_cleanup": calendar_cleanup,
    "reminder": reminder,
    "no_show": no_show,
}
KINDS: Final = tuple(_WRITERS)
"""The kinds of mail to attendees."""


def letter_of(kind: str, facts: Facts) -> Letter:
    """Returns the letter. Raises CannotRender, and NothingToSend where it would say nothing."""
    if kind not in _WRITERS:
        raise CannotRender(f"there is no mail of the kind {kind}")
    return _WRITERS[kind](facts)
