"""The bases of events that people cause. The log stores such an event as JSON; `type` names its kind."""

import re
from typing import Final
from uuid import UUID

from msgspec import Struct

from showup.events.details import BookingDetails, BookingEvent
from showup.events.stream import Stream

ATTENDEE: Final = "attendee"
"""The actor of what attendees say themselves."""

_NO_DETAILS = BookingDetails()


def _type_name(class_name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", class_name).lower()


class ManualEvent(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag=_type_name):
    """The base of all events that people cause.

    They name things by keys that survive any order of arrival and any rebuild, never by a row's id: a booking by one of
    its names, a deal by the booking that opened it or by `deal:EVENT`, a person by email, a company by
    `domain:acme.com`, or by `company:EVENT` if a person created it without a domain.
    """

    def stream(self, event_id: UUID) -> Stream:
        """Return the stream of this event, whose id is `event_id`."""
        raise NotImplementedError

    @property
    def other_names(self) -> tuple[str, ...]:
        """Return the names of other streams that the event must be found with."""
        return ()


class ManualBookingEvent(BookingEvent, ManualEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The base of manual events in a booking's history. `subject` names the booking; they carry no other details."""

    subject: str
    booking: BookingDetails = _NO_DETAILS

    def stream(self, event_id: UUID) -> Stream:  # noqa: ARG002  # it belongs to the booking's history
        """Return the booking's stream."""
        return Stream("booking", self.subject)
