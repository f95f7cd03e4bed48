"""`GET /v2/bookings`: filters, order and pages."""

import base64
import binascii
import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.fake_calcom.rows import ApiError, Booking
from tests.fake_calcom.world_state import WorldState

BY_CURSOR = "2026-05-01"
_LIMITS = {"limit": (50, 100), "take": (100, 250)}
_PAGING = ("limit", "cursor", "take", "skip")
_NEVER = datetime.max.replace(tzinfo=UTC)
_SORTS: dict[str, Callable[[Booking], datetime]] = {
    "sortStart": lambda one: one.start_at,
    "sortEnd": lambda one: one.end_at,
    "sortCreated": lambda one: one.created_at,
    # PostgreSQL sorts missing values last.
    "sortUpdatedAt": lambda one: one.updated_at or _NEVER,
}
# A missing value is neither before nor after anything.
_BOUNDS: dict[str, Callable[[Booking, datetime], bool]] = {
    "afterStart": lambda one, at: one.start_at >= at,
    "beforeEnd": lambda one, at: one.end_at <= at,
    "afterCreatedAt": lambda one, at: one.created_at >= at,
    "beforeCreatedAt": lambda one, at: one.created_at <= at,
    "afterUpdatedAt": lambda one, at: one.updated_at is not None and one.updated_at >= at,
    "beforeUpdatedAt": lambda one, at: one.updated_at is not None and one.updated_at <= at,
}
_FILTERS: dict[str, Callable[[Booking, str], bool]] = {
    "bookingUid": lambda one, text: one.uid == text,
    "eventTypeId": lambda one, text: str(one.event_type.id) == text,
    "eventTypeIds": lambda one, text: str(one.event_type.id) in text.split(","),
    "teamId": lambda one, text: str(one.event_type.team_id) == text,
    "teamsIds": lambda one, text: str(one.event_type.team_id) in text.split(","),
    "attendeeEmail": lambda one, text: any(attendee.email.lower() == text.lower() for attendee in one.attendees),
    "attendeeName": lambda one, text: any(text.lower() in attendee.name.lower() for attendee in one.attendees),
}
_ALIVE = ("ACCEPTED", "PENDING")
_STATUSES: dict[str, Callable[[Booking, datetime], bool]] = {
    "upcoming": lambda one, now: one.end_at >= now and one.status in ("ACCEPTED", "PENDING"),
    "recurring": lambda one, now: (
        one.end_at >= now and one.recurring_uid is not None and one.status in ("ACCEPTED", "PENDING")
    ),
    "past": lambda one, now: one.end_at <= now and one.status in ("ACCEPTED", "PENDING"),
    "cancelled": lambda one, _now: one.status in ("CANCELLED", "REJECTED"),
    "unconfirmed": lambda one, now: one.end_at >= now and one.status == "PENDING",
}


@dataclass(frozen=True, slots=True)
class QueryPage:
    bookings: list[Booking]
    pagination: dict[str, Any]


class BookingQueries:
    """Returns pages. It stores the result until a row changes, because a large history is read in many pages."""

    def __init__(self, world: WorldState) -> None:
        self._world = world
        self._cached: tuple[tuple[int, str], list[Booking]] | None = None

    def page(self, query: Mapping[str, str], version: str) -> QueryPage:
        """Returns one page of the result; raises `ApiError`."""
        if "," in query.get("status", "") and version == BY_CURSOR:
            raise ApiError(400, "status must be one of the following values: " + ", ".join(_STATUSES))
        key = (self._world.changes, json.dumps({name: query[name] for name in query if name not in _PAGING}))
        if self._cached is None or self._cached[0] != key or "status" in query:
            matching = [one for one in self._world.bookings.values() if _is_requested(one, query, self._world)]
            self._cached = key, _sorted(matching, query)
        found = self._cached[1]
        return _by_cursor(found, query) if version == BY_CURSOR else _by_skip(found, query)


def _is_requested(one: Booking, query: Mapping[str, str], world: WorldState) -> bool:
    if any(not is_within(one, parse_time(query[name])) for name, is_within in _BOUNDS.items() if name in query):
        return False
    if any(not matches(one, query[name]) for name, matches in _FILTERS.items() if name in query):
        return False
    if "status" not in query:
        return True
    return any(_STATUSES[status](one, world.clock()) for status in query["status"].split(","))


def parse_time(text: str) -> datetime:
    """Parses a time or a day of a query; raises `ApiError`."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ApiError(400, f"{text[:40]!r} must be a valid ISO 8601 date string") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _order(query: Mapping[str, str]) -> tuple[str, bool]:
    name = next((name for name in _SORTS if name in query), "sortStart")
    return name, query.get(name) == "desc"


def _sorted(found: list[Booking], query: Mapping[str, str]) -> list[Booking]:
    name, descending = _order(query)
    return sorted(found, key=lambda one: (_SORTS[name](one), one.id), reverse=descending)


def _by_cursor(found: list[Booking], query: Mapping[str, str]) -> QueryPage:
    """Returns what follows the last booking of the previous page, even if that booking has moved."""
    if {"take", "skip"} & query.keys():
        raise ApiError(400, "property take or skip should not exist")
    limit = _count(query, "limit")
    name, descending = _order(query)
    if "cursor" in query:
        after = _decode_cursor(query["cursor"])
        found = _after_cursor(found, after, _SORTS[name], descending=descending)
    page, has_more = found[:limit], len(found) > limit
    cursor = _encode_cursor(_SORTS[name](page[-1]), page[-1].id) if has_more else None
    return QueryPage(page, {"nextCursor": cursor, "hasMore": has_more})


def _after_cursor(
    found: list[Booking], after: tuple[datetime, int], sort_key: Callable[[Booking], datetime], *, descending: bool
) -> list[Booking]:
    if descending:
        ascending = found[::-1]
        return ascending[: bisect_left(ascending, after, key=lambda one: (sort_key(one), one.id))][::-1]
    return found[bisect_right(found, after, key=lambda one: (sort_key(one), one.id)) :]


def _by_skip(found: list[Booking], query: Mapping[str, str]) -> QueryPage:
    if {"limit", "cursor"} & query.keys():
        raise ApiError(400, "property limit or cursor should not exist")
    take, skip = _count(query, "take"), int(query.get("skip", 0))
    page, total = found[skip : skip + take], len(found)
    remaining = max(total - skip - len(page), 0)
    pagination = {
        "totalItems": total,
        "remainingItems": remaining,
        "returnedItems": len(page),
        "itemsPerPage": take,
        "currentPage": skip // take + 1,
        "totalPages": -(-total // take),
        "hasNextPage": remaining > 0,
        "hasPreviousPage": skip > 0,
    }
    return QueryPage(page, pagination)


def _count(query: Mapping[str, str], name: str) -> int:
    default, maximum = _LIMITS[name]
    text = query.get(name, str(default))
    count = int(text) if text.isdigit() else 0
    if not 1 <= count <= maximum:
        raise ApiError(400, f"{name} must not be greater than {maximum}, nor less than 1")
    return count


def _encode_cursor(at: datetime, booking_id: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([at.isoformat(), booking_id]).encode()).decode()


def _decode_cursor(cursor: str) -> tuple[datetime, int]:
    try:
        at, booking_id = json.loads(base64.urlsafe_b64decode(cursor))
    except (binascii.Error, ValueError):
        raise ApiError(400, "cursor is invalid") from None
    return datetime.fromisoformat(at), booking_id
