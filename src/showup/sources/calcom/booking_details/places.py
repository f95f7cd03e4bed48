"""The places where each field of a booking is looked for, in order: the first with a valid value counts.

A place is a path of keys, such as `organizer.email`; a number selects an item of a list. All dialects share one list,
because relays mix them: webhooks, rows of MEETING_*, bodies that n8n or Zapier flattened, and bookings of the API.
docs/CALCOM.md shows the same table, and a test compares the two.
"""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeVar

from showup.sources.calcom.payload import Json

Value = TypeVar("Value")

PLACES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "uid": ("uid", "bookingUid"),
        "calcom_booking_id": ("bookingId", "id"),
        "status": ("status",),
        "title": ("title",),
        "start_time": ("startTime", "start"),
        "end_time": ("endTime", "end"),
        "organizer_email": ("organizer.email", "user.email", "userPrimaryEmail", "hosts.0.email"),
        "organizer_name": ("organizer.name", "user.name", "hosts.0.name"),
        "organizer_time_zone": ("organizer.timeZone", "user.timeZone", "hosts.0.timeZone"),
        "organizer_username": ("organizer.username", "user.username", "hosts.0.username"),
        "event_type": ("type", "eventType.slug"),
        "event_type_title": ("eventTypeTitle", "eventTitle", "eventType.title"),
        "calcom_event_type_id": ("eventTypeId", "eventType.id"),
        "team_id": ("team.id",),
        "meeting_url": ("metadata.videoCallUrl", "videoCallData.url", "location", "meetingUrl"),
        "ical_uid": ("iCalUID", "icsUid"),
        "ical_sequence": ("iCalSequence",),
        "booker_url": ("bookerUrl",),
        "organizer_email_hidden": ("hideOrganizerEmail", "eventType.hideOrganizerEmail"),
        "reply_to": ("customReplyToEmail", "eventType.customReplyToEmail"),
        "rescheduling_disabled": ("disableRescheduling", "eventType.disableRescheduling"),
        "cancelling_disabled": ("disableCancelling", "eventType.disableCancelling"),
        "platform_reschedule_url": ("platformRescheduleUrl",),
        "platform_cancel_url": ("platformCancelUrl",),
        "platform_booking_url": ("platformBookingUrl",),
        "price": ("price", "eventType.price"),
        "currency": ("currency", "eventType.currency"),
    }
)


def values_at(fields: Json, places: tuple[str, ...]) -> Iterator[Any]:
    """Yields the values at these places, in order; None where a place does not exist."""
    for place in places:
        value: Any = fields
        for step in place.split("."):
            if isinstance(value, list):
                value = value[int(step)] if step.isdecimal() and int(step) < len(value) else None
            else:
                value = value.get(step) if isinstance(value, dict) else None
        yield value


def look_up(fields: Json, field: str, read: Callable[[Any], Value | None]) -> Value | None:
    """Returns the first value that `read` accepts among the field's places."""
    readable = (read(value) for value in values_at(fields, PLACES[field]))
    return next((value for value in readable if value is not None), None)
