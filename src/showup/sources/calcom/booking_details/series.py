"""Reads which series a booking belongs to: all dates of a recurring booking, made at once."""

from showup.sources.calcom.booking_details.places import look_up
from showup.sources.calcom.payload import Json, identifier, integer, mapping


def read_series(fields: Json, booker: str | None) -> str | None:
    """Returns a name that all dates of the series share; None for a single booking.

    Cal.com's id is in MEETING_* rows and in the API only. The other bodies have the rule of the recurrence: the dates
    that one person booked by one rule for one event type are one series.
    """
    if rule := mapping(fields.get("recurringEvent")) or mapping(fields.get("existingRecurringEvent")):
        parts = [integer(rule.get(name)) for name in ("freq", "interval", "count")]
        event_type = identifier(fields.get("eventTypeId"))
        return ":".join(["recurring", event_type or "-", *(str(one) for one in parts), booker or "-"])
    return look_up(fields, "series_uid", identifier)
