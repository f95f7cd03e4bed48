"""What attendees should be told, by whom it concerns, and only while it is worth telling (PI13).

A key names what a message means (this booking's uid, this time, this recipient), so that the same news by another
route, or a story told again, never makes a second message of it. Whoever takes a seat again, and a meeting that comes
back to a time it had, are told once more: the key counts such returns.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import groupby, pairwise

from showup.bookings.booking import Attendee, Booking, UidHeld
from showup.effects import (
    Confirm,
    Effect,
    FollowUp,
    Remind,
    SkipReminders,
    TellCancelled,
    TellNewPlace,
    TellRescheduled,
)
from showup.events import News
from showup.pipeline.quiet import after_quiet, zone_of
from showup.pipeline.rules import Rules


def is_fresh(news: News, rules: Rules) -> bool:
    """Whether we heard of it soon enough after it happened to tell anybody; history is told to nobody."""
    return not news.untold and news.received_at - news.source_at < rules.fresh_for


def is_worth_telling(booking: Booking, news: News, rules: Rules) -> bool:
    """Fresh news about a meeting that was still ahead when we heard of it."""
    return is_fresh(news, rules) and booking.start_time > news.received_at


def _until(booking: Booking, news: News, rules: Rules) -> datetime:
    """Until when news that is worth telling stays so, if it is held up on its way."""
    return min(booking.start_time, news.source_at + rules.fresh_for)


def of_standing(booking: Booking, news: News, rules: Rules, *, everybody: bool = False) -> tuple[Effect, ...]:
    """The meeting stands: confirm it, or tell its new time, and remind before it.

    Of a booking with seats this concerns those whom the news lists; `everybody` where it is about all the seats.
    """
    if not is_worth_telling(booking, news, rules):
        return ()
    until = _until(booking, news, rules)
    found: list[Effect] = []
    for attendee, email in _seated(booking) if booking.seated and everybody else _recipients(booking, news, rules):
        key = f"stands:{_meeting(booking, attendee)}:{email}"
        if len(booking.uids) > 1 or booking.reschedule_count:
            old = booking.uids[-2].start_time if len(booking.uids) > 1 else None
            found.append(
                TellRescheduled(key=key, recipient=email, due_at=news.received_at, expires_at=until, old_start_time=old)
            )
        else:
            found.append(Confirm(key=key, recipient=email, due_at=news.received_at, expires_at=until))
        found.extend(_reminders(booking, attendee, email, news, rules))
    return tuple(found)


def of_cancelling(booking: Booking, news: News, rules: Rules, attendees: Iterable[Attendee]) -> tuple[Effect, ...]:
    """The meeting is off, for these attendees."""
    if not is_worth_telling(booking, news, rules):
        return ()
    return tuple(
        TellCancelled(
            key=f"cancelled:{_meeting(booking, one)}:{one.email}",
            recipient=one.email,
            due_at=news.received_at,
            expires_at=_until(booking, news, rules),
        )
        for one in attendees
        if one.is_person and one.email is not None
    )


def of_new_place(booking: Booking, news: News, rules: Rules) -> tuple[Effect, ...]:
    """The meeting takes place elsewhere."""
    place = booking.meeting_url or booking.location
    if place is None or not is_worth_telling(booking, news, rules):
        return ()
    # A place may be longer than what an index of keys can hold.
    told = sha256(place.encode()).hexdigest()[:16]
    return tuple(
        TellNewPlace(
            key=f"place:{_meeting(booking, attendee)}:{email}:{told}",
            recipient=email,
            due_at=news.received_at,
            expires_at=_until(booking, news, rules),
        )
        for attendee, email in _recipients(booking, news, rules)
    )


def _reminders(booking: Booking, attendee: Attendee, email: str, news: News, rules: Rules) -> list[Effect]:
    """Those still ahead; a meeting nearer than the smallest offset gets none, and says so (TE4)."""
    meeting = _meeting(booking, attendee)
    found: list[Effect] = []
    offsets = sorted(set(rules.remind_before), reverse=True)
    for before, after in pairwise([*offsets, timedelta(0)]):
        due_at = booking.start_time - before
        if due_at > news.received_at:
            key = f"remind:{meeting}:{email}:{round(before.total_seconds())}"
            # Once the next one is due, this one would only come beside it.
            expires_at = booking.start_time - after
            found.append(Remind(key=key, recipient=email, due_at=due_at, expires_at=expires_at, before=before))
    if not found and rules.remind_before:
        found.append(
            SkipReminders(
                key=f"remind:{meeting}:{email}:none",
                recipient=email,
                due_at=news.received_at,
                expires_at=booking.start_time,
                because="meeting_too_soon",
            )
        )
    return found


def of_absence(booking: Booking, news: News, rules: Rules) -> tuple[Effect, ...]:
    """Who is said to have missed the meeting is offered another, after it and in the day of where they are (TE11).

    How fresh that is, counts from the news; and a meeting that is over for long is left in peace.
    """
    if not rules.follow_up or not is_fresh(news, rules):
        return ()
    over_at = booking.end_time or booking.start_time
    expires_at = over_at + rules.follow_up_after + rules.follow_up_expires_after
    found = []
    for attendee, email in absent(booking):
        zone = zone_of(attendee.time_zone, booking.organizer_time_zone)
        due_at = after_quiet(max(over_at, news.received_at) + rules.follow_up_after, zone, rules.follow_up_quiet_hours)
        if due_at < expires_at:
            key = f"missed:{_meeting(booking, attendee)}:{email}"
            found.append(
                FollowUp(
                    key=key,
                    recipient=email,
                    due_at=due_at,
                    expires_at=expires_at,
                    at_most_every=rules.follow_up_at_most_every,
                    rebook_url=rules.follow_up_rebook_url or None,
                )
            )
    return tuple(found)


def absent(booking: Booking) -> list[tuple[Attendee, str]]:
    """Those of the meeting's own people of whom somebody said that they did not come, though the host did."""
    if not booking.is_live or booking.host_absent:
        return []
    told = booking.seats if booking.seated else [one for one in booking.seats if one == booking.booker]
    missed = [one for one in told if one.attended is False and one.evidence == "reported"]
    return [(one, one.email) for one in missed if one.is_person and one.email]


