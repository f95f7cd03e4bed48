"""Selects the bookings to request from Cal.com: changed ones, recent meetings, and those of a backfill."""

from collections.abc import AsyncIterator, Collection
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from showup.clock import Clock
from showup.sources.calcom.api_errors import CalcomRefused, UnexpectedCalcomResponse
from showup.sources.calcom.api_values import ApiBooking, BookingsQuery
from showup.sources.calcom.client import CalcomClient
from showup.sources.calcom.client_v1 import CalcomV1Client

AnyCalcomClient: TypeAlias = CalcomClient | CalcomV1Client

# Cal.com's clock differs from ours, and a page may have been read while something changed.
POLL_OVERLAP: Final = timedelta(minutes=10)
# Cal.com records attendance beside the booking and does not change `updatedAt`, so recent meetings are read again.
_ATTENDANCE_LOOKBACK: Final = timedelta(days=2)
# How far ahead meetings are requested from an old instance, which has no query for changes. As far as people book:
# otherwise a booking that comes into range would pass for one made on that day.
_MEETINGS_AHEAD: Final = timedelta(days=366)


class FetchedPage(Struct, frozen=True, kw_only=True):
    """Some bookings, when they were requested, the cursor of the next page, and how many could not be read."""

    items: tuple[ApiBooking, ...]
    requested_at: datetime
    cursor: str | None = None
    unreadable: int = 0


class ReconcileSpan(Struct, frozen=True, kw_only=True):
    """The time span; `began_at` is before everything that a poll concerns."""

    since: datetime
    until: datetime
    began_at: datetime


async def fetch_changed(api: AnyCalcomClient, span: ReconcileSpan, clock: Clock) -> AsyncIterator[FetchedPage]:
    """Yields all bookings that may have changed in the span, page by page."""
    # On the first run everything is before it: the query finds nothing, but still checks that Cal.com answers.
    met_after = min(max(span.began_at, span.since - _ATTENDANCE_LOOKBACK), span.until)
    if isinstance(api, CalcomV1Client):
        yield await _fetch_meetings(api, met_after, span.until + _MEETINGS_AHEAD, clock)
        return
    since = min(max(span.began_at, span.since - POLL_OVERLAP), span.until)
    for query in (
        BookingsQuery(after_created_at=since, before_created_at=span.until),
        BookingsQuery(after_updated_at=since, before_updated_at=span.until),
        BookingsQuery(after_start=met_after, before_end=span.until),
    ):
        async for page in _fetch_pages(api, query, clock):
            yield page


async def fetch_created(
    api: AnyCalcomClient, span: ReconcileSpan, clock: Clock, cursor: str | None
) -> AsyncIterator[FetchedPage]:
    """Yields all bookings made in the span, from the cursor on; for an old instance, all meetings in it."""
    if isinstance(api, CalcomV1Client):
        yield await _fetch_meetings(api, span.since, span.until, clock)
        return
    query = BookingsQuery(after_created_at=span.since, before_created_at=span.until, cursor=cursor)
    async for page in _fetch_pages(api, query, clock):
        yield page


async def fetch_by_uid(
    api: AnyCalcomClient, uids: Collection[str], span: ReconcileSpan, clock: Clock
) -> AsyncIterator[FetchedPage]:
    """Yields the bookings with these uids (or numbers, where an old instance has no uid), as far as they exist."""
    if isinstance(api, CalcomV1Client):
        async for page in fetch_changed(api, span, clock):
            yield replace(page, items=tuple(one for one in page.items if (one.uid or str(one.id)) in uids))
        return
    for uid in uids:
        requested_at = clock()
        try:
            found, unreadable = await api.booking(uid), 0
        except (CalcomRefused, UnexpectedCalcomResponse):
            # The lists were answered: a booking that Cal.com does not show must not block the others.
            found, unreadable = (), 1
        yield FetchedPage(items=found, requested_at=requested_at, unreadable=unreadable)


async def fetch_owner_email(api: AnyCalcomClient) -> str | None:
    """Returns the email address of the key's owner; None where the API does not say, as with old instances."""
    if isinstance(api, CalcomV1Client):
        return None
    try:
        return (await api.me()).email
    except CalcomRefused:
        # A token may be limited to bookings.
        return None


async def _fetch_meetings(api: CalcomV1Client, since: datetime, until: datetime, clock: Clock) -> FetchedPage:
    requested_at = clock()
    return FetchedPage(items=tuple(await api.bookings(date_from=since, date_to=until)), requested_at=requested_at)


async def _fetch_pages(api: CalcomClient, query: BookingsQuery, clock: Clock) -> AsyncIterator[FetchedPage]:
    while True:
        requested_at = clock()
        response = await api.bookings(query)
        yield FetchedPage(
            items=response.items, requested_at=requested_at, cursor=response.next_cursor, unreadable=response.unreadable
        )
        if response.next_cursor is None:
            return
        query = replace(query, cursor=response.next_cursor)
