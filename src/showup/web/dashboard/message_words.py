"""How pages name messages and what other systems are told. Pure."""

from datetime import timedelta
from typing import Final

from showup.web.dashboard.decisions import destination_name
from showup.web.dashboard.words import sentence

MAIL: Final = ("email", "mail_preview")
_MESSAGES: Final = {
    "confirmation": "Booking confirmed",
    "series": "Series confirmed",
    "rescheduled": "New time",
    "cancelled": "Cancellation",
    "reschedule_request": "Request for another time",
    "new_place": "New place",
    "new_host": "New host",
    "calendar_cleanup": "Old calendar entry removed",
    "reminder": "Reminder",
    "no_show": "Offer of another time",
    "outcome": "How did it go?",
}
_ANNOUNCED: Final = {
    "booking.created": "new booking",
    "booking.requested": "requested booking",
    "booking.rejected": "declined booking",
    "booking.rescheduled": "new time",
    "booking.cancelled": "cancellation",
    "booking.reassigned": "new host",
    "booking.location_changed": "new place",
    "booking.confirmed": "the attendee's yes",
    "booking.showed": "showed",
    "booking.no_show": "no-show",
    "booking.host_absent": "host absent",
    "proposal.requested": "proposal",
    "reminder": "reminder sent",
    "deal.created": "new deal",
    "deal.stage_changed": "new stage",
    "deal.won": "won",
    "deal.lost": "lost",
    "deal.cancelled": "deal cancelled",
    "deal.reopened": "deal reopened",
    "deal.reassigned": "new owner",
    "deal.changed": "new amount",
}
_ICONS: Final = {
    "reminder": "bell",
    "rescheduled": "moved",
    "no_show": "mail",
    "clickup": "tasks",
    "notion": "note",
    "slack": "hash",
    "twilio": "phone",
    "emailbison": "send",
}


def message_icon(kind: str, destination: str) -> str:
    """Return the icon of a message, or of the system that is told."""
    if destination in MAIL or destination == "twilio":
        return _ICONS.get(kind, "mail")
    return _ICONS.get(destination, "plug")


def message_name(kind: str, destination: str) -> tuple[str, str]:
    """Return a message's name and a detail: `Reminder`, or the system that is told and what it is told."""
    if destination in MAIL:
        return _MESSAGES.get(kind, sentence(kind.replace("_", " "))), ""
    if destination == "twilio" and kind in _MESSAGES:
        return _MESSAGES[kind], "by text message"
    return destination_name(destination), _ANNOUNCED.get(kind, kind.replace("_", " ").replace(".", " "))


def lead_words(seconds: int) -> str:
    """Return how long before the meeting a reminder is due: `24 h`, `30 min`."""
    length = timedelta(seconds=seconds)
    hours, rest = divmod(length, timedelta(hours=1))
    minutes = rest // timedelta(minutes=1)
    if not hours:
        return f"{minutes} min"
    return f"{hours} h" if not minutes else f"{hours} h {minutes} min"


def names_of(names: list[str], most: int = 3) -> str:
    """Return names as a list in a sentence: `Ann and Bo`; of many, the first ones and how many more."""
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