def concerned(booking: Booking, rules: Rules) -> tuple[Attendee, ...]:
    """Whom the whole meeting concerns: the booker, or everybody with a seat, or, where rules say so, all guests too."""
    if booking.seated or (rules.tell_guests and any(one.is_person for one in booking.seats)):
        return booking.seats
    return (booking.booker,) if booking.booker is not None else ()


def _recipients(booking: Booking, news: News, rules: Rules) -> list[tuple[Attendee, str]]:
    """Whom the meeting concerns; of a booking with seats, whoever the news lists. Each with the address."""
    if not booking.seated:
        return [(one, one.email) for one in concerned(booking, rules) if one.is_person and one.email]
    listed = {one.email for one in news.event.booking.attendees}
    return [(one, email) for one, email in _seated(booking) if email in listed]


def _seated(booking: Booking) -> list[tuple[Attendee, str]]:
    return [(one, one.email) for one in booking.seats if one.is_person and one.email]


def _meeting(booking: Booking, attendee: Attendee) -> str:
    """The meeting as this attendee has it: both counts only grow, so their sum is never the same one twice."""
    returns = _returns(booking) + attendee.returns
    again = f"+{returns}" if returns else ""
    return f"{booking.uid or booking.calcom_booking_id or '-'}:{booking.start_time:%Y%m%dT%H%M%SZ}{again}"


def _returns(booking: Booking) -> int:
    """How often the meeting has come back to the uid and time that it has."""
    stays = [stay for stay, _ in groupby(booking.uids, key=_stay)]
    return max(0, stays.count(stays[-1]) - 1) if stays else 0


def _stay(held: UidHeld) -> tuple[str | None, datetime | None]:
    return held.uid or held.calcom_booking_id, held.start_time
