"""Which bookings to ask Cal.com for: those that changed since the last time, those that met, those of history."""

from collections.abc import AsyncIterator, Collection
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from showup.clock import Clock
from showup.sources.calcom.api import Calcom
from showup.sources.calcom.api_faults import CalcomRefuses, CalcomStrange
from showup.sources.calcom.api_v1 import CalcomV1
from showup.sources.calcom.api_values import ApiBooking, BookingsAsked

Api: TypeAlias = Calcom | CalcomV1

# Its clock is not ours, and a page may have been read while something changed.
OVERLAP: Final = timedelta(minutes=10)
# Whether a guest came, Cal.com notes beside the booking: no `updatedAt` tells of it, so meetings are looked at again.
_LOOKED_AT_AGAIN: Final = timedelta(days=2)
# How far ahead an old instance is asked for meetings: it can't be asked for changes. As far as anybody books, or what
# comes into sight one day would pass for having been booked on that day.
_AHEAD: Final = timedelta(days=366)


class Listed(Struct, frozen=True, kw_only=True):
    """Some bookings, when they were asked for, where the next ones are, and how many could not be read."""

    items: tuple[ApiBooking, ...]
    asked_at: datetime
    cursor: str | None = None
    unreadable: int = 0


class Span(Struct, frozen=True, kw_only=True):
    """From when to when; `began_at` is before anything that concerns a poll."""

    since: datetime
    until: datetime
    began_at: datetime


async def changed(api: Api, span: Span, clock: Clock) -> AsyncIterator[Listed]:
    """Everything that may differ from what we were told in the span, page by page."""
    # At the first time everything is before it: nothing is found, and still Cal.com is asked whether it answers.
    met_after = min(max(span.began_at, span.since - _LOOKED_AT_AGAIN), span.until)
    if isinstance(api, CalcomV1):
        yield await _met(api, met_after, span.until + _AHEAD, clock)
        return
    since = min(max(span.began_at, span.since - OVERLAP), span.until)
    for asked in (
        BookingsAsked(after_created_at=since, before_created_at=span.until),
        BookingsAsked(after_updated_at=since, before_updated_at=span.until),
        BookingsAsked(after_start=met_after, before_end=span.until),
    ):
        async for listed in _pages(api, asked, clock):
            yield listed


async def made(api: Api, span: Span, clock: Clock, cursor: str | None) -> AsyncIterator[Listed]:
    """Everything that was booked in the span, from the cursor on; of an old instance, everything that met in it."""
    if isinstance(api, CalcomV1):
        yield await _met(api, span.since, span.until, clock)
        return
    asked = BookingsAsked(after_created_at=span.since, before_created_at=span.until, cursor=cursor)
    async for listed in _pages(api, asked, clock):
        yield listed


async def named(api: Api, uids: Collection[str], span: Span, clock: Clock) -> AsyncIterator[Listed]:
    """The bookings of these uids (or numbers, where an old instance says no uid), as far as there are any."""
    if isinstance(api, CalcomV1):
        async for listed in changed(api, span, clock):
            yield replace(listed, items=tuple(one for one in listed.items if (one.uid or str(one.id)) in uids))
        return
    for uid in uids:
        asked_at = clock()
        try:
            found, unreadable = await api.booking(uid), 0
        except (CalcomRefuses, CalcomStrange):
            # The lists were answered: what Cal.com will not show of one booking must hold up no other.
            found, unreadable = (), 1
        yield Listed(items=found, asked_at=asked_at, unreadable=unreadable)


async def owner(api: Api) -> str | None:
    """The address of whoever the key belongs to; None where that is not said, as by old instances."""
    if isinstance(api, CalcomV1):
        return None
    try:
        return (await api.me()).email
    except CalcomRefuses:
        # A token may be good for bookings alone.
        return None


async def _met(api: CalcomV1, since: datetime, until: datetime, clock: Clock) -> Listed:
    asked_at = clock()
    return Listed(items=tuple(await api.bookings(date_from=since, date_to=until)), asked_at=asked_at)


async def _pages(api: Calcom, asked: BookingsAsked, clock: Clock) -> AsyncIterator[Listed]:
    while True:
        asked_at = clock()
        page = await api.bookings(asked)
        yield Listed(items=page.items, asked_at=asked_at, cursor=page.next_cursor, unreadable=page.unreadable)
        if page.next_cursor is None:
            return
        asked = replace(asked, cursor=page.next_cursor)
