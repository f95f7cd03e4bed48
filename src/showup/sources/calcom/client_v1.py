"""A client of Cal.com's API v1 for bookings: hosted Cal.com removed v1, but old self-hosted instances have it."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final

import httpx2
from msgspec.structs import replace

from showup.clock import Clock
from showup.sources.calcom.api_decoder import decode_booking, format_time, unexpected_shape
from showup.sources.calcom.api_transport import ApiRequest, ApiTransport
from showup.sources.calcom.api_values import ApiBooking
from showup.sources.calcom.payload import Json, integer, mapping, objects
from showup.sources.calcom.rate_limiter import RateLimiter

# Fields that v2 names differently.
_V2_NAMES: Final = {
    "startTime": "start",
    "endTime": "end",
    "fromReschedule": "rescheduledFromUid",
    "recurringEventId": "recurringBookingUid",
    "iCalUID": "icsUid",
    "noShowHost": "absentHost",
    "responses": "bookingFieldsResponses",
}
_NO_UID: Final = "?"


class CalcomV1Client:
    """Like `CalcomClient`, with a `url` that ends in /v1."""

    def __init__(
        self,
        client: httpx2.AsyncClient,
        *,
        url: str,
        key: str,
        clock: Clock,
        limiter: RateLimiter | None = None,
        jitter: Callable[[], float] = random.random,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._transport = ApiTransport(
            client, url=url, key=key, clock=clock, limiter=limiter, jitter=jitter, pause=pause
        )

    async def bookings(
        self, event_type_id: int | None = None, date_from: datetime | None = None, date_to: datetime | None = None
    ) -> list[ApiBooking]:
        """Returns the bookings between two times (aware), without unreadable ones.

        Raises the errors of `CalcomClient`.
        """
        optional = {
            "eventTypeId": None if event_type_id is None else str(event_type_id),
            "dateFrom": None if date_from is None else format_time(date_from),
            "dateTo": None if date_to is None else format_time(date_to),
        }
        params = {name: value for name, value in optional.items() if value is not None}
        response = await self._transport.send(ApiRequest(path="/bookings", query=params))
        if not isinstance(response.get("bookings"), list):
            raise unexpected_shape("the response has no list of bookings")
        decoded = (decode_booking_v1(item) for item in objects(response["bookings"]))
        return [one for one in decoded if one is not None]


def decode_booking_v1(fields: Json) -> ApiBooking | None:
    """Reads a booking of v1 as one of v2; its id is enough, because v1 rarely reports a uid."""
    fields_v2 = {_V2_NAMES.get(name, name): value for name, value in fields.items()}
    user = mapping(fields.get("user"))
    fields_v2["hosts"] = [user] if user else []
    fields_v2["attendees"] = [_attendee(item) for item in objects(fields.get("attendees"))]
    if fields_v2.get("uid") or integer(fields.get("id")) is None:
        return decode_booking(fields_v2)
    decoded = decode_booking({**fields_v2, "uid": _NO_UID})
    return None if decoded is None else replace(decoded, uid=None)


def _attendee(item: Json) -> Json:
    return {**item, "absent": item.get("noShow"), "language": item.get("locale")}
