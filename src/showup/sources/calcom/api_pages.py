"""A list of bookings page by page: by Cal.com's cursor, or, at an old instance, by counting how many to skip."""

from typing import Final

from showup.sources.calcom.api_reading import bookings, strange, written
from showup.sources.calcom.api_values import ApiBooking, BookingsAsked, BookingsPage
from showup.sources.calcom.payload import Json, flag, identifier, mapping

SKIP: Final = "skip:"
"""How a cursor of ours begins, for old instances that have none."""

_BOUNDS: Final = {
    "afterUpdatedAt": "after_updated_at",
    "beforeUpdatedAt": "before_updated_at",
    "afterCreatedAt": "after_created_at",
    "beforeCreatedAt": "before_created_at",
    "afterStart": "after_start",
    "beforeEnd": "before_end",
}


def query(asked: BookingsAsked) -> dict[str, str]:
    """What to ask for a page by cursor."""
    said = _bounds(asked) | {"limit": str(_limit(asked))}
    return said if asked.cursor is None else said | {"cursor": asked.cursor}


def skipping_query(asked: BookingsAsked) -> dict[str, str]:
    """What to ask for a page by skipping, in an order in which no booking moves forward.

    A booking that is changed meanwhile would leave a list that ends at an `updatedAt`, and those after it would move up
    into the page that was read already. So the list has no such end, and `skipped_page` leaves out what lies beyond.
    """
    said = _bounds(asked) | {"take": str(_limit(asked)), "skip": str(_skipped(asked)), "sortCreated": "asc"}
    said.pop("beforeUpdatedAt", None)
    return said


def page(said: Json, asked: BookingsAsked) -> BookingsPage:
    """The page in an answer; raises `CalcomStrange` where it is in another shape, or leads nowhere."""
    listed, pages = said.get("data"), mapping(said.get("pagination"))
    if not isinstance(listed, list) or not ("nextCursor" in pages or "hasMore" in pages):
        raise strange("a list of bookings has no cursor")
    items, unreadable = bookings(listed)
    return BookingsPage(items=items, next_cursor=_following(pages, asked), unreadable=unreadable)


def _following(pages: Json, asked: BookingsAsked) -> str | None:
    more, cursor = flag(pages.get("hasMore")), identifier(pages.get("nextCursor"))
    if more is False or (more is None and cursor is None):
        return None
    if cursor is None or cursor == asked.cursor:
        raise strange("there are more bookings, and no cursor leads to them")
    return cursor


def skipped_page(said: Json, asked: BookingsAsked) -> BookingsPage:
    """As `page`, for an answer to `skipping_query`."""
    listed, pages = said.get("data"), mapping(said.get("pagination"))
    if not isinstance(listed, list) or "hasNextPage" not in pages:
        raise strange("a list of bookings has no pages")
    items, unreadable = bookings(listed)
    more = bool(listed) and flag(pages["hasNextPage"]) is True
    return BookingsPage(
        items=tuple(one for one in items if _is_before(one, asked)),
        next_cursor=f"{SKIP}{_skipped(asked) + len(listed)}" if more else None,
        unreadable=unreadable,
    )


def _bounds(asked: BookingsAsked) -> dict[str, str]:
    bounds = {name: getattr(asked, field) for name, field in _BOUNDS.items()}
    said = {name: written(moment) for name, moment in bounds.items() if moment is not None}
    return said if asked.status is None else said | {"status": asked.status}


def _limit(asked: BookingsAsked) -> int:
    return max(1, min(asked.limit, 100))


def _skipped(asked: BookingsAsked) -> int:
    return int((asked.cursor or f"{SKIP}0").removeprefix(SKIP))


def _is_before(booking: ApiBooking, asked: BookingsAsked) -> bool:
    if asked.before_updated_at is None:
        return True
    return booking.updated_at is not None and booking.updated_at <= asked.before_updated_at
