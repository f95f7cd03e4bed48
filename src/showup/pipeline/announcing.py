"""What a booking's news is to those who listen beside the attendees: a CRM, the team, other programs (TE5 to TE8).

An announcement is a difference between what stood and what stands, so news that changes nothing announces nothing. Its
key is numbered by the story: whoever came, did not, and came after all is announced three times.

What made the difference may have been told to nobody: a copy that came days late, or out of history. So news that says
once more how things stand restates it, and the story announces that if nothing has been announced of it yet.
"""

from datetime import datetime, timedelta
from typing import Final

from msgspec.structs import replace

from showup import events
from showup.bookings.booking import Attendee, Booking
from showup.effects import Announce, Announcement
from showup.events import News
from showup.pipeline.decision import Decision
from showup.pipeline.rules import Rules
from showup.pipeline.telling import is_fresh, is_worth_telling

# A CRM that was down for some days is still told; what the attendee hears of is another matter.
_WORTH_TELLING_FOR: Final = timedelta(days=7)


def announced(before: Booking | None, decision: Decision, news: News, rules: Rules) -> Decision:
    """The decision with what it announces, while the news is fresh (PI13)."""
    after = decision.after
    found: list[Announce] = []
    restated: list[Announce] = []
    if is_worth_telling(after, news, rules):
        found += _of_seats(before, decision, news) if after.seated else _of_the_meeting(before, decision, news)
        restated += _restated(after, news)
    if is_fresh(news, rules) and after.is_live:
        found += _of_attendance(before, after, news)
        restated += _of_attendance(None, after, news) if isinstance(news.event, _OF_ATTENDANCE) else []
    if not found and not restated:
        return decision
    return replace(decision, announcements=tuple(found), restated=tuple(restated))


_MAKING: Final = (events.BookingMade, events.BookingRescheduled, events.SeatMoved)
_OF_ATTENDANCE: Final = (
    events.MeetingEnded,
    events.AttendanceReported,
    events.GuestsMissed,
    events.HostMissed,
    events.OutcomeReported,
)
_SAYING: Final[dict[str, tuple[type[events.BookingEvent], ...]]] = {
    "PENDING": (events.BookingRequested, events.PaymentStarted),
    "REJECTED": (events.BookingRejected,),
    "CANCELLED": (events.BookingCancelled,),
}


def _restated(after: Booking, news: News) -> list[Announce]:
    """What the news says of how the booking stands, whether that is new or not."""
    if after.is_live and isinstance(news.event, _MAKING):
        kind: Announcement = "booking.rescheduled" if after.reschedule_count else "booking.created"
        if not after.seated:
            return [_announce(kind, after, after.booker, news)]
        listed = {one.email for one in news.event.booking.attendees}
        return [_announce("booking.created", after, one, news) for one in after.seats if one.email in listed]
    if not after.seated and isinstance(news.event, _SAYING.get(after.status, ())):
        return [_announce(_ENDED[after.status], after, after.booker, news)]
    return []


def _of_the_meeting(before: Booking | None, decision: Decision, news: News) -> list[Announce]:
    after = decision.after
    stood = before is not None and before.is_live
    kinds: list[Announcement] = []
    if after.is_live and not stood:
        kinds = ["booking.rescheduled" if after.reschedule_count else "booking.created"]
    elif before is not None and after.is_live:
        kinds = _while_it_stands(before, decision)
    elif before is None or before.status != after.status:
        kinds = [_ENDED[after.status]]
    old = before.start_time if before is not None else None
    return [_announce(kind, after, after.booker, news, old=old) for kind in kinds]


def _while_it_stands(before: Booking, decision: Decision) -> list[Announcement]:
    after = decision.after
    kinds: list[Announcement] = []
    if before.start_time != after.start_time:
        kinds.append("booking.rescheduled")
    elif before.organizer_email != after.organizer_email:
        kinds.append("booking.reassigned")
    if decision.what == "booking.relocated" and _place(before) != _place(after):
        kinds.append("booking.location_changed")
    return kinds


def _place(booking: Booking) -> str | None:
    return booking.meeting_url or booking.location


_ENDED: Final[dict[str, Announcement]] = {
    "PENDING": "booking.requested",
    "REJECTED": "booking.rejected",
    "CANCELLED": "booking.cancelled",
}


def _of_seats(before: Booking | None, decision: Decision, news: News) -> list[Announce]:
    """Each seat is somebody's booking: taken, moved with the meeting, or given back."""
    after = decision.after
    stood = before if before is not None and before.is_live else None
    had = {_stay(one) for one in stood.seats} if stood is not None else set()
    has = after.seats if after.is_live else ()
    old = before.start_time if before is not None else None
    found = [_announce("booking.created", after, one, news) for one in has if _stay(one) not in had]
    if stood is not None:
        kinds = _while_it_stands(stood, decision)
        found += [_announce(kind, after, one, news, old=old) for one in has if _stay(one) in had for kind in kinds]
    left = had - {_stay(one) for one in has}
    return found + [_announce("booking.cancelled", after, one, news) for one in after.attendees if _stay(one) in left]


def _stay(attendee: Attendee) -> tuple[str, int]:
    return attendee.key, attendee.returns


def _of_attendance(before: Booking | None, after: Booking, news: News) -> list[Announce]:
    """Who came: of many seats each for themselves, of any other booking its witness for the booker."""
    if after.seated:
        was = {one.key: one.attended for one in before.attendees} if before is not None else {}
        seen: list[tuple[Attendee | None, bool | None, bool | None]] = [
            (one, was.get(one.key), one.attended) for one in after.seats
        ]
    else:
        seen = [(after.booker, before.attended if before is not None else None, after.attended)]
    found = [
        _announce("booking.showed" if came else "booking.no_show", after, one, news)
        for one, had_come, came in seen
        if came is not None and came != had_come
    ]
    if after.host_absent and not (before is not None and before.host_absent):
        found.append(_announce("booking.host_absent", after, after.booker, news))
    return found


def _announce(
    kind: Announcement, after: Booking, about: Attendee | None, news: News, *, old: datetime | None = None
) -> Announce:
    recipient = (about.email if about is not None and about.is_person else None) or ""
    by_phone = any(one.email is None for one in after.seats)
    moved = kind == "booking.rescheduled"
    return Announce(
        kind=kind,
        key=f"{kind}:{after.uid or after.calcom_booking_id or '-'}:{after.start_time:%Y%m%dT%H%M%SZ}:{recipient}",
        recipient=recipient,
        due_at=news.received_at,
        expires_at=news.source_at + _WORTH_TELLING_FOR,
        nobody=not recipient and not by_phone,
        old_start_time=old if moved and old != after.start_time else None,
    )
