"""Which guests Cal.com marks as absent, beside what it told us of them; what people said here is not its business."""

from collections.abc import Sequence

from showup import events
from showup.bookings.booking import Booking
from showup.events import News
from showup.sources.calcom.api_values import ApiBooking


def absences(ours: Booking, about: Sequence[News], theirs: ApiBooking) -> tuple[tuple[str, bool], ...]:
    """By address, each mark that was set (True) or taken back (False) without our hearing of it.

    That nobody is marked says nothing, unless they were before. `about` is in source order.
    """
    told = _told(about)
    missed = {one.key for one in ours.attendees if one.attended is False}
    watched = any(isinstance(one.event, events.GuestsMissed) for one in about)
    found: dict[str, bool] = {}
    for attendee in theirs.attendees:
        email = (attendee.email or "").strip().lower()
        if not email or attendee.absent is None or attendee.absent == told.get(email, False):
            continue
        if not (attendee.absent and watched and email in missed):
            found[email] = attendee.absent
    return tuple(found.items())


def _told(about: Sequence[News]) -> dict[str, bool]:
    told: dict[str, bool] = {}
    for news in about:
        if not isinstance(news.event, events.AttendanceReported | events.MeetingEnded):
            continue
        for one in news.event.booking.attendees:
            if one.email is not None and (one.attended is not None or one.no_show):
                told[one.email] = not one.attended
    return told
