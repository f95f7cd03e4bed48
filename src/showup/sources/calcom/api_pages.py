"""Reads a list of bookings page by page: by Cal.com's cursor, or by offset at an old instance."""

from typing import Final

from showup.sources.calcom.api_decoder import decode_bookings, format_time, unexpected_shape
from showup.sources.calcom.api_values import ApiBooking, BookingsPage, BookingsQuery
from showup.sources.calcom.payload import Json, flag, identifier, mapping

OFFSET_PREFIX: Final = "skip:"
"""The prefix of Showup's own cursors, for old instances that have none."""

_BOUNDS: Final = {
    "afterUpdatedAt": "after_updated_at",
    "beforeUpdatedAt": "before_updated_at",
    "afterCreatedAt": "after_created_at",
    "beforeCreatedAt": "before_created_at",
    "afterStart": "after_start",
    "beforeEnd": "before_end",
}


def cursor_params(query: BookingsQuery) -> dict[str, str]:
    """Returns the query parameters of a page by cursor."""
    params = _bounds(query) | {"limit": str(_limit(query))}
    return params if query.cursor is None else params | {"cursor": query.cursor}


def offset_params(query: BookingsQuery) -> dict[str, str]:
    """Returns the query parameters of a page by offset, in an order in which no booking moves forward.

    If the list ended at an `updatedAt`, a booking changed in the meantime would leave the list, and later ones would
    move up into the page that was read already. So the list has no such end, and `parse_offset_page` leaves out later
    bookings.
    """
    params = _bounds(query) | {"take": str(_limit(query)), "skip": str(_offset(query)), "sortCreated": "asc"}
    params.pop("beforeUpdatedAt", None)
    return params


def parse_cursor_page(response: Json, query: BookingsQuery) -> BookingsPage:
    """Returns the page in a response. Raises `UnexpectedCalcomResponse` for another shape, or a cursor that repeats."""
    listed, pagination = response.get("data"), mapping(response.get("pagination"))
    if not isinstance(listed, list) or not ("nextCursor" in pagination or "hasMore" in pagination):
        raise unexpected_shape("the list of bookings has no cursor")
    items, unreadable = decode_bookings(listed)
    return BookingsPage(items=items, next_cursor=_next_cursor(pagination, query), unreadable=unreadable)


def _next_cursor(pagination: Json, query: BookingsQuery) -> str | None:
    has_more, cursor = flag(pagination.get("hasMore")), identifier(pagination.get("nextCursor"))
    if has_more is False or (has_more is None and cursor is None):
        return None
    if cursor is None or cursor == query.cursor:
        raise unexpected_shape("there are more bookings, but no cursor for the next page")
    return cursor


def parse_offset_page(response: Json, query: BookingsQuery) -> BookingsPage:
    """Returns the page in a response to a query with `offset_params`; otherwise like `parse_cursor_page`."""
    listed, pagination = response.get("data"), mapping(response.get("pagination"))
    if not isinstance(listed, list) or "hasNextPage" not in pagination:
        raise unexpected_shape("the list of bookings has no `hasNextPage`")
    items, unreadable = decode_bookings(listed)
    has_more = bool(listed) and flag(pagination["hasNextPage"]) is True
    return BookingsPage(
        items=tuple(one for one in items if _is_before(one, query)),
        next_cursor=f"{OFFSET_PREFIX}{_offset(query) + len(listed)}" if has_more else None,
        unreadable=unreadable,
    )


def _bounds(query: BookingsQuery) -> dict[str, str]:
    bounds = {name: getattr(query, field) for name, field in _BOUNDS.items()}
    params = {name: format_time(moment) for name, moment in bounds.items() if moment is not None}
    return params if query.status is None else params | {"status": query.status}


def _limit(query: BookingsQuery) -> int:
    return max(1, min(query.limit, 100))


def _offset(query: BookingsQuery) -> int:
    return int((query.cursor or f"{OFFSET_PREFIX}0").removeprefix(OFFSET_PREFIX))


def _is_before(booking: ApiBooking, query: BookingsQuery) -> bool:
    if query.before_updated_at is None:
        return True
    return booking.updated_at is not None and booking.updated_at <= query.before_updated_at
