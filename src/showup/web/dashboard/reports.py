"""The answers to how a meeting went, as forms send them and as pages say them."""

from typing import Final

from showup.bookings.booking import MeetingOutcome

OUTCOMES: Final[dict[str, MeetingOutcome]] = {
    "showed": "showed",
    "no_show": "no_show",
    "host_absent": "host_absent",
    "rescheduled": "rescheduled",
}
REPORTED: Final[dict[MeetingOutcome, str]] = {
    "showed": "showed",
    "no_show": "no-show",
    "host_absent": "host absent",
    "rescheduled": "another time is coming",
}
OTHERS: Final[dict[MeetingOutcome, tuple[MeetingOutcome, str]]] = {
    "showed": ("no_show", "No, a no-show"),
    "no_show": ("showed", "No, they showed"),
}
"""The answer that corrects another one with one tap."""
