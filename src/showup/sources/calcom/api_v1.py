"""Cal.com's API v1, which hosted Cal.com has no longer: for old instances that run on, as far as bookings go."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final

import httpx2
from msgspec.structs import replace

from showup.clock import Clock
from showup.sources.calcom.api_budget import Budget
from showup.sources.calcom.api_calls import Call, Calls
from showup.sources.calcom.api_reading import booking, strange, written
from showup.sources.calcom.api_values import ApiBooking
from showup.sources.calcom.payload import Json, integer, mapping, objects

# What v2 calls otherwise.
_TODAY: Final = {
    "startTime": "start",
    "endTime": "end",
    "fromReschedule": "rescheduledFromUid",
    "recurringEventId": "recurringBookingUid",
    "iCalUID": "icsUid",
    "noShowHost": "absentHost",
    "responses": "bookingFieldsResponses",
}
_NO_UID: Final = "?"


class CalcomV1:
    """As `Calcom`, with an `url` that ends in /v1."""

    def __init__(
        self,
        client: httpx2.AsyncClient,
        *,
        url: str,
        key: str,
        clock: Clock,
        budget: Budget | None = None,
        chance: Callable[[], float] = random.random,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._calls = Calls(client, url=url, key=key, clock=clock, budget=budget, chance=chance, pause=pause)

    async def bookings(
        self, event_type_id: int | None = None, date_from: datetime | None = None, date_to: datetime | None = None
    ) -> list[ApiBooking]:
        """The bookings between two times (aware); those that can't be read are left out. Raises as `Calcom` does."""
        asked = {
            "eventTypeId": None if event_type_id is None else str(event_type_id),
            "dateFrom": None if date_from is None else written(date_from),
            "dateTo": None if date_to is None else written(date_to),
        }
        said = {name: value for name, value in asked.items() if value is not None}
        answer = await self._calls.ask(Call(path="/bookings", query=said))
        if not isinstance(answer.get("bookings"), list):
            raise strange("there is no list of bookings")
        found = (_booking(item) for item in objects(answer["bookings"]))
        return [one for one in found if one is not None]


def _booking(fields: Json) -> ApiBooking | None:
    """A booking of v1 read as one of v2; its id is enough, for a uid is seldom there."""
    told = {_TODAY.get(name, name): value for name, value in fields.items()}
    user = mapping(fields.get("user"))
    told["hosts"] = [user] if user else []
    told["attendees"] = [_attendee(item) for item in objects(fields.get("attendees"))]
    if told.get("uid") or integer(fields.get("id")) is None:
        return booking(told)
    found = booking({**told, "uid": _NO_UID})
    return None if found is None else replace(found, uid=None)


def _attendee(item: Json) -> Json:
    return {**item, "absent": item.get("noShow"), "language": item.get("locale")}
