"""Reads which series a booking belongs to: all dates of a recurring booking, made at once."""

from showup.sources.calcom.payload import Json, identifier, mapping


def read_series(fields: Json, booker: str | None) -> str | None:
    """Returns a name that all dates of the series share; None for a single booking.

    Only MEETING_* rows and the API have Cal.com's id of the series; the other bodies have the rule of the recurrence.
    So the name is what all of them say: the event type and the booker.
    """
    rule = mapping(fields.get("recurringEvent")) or mapping(fields.get("existingRecurringEvent"))
    uid = identifier(fields.get("recurringEventId")) or identifier(fields.get("recurringBookingUid"))
    if not rule and uid is None:
        return None
    return f"recurring:{identifier(fields.get('eventTypeId')) or '-'}:{booker or '-'}"
