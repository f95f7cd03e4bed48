"""Decide which attendees to notify, and until when a notification is useful (PI13).

A key names the meaning of a message (booking uid, time, recipient), so that the same event by another route, or a
replay, never sends a second message. If an attendee takes a seat again, or a meeting returns to an earlier time, the
attendee is notified again: the key counts such returns.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import groupby, pairwise

from showup.bookings.booking import Attendee, Booking, BookingUid
from showup.effects import (
    Confirm,
    Effect,
    FollowUp,
    NotifyCancelled,
    NotifyNewPlace,
    NotifyRescheduled,
    Remind,
    SkipReminders,
)
from showup.events.envelope import AnyRecord, BookingRecord
from showup.pipeline.quiet_hours import end_of_quiet_hours, zone_of
from showup.pipeline.rules import Rules


def is_fresh(record: AnyRecord, rules: Rules) -> bool:
    """Return whether the event arrived soon enough for notifications; a backfilled event never causes any."""
    return not record.is_history and record.received_at - record.source_at < rules.fresh_for


def is_notifiable(booking: Booking, record: BookingRecord, rules: Rules) -> bool:
    """Return whether the event is fresh and its meeting was still ahead when it arrived."""
    return is_fresh(record, rules) and booking.start_time > record.received_at


def _expires_at(booking: Booking, record: BookingRecord, rules: Rules) -> datetime:
    """Return when a notification of this event expires if it is delayed."""
    return min(booking.start_time, record.source_at + rules.fresh_for)


def notify_scheduled(
    booking: Booking, record: BookingRecord, rules: Rules, *, all_seats: bool = False
) -> tuple[Effect, ...]:
    """Confirm the meeting or send its new time, and plan the reminders.

    For a booking with seats this covers the attendees that the event lists; `all_seats` covers every seat.
    """
    if not is_notifiable(booking, record, rules):
        return ()
    expires_at = _expires_at(booking, record, rules)
    effects: list[Effect] = []
    for attendee, email in (
        _seat_recipients(booking) if booking.seated and all_seats else _recipients(booking, record, rules)
    ):
        key = f"stands:{_meeting_key(booking, attendee)}:{email}"
        if len(booking.uids) > 1 or booking.reschedule_count:
            old_start_time = booking.uids[-2].start_time if len(booking.uids) > 1 else None
            effects.append(
                NotifyRescheduled(
                    key=key,
                    recipient=email,
                    due_at=record.received_at,
                    expires_at=expires_at,
                    old_start_time=old_start_time,
                )
            )
        else:
            effects.append(Confirm(key=key, recipient=email, due_at=record.received_at, expires_at=expires_at))
        effects.extend(_reminders(booking, attendee, email, record, rules))
    return tuple(effects)


def notify_cancelled(
    booking: Booking, record: BookingRecord, rules: Rules, attendees: Iterable[Attendee]
) -> tuple[Effect, ...]:
    """Notify these attendees that the meeting is cancelled."""
    if not is_notifiable(booking, record, rules):
        return ()
    return tuple(
        NotifyCancelled(
            key=f"cancelled:{_meeting_key(booking, one)}:{one.email}",
            recipient=one.email,
            due_at=record.received_at,
            expires_at=_expires_at(booking, record, rules),
        )
        for one in attendees
        if one.is_person and one.email is not None
    )


def notify_new_place(booking: Booking, record: BookingRecord, rules: Rules) -> tuple[Effect, ...]:
    """Notify attendees of the new meeting place."""
    place = booking.meeting_url or booking.location
    if place is None or not is_notifiable(booking, record, rules):
        return ()
    # A place may be longer than an index key can be.
    place_digest = sha256(place.encode()).hexdigest()[:16]
    return tuple(
        NotifyNewPlace(
            key=f"place:{_meeting_key(booking, attendee)}:{email}:{place_digest}",
            recipient=email,
            due_at=record.received_at,
            expires_at=_expires_at(booking, record, rules),
        )
        for attendee, email in _recipients(booking, record, rules)
    )


def _reminders(booking: Booking, attendee: Attendee, email: str, record: BookingRecord, rules: Rules) -> list[Effect]:
    """Plan the reminders still ahead; record a skip if the meeting is closer than the smallest offset (TE4)."""
    meeting = _meeting_key(booking, attendee)
    reminders: list[Effect] = []
    offsets = sorted(set(rules.remind_before), reverse=True)
    for before, after in pairwise([*offsets, timedelta(0)]):
        due_at = booking.start_time - before
        if due_at > record.received_at:
            key = f"remind:{meeting}:{email}:{round(before.total_seconds())}"
            # Once the next reminder is due, this one would only duplicate it.
            expires_at = booking.start_time - after
            reminders.append(Remind(key=key, recipient=email, due_at=due_at, expires_at=expires_at, before=before))
    if not reminders and rules.remind_before:
        reminders.append(
            SkipReminders(
                key=f"remind:{meeting}:{email}:none",
                recipient=email,
                due_at=record.received_at,
                expires_at=booking.start_time,
                because="meeting_too_soon",
            )
        )
    return reminders


def notify_missed(booking: Booking, record: BookingRecord, rules: Rules) -> tuple[Effect, ...]:
    """Offer another time to attendees reported as absent, after the meeting and in their daytime (TE11).

    Freshness counts from the event. Meetings that ended long ago get no follow-up.
    """
    if not rules.follow_up or not is_fresh(record, rules):
        return ()
    end_at = booking.end_time or booking.start_time
    expires_at = end_at + rules.follow_up_after + rules.follow_up_expires_after
    follow_ups = []
    for attendee, email in no_shows(booking):
        zone = zone_of(attendee.time_zone, booking.organizer_time_zone)
        due_at = end_of_quiet_hours(
            max(end_at, record.received_at) + rules.follow_up_after, zone, rules.follow_up_quiet_hours
        )
        if due_at < expires_at:
            key = f"missed:{_meeting_key(booking, attendee)}:{email}"
            follow_ups.append(
                FollowUp(
                    key=key,
                    recipient=email,
                    due_at=due_at,
                    expires_at=expires_at,
                    at_most_every=rules.follow_up_at_most_every,
                    rebook_url=rules.follow_up_rebook_url or None,
                )
            )
    return tuple(follow_ups)


def no_shows(booking: Booking) -> list[tuple[Attendee, str]]:
    """Return the meeting's own attendees who were reported as absent although the host came."""
    if not booking.is_live or booking.host_absent:
        return []
    attendees = booking.seats if booking.seated else [one for one in booking.seats if one == booking.booker]
    missed_attendees = [one for one in attendees if one.attended is False and one.evidence == "reported"]
    return [(one, one.email) for one in missed_attendees if one.is_person and one.email]


