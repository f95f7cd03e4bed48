"""`GET /v2/bookings`: which bookings are asked for, in which order, and page by page."""

import base64
import binascii
import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.calcom_far.ground import Ground
from tests.calcom_far.rows import Booking

BY_CURSOR = "2026-05-01"
_MOST = {"limit": (50, 100), "take": (100, 250)}
_PAGING = ("limit", "cursor", "take", "skip")
_NEVER = datetime.max.replace(tzinfo=UTC)
_SORTS: dict[str, Callable[[Booking], datetime]] = {
    "sortStart": lambda one: one.start_at,
    "sortEnd": lambda one: one.end_at,
    "sortCreated": lambda one: one.created_at,
    # PostgreSQL puts what has no value last.
    "sortUpdatedAt": lambda one: one.updated_at or _NEVER,
}
# What has no value is neither before nor after anything.
_BOUNDS: dict[str, Callable[[Booking, datetime], bool]] = {
    "afterStart": lambda one, at: one.start_at >= at,
    "beforeEnd": lambda one, at: one.end_at <= at,
    "afterCreatedAt": lambda one, at: one.created_at >= at,
    "beforeCreatedAt": lambda one, at: one.created_at <= at,
    "afterUpdatedAt": lambda one, at: one.updated_at is not None and one.updated_at >= at,
    "beforeUpdatedAt": lambda one, at: one.updated_at is not None and one.updated_at <= at,
}
_MARKS: dict[str, Callable[[Booking, str], bool]] = {
    "bookingUid": lambda one, text: one.uid == text,
    "eventTypeId": lambda one, text: str(one.event_type.id) == text,
    "eventTypeIds": lambda one, text: str(one.event_type.id) in text.split(","),
    "teamId": lambda one, text: str(one.event_type.team_id) == text,
    "teamsIds": lambda one, text: str(one.event_type.team_id) in text.split(","),
    "attendeeEmail": lambda one, text: any(who.email.lower() == text.lower() for who in one.attendees),
    "attendeeName": lambda one, text: any(text.lower() in who.name.lower() for who in one.attendees),
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


class BadQuery(ValueError):
    """A query that Cal.com answers with 400."""


@dataclass(frozen=True, slots=True)
class Page:
    bookings: list[Booking]
    pagination: dict[str, Any]


class Asking:
    """Answers with pages. What was found is kept until a row changes, since a large history is asked for in many."""

    def __init__(self, world: Ground) -> None:
        self._world = world
        self._found: tuple[tuple[int, str], list[Booking]] | None = None

    def page(self, query: Mapping[str, str], version: str) -> Page:
        """One page of what is asked for; raises `BadQuery`."""
        if "," in query.get("status", "") and version == BY_CURSOR:
            raise BadQuery("status must be one of the following values: " + ", ".join(_STATUSES))
        key = (self._world.changes, json.dumps({name: query[name] for name in query if name not in _PAGING}))
        if self._found is None or self._found[0] != key or "status" in query:
            asked = [one for one in self._world.bookings.values() if _is_asked_for(one, query, self._world)]
            self._found = key, _sorted(asked, query)
        found = self._found[1]
        return _by_cursor(found, query) if version == BY_CURSOR else _by_skip(found, query)


def _is_asked_for(one: Booking, query: Mapping[str, str], world: Ground) -> bool:
    if any(not is_within(one, moment(query[name])) for name, is_within in _BOUNDS.items() if name in query):
        return False
    if any(not fits(one, query[name]) for name, fits in _MARKS.items() if name in query):
        return False
    if "status" not in query:
        return True
    return any(_STATUSES[status](one, world.clock()) for status in query["status"].split(","))


def moment(text: str) -> datetime:
    """A time of a query, or a day; raises `BadQuery`."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise BadQuery(f"{text[:40]!r} must be a valid ISO 8601 date string") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _order(query: Mapping[str, str]) -> tuple[str, bool]:
    name = next((name for name in _SORTS if name in query), "sortStart")
    return name, query.get(name) == "desc"


def _sorted(found: list[Booking], query: Mapping[str, str]) -> list[Booking]:
    name, is_down = _order(query)
    return sorted(found, key=lambda one: (_SORTS[name](one), one.id), reverse=is_down)


def _by_cursor(found: list[Booking], query: Mapping[str, str]) -> Page:
    """What stands behind the last booking of the page before, wherever that one may stand by now."""
    if {"take", "skip"} & query.keys():
        raise BadQuery("property take or skip should not exist")
    limit = _count(query, "limit")
    name, is_down = _order(query)
    if "cursor" in query:
        after = _read(query["cursor"])
        found = _behind(found, after, _SORTS[name], is_down=is_down)
    page, has_more = found[:limit], len(found) > limit
    cursor = _written(_SORTS[name](page[-1]), page[-1].id) if has_more else None
    return Page(page, {"nextCursor": cursor, "hasMore": has_more})


def _behind(
    found: list[Booking], after: tuple[datetime, int], by: Callable[[Booking], datetime], *, is_down: bool
) -> list[Booking]:
    if is_down:
        rising = found[::-1]
        return rising[: bisect_left(rising, after, key=lambda one: (by(one), one.id))][::-1]
    return found[bisect_right(found, after, key=lambda one: (by(one), one.id)) :]


def _by_skip(found: list[Booking], query: Mapping[str, str]) -> Page:
    if {"limit", "cursor"} & query.keys():
        raise BadQuery("property limit or cursor should not exist")
    take, skip = _count(query, "take"), int(query.get("skip", 0))
    page, total = found[skip : skip + take], len(found)
    left = max(total - skip - len(page), 0)
    pagination = {
        "totalItems": total,
        "remainingItems": left,
        "returnedItems": len(page),
        "itemsPerPage": take,
        "currentPage": skip // take + 1,
        "totalPages": -(-total // take),
        "hasNextPage": left > 0,
        "hasPreviousPage": skip > 0,
    }
    return Page(page, pagination)


def _count(query: Mapping[str, str], name: str) -> int:
    usual, most = _MOST[name]
    text = query.get(name, str(usual))
    count = int(text) if text.isdigit() else 0
    if not 1 <= count <= most:
        raise BadQuery(f"{name} must not be greater than {most}, nor less than 1")
    return count


def _written(at: datetime, booking_id: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([at.isoformat(), booking_id]).encode()).decode()


def _read(cursor: str) -> tuple[datetime, int]:
    try:
        at, booking_id = json.loads(base64.urlsafe_b64decode(cursor))
    except (binascii.Error, ValueError):
        raise BadQuery("cursor is invalid") from None
    return datetime.fromisoformat(at), booking_id
