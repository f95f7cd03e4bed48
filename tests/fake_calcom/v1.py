"""`GET /v1/bookings`, as old instances respond: rows, with neither pages nor times of change."""

from collections.abc import Mapping
from typing import Any

from showup.simulation.render_booking import instant
from tests.fake_calcom.bodies import booking_answers
from tests.fake_calcom.booking_queries import parse_time
from tests.fake_calcom.rows import Booking, Guest, User
from tests.fake_calcom.world_state import WorldState


def bookings_v1(world: WorldState, query: Mapping[str, str]) -> dict[str, Any]:
    """Returns the bookings that start between `dateFrom` and `dateTo`, of `eventTypeId`; raises `ApiError`."""
    since = parse_time(query["dateFrom"]) if "dateFrom" in query else None
    until = parse_time(query["dateTo"]) if "dateTo" in query else None
    found = [
        _row(one)
        for one in world.bookings.values()
        if (since is None or one.start_at >= since)
        and (until is None or one.start_at <= until)
        and query.get("eventTypeId") in (None, str(one.event_type.id))
    ]
    return {"bookings": found}


def _row(booking: Booking) -> dict[str, Any]:
    return {
        "id": booking.id,
        "uid": booking.uid,
        "userId": booking.host.id,
        "eventTypeId": booking.event_type.id,
        "title": booking.title,
        "description": booking.notes,
        "startTime": instant(booking.start_at),
        "endTime": instant(booking.end_at),
        "status": booking.status,
        "attendees": [_person_fields(one) for one in booking.attendees],
        "user": _person_fields(booking.host),
        "payment": [],
        "metadata": {**booking.metadata, "videoCallUrl": booking.meeting_url},
        "responses": booking_answers(booking),
    }


def _person_fields(one: Guest | User) -> dict[str, Any]:
    return {"email": one.email, "name": one.name, "timeZone": one.time_zone, "locale": one.locale}