def notified_attendees(booking: Booking, rules: Rules) -> tuple[Attendee, ...]:
    """Return the attendees to notify: the booker, or everybody with a seat, or all guests if the rules say so."""
    if booking.seated or (rules.notify_guests and any(one.is_person for one in booking.seats)):
        return booking.seats
    return (booking.booker,) if booking.booker is not None else ()


def _recipients(booking: Booking, record: BookingRecord, rules: Rules) -> list[tuple[Attendee, str]]:
    """Return the attendees to notify, with addresses; for a booking with seats, those that the event lists."""
    if not booking.seated:
        return [(one, one.email) for one in notified_attendees(booking, rules) if one.is_person and one.email]
    listed = {one.email for one in record.event.booking.attendees}
    return [(one, email) for one, email in _seat_recipients(booking) if email in listed]


def _seat_recipients(booking: Booking) -> list[tuple[Attendee, str]]:
    return [(one, one.email) for one in booking.seats if one.is_person and one.email]


def _meeting_key(booking: Booking, attendee: Attendee) -> str:
    """Return a key for the meeting and attendee. Both counts only grow, so their sum is never reused."""
    return_count = _return_count(booking) + attendee.rejoin_count
    suffix = f"+{return_count}" if return_count else ""
    return f"{booking.uid or booking.calcom_booking_id or '-'}:{booking.start_time:%Y%m%dT%H%M%SZ}{suffix}"


def _return_count(booking: Booking) -> int:
    """Return how often the meeting has returned to its current uid and time."""
    slots = [slot for slot, _ in groupby(booking.uids, key=_time_slot)]
    return max(0, slots.count(slots[-1]) - 1) if slots else 0


def _time_slot(uid_entry: BookingUid) -> tuple[str | None, datetime | None]:
    return uid_entry.uid or uid_entry.calcom_booking_id, uid_entry.start_time
