"""Plan the messages to attendees that a change calls for, and withdraw those that it makes wrong (TE1 to TE4, TE11).

Everything follows from the states before and after an event, and from the event. A key names the meaning of a message
(booking uid, time, recipient), so that the same event by another route, or a replay, never sends a second message. If
an attendee takes a seat again, or a meeting returns to an earlier time, the attendee is notified again: the key counts
such returns.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import groupby, pairwise
from typing import Any, Final
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from showup.bookings.booking import Attendee, Booking, BookingUid
from showup.events import booking as events
from showup.outbox import expiry
from showup.outbox.planned import (
    CANCELLED,
    CONFIRMATION,
    NEW_HOST,
    NEW_PLACE,
    NO_SHOW,
    REMINDER,
    RESCHEDULE_REQUEST,
    RESCHEDULED,
    SERIES,
    WITH_SERIES,
    PlannedDelivery,
)
from showup.pipeline.booking_updates import becomes_live
from showup.pipeline.change import Change, Withdrawal, time_details
from showup.pipeline.quiet_hours import end_of_quiet_hours
from showup.pipeline.rules import Rules
from showup.values.time_zone import zone_of

_DECLINED: Final = "a person said that no other time is to be offered"
BOOKED_EVENTS: Final = (events.BookingMade, events.BookingRescheduled, events.SeatMoved)
_ACCEPTING_EVENTS: Final = (events.BookingRequested, events.BookingPaid)
# Events whose body may be the first to say that a booking was accepted.
_STATUS_EVENTS: Final = (*_ACCEPTING_EVENTS, events.LocationChanged, events.OrganizerChanged, events.MeetingStarted)
_REPORT_EVENTS: Final = (
    events.AttendanceReported,
    events.GuestsMissed,
    events.MeetingEnded,
    events.OutcomeReported,
    events.AttendeeReported,
)


def messages(change: Change) -> list[PlannedDelivery]:
    """Return the messages to attendees that the change calls for."""
    planned: list[PlannedDelivery] = []
    if change.is_ahead:
        is_booked = _is_booked(change)
        # Cal.com reads a booking when it sends: if it lists the booking as cancelled, the attendees know already.
        is_listed = change.record.event.booking.status not in ("CANCELLED", "REJECTED")
        if isinstance(change.record.event, events.BookingCancelled):
            planned += _cancelled(change)
        # A seat that is given back is listed as cancelled too, and the others keep the meeting.
        is_on = is_listed or change.decision.what == "booking.seat_given_back"
        if (is_booked or change.is_moved) and is_on:
            planned += _scheduled(change)
        if is_listed and not change.is_moved:
            planned += _new_host_or_place(change, is_booked=is_booked)
    return [_switched(one, change.rules) for one in (*planned, *_follow_ups(change))]


def _switched(planned: PlannedDelivery, rules: Rules) -> PlannedDelivery:
    """Return the message, marked if mails of its kind are switched off (U04)."""
    seconds = planned.details.get("before_seconds")
    before = None if seconds is None else timedelta(seconds=seconds)
    return planned if rules.is_mailed(planned.kind, before) else replace(planned, is_mailed=False)


def _is_booked(change: Change) -> bool:
    """Return whether the event says that the meeting is on, or accepts a booking that waited (F13)."""
    before, event = change.before, change.record.event
    if isinstance(event, BOOKED_EVENTS):
        return change.after.is_live
    is_accepted = becomes_live(before, change.after)
    return is_accepted and (
        isinstance(event, _ACCEPTING_EVENTS) if before is None else isinstance(event, _STATUS_EVENTS)
    )


def withdrawals(change: Change) -> list[Withdrawal]:
    """Return the withdrawals that the change calls for; they apply before new messages are planned."""
    found = [*_meeting_withdrawals(change)]
    before, after = change.before, change.after
    if before is None:
        return found
    if not after.seated:
        remaining = {one.email for one in after.seats}
        removed = frozenset(one.email for one in before.seats if one.email is not None and one.email not in remaining)
        if removed:
            found.append(Withdrawal(because="the recipient is no longer an attendee", recipients=removed))
    missed = {email for _, email in no_shows(after)}
    if excused := frozenset(email for _, email in no_shows(before) if email not in missed):
        because = "the host was absent" if after.host_absent else "the attendee is no longer reported as absent"
        found.append(Withdrawal(because=because, recipients=excused, kinds=frozenset({NO_SHOW})))
    if is_declined(change):
        found.append(Withdrawal(because=_DECLINED, kinds=frozenset({NO_SHOW})))
    return found


def is_declined(change: Change) -> bool:
    """Return whether the report of this event says that nobody is to be offered another time."""
    event = change.record.event
    return isinstance(event, events.OutcomeReported) and event.offer is False


def _meeting_withdrawals(change: Change) -> Iterable[Withdrawal]:
    """Yield what the change of the meeting itself withdraws."""
    event, what = change.record.event, change.decision.what
    listed = frozenset(one.email for one in event.booking.attendees if one.email is not None)
    if change.is_moved:
        yield Withdrawal(because="the meeting was moved to another time")
    elif what == "booking.reschedule_requested":
        yield Withdrawal(because="the attendee requested another time")
    elif isinstance(event, events.SeatLeft):
        yield Withdrawal(because="the attendee moved to another time", recipients=listed)
    elif what == "booking.seat_given_back":
        yield Withdrawal(because="the attendee gave back the seat", recipients=listed)
    elif isinstance(event, events.BookingCancelled):
        yield Withdrawal(because="the meeting was cancelled")
    elif what == "booking.seat_taken" or (what == "booking.accepted" and isinstance(event, events.BookingRescheduled)):
        recipients = listed if what == "booking.seat_taken" else None
        because = "the meeting is scheduled again"
        yield Withdrawal(because=because, recipients=recipients, kinds=frozenset({CANCELLED}))


def _scheduled(change: Change) -> Iterable[PlannedDelivery]:
    """Yield the confirmation of the meeting, or its new time, and the reminders.

    For a booking with seats this covers the attendees that the event lists; all of them if the meeting was moved.
    """
    after = change.after
    is_rescheduled = len(after.uids) > 1 or after.reschedule_count > 0
    old_start_time = after.uids[-2].start_time if len(after.uids) > 1 else None
    for attendee, email in _recipients(change, all_seats=change.is_moved):
        key = f"scheduled:{_meeting_key(after, attendee)}:{email}"
        if is_rescheduled:
            yield change.message(RESCHEDULED, email, key, details=time_details(old_start_time))
        elif after.series_uid is not None and change.rules.confirm_series == "once":
            # The dates of a series arrive one by one; the final check sends one of these mails for all of them (F14).
            yield change.message(SERIES, email, key, due_at=change.record.received_at + change.rules.series_wait)
        else:
            yield change.message(CONFIRMATION, email, key)
        yield from _reminders(change, attendee, email)


def _reminders(change: Change, attendee: Attendee, email: str) -> list[PlannedDelivery]:
    """Plan the reminders still ahead; record a skip if the meeting is closer than the smallest offset (TE4)."""
    start_time, rules = change.after.start_time, change.rules
    key = f"reminder:{_meeting_key(change.after, attendee)}:{email}"
    offsets = sorted(set(rules.remind_before), reverse=True)
    reminders = [
        change.message(
            REMINDER,
            email,
            f"{key}:{round(before.total_seconds())}",
            due_at=start_time - before,
            expires_at=expiry.of_reminder(start_time, next_before),
            details={"before_seconds": round(before.total_seconds())},
        )
        for before, next_before in pairwise([*offsets, timedelta(0)])
        if start_time - before > change.record.received_at
    ]
    if reminders or not offsets:
        return reminders
    skipped = change.message(REMINDER, email, f"{key}:none", expires_at=start_time)
    return [replace(skipped, state="skipped", because="meeting_too_soon")]


def _cancelled(change: Change) -> list[PlannedDelivery]:
    """Notify the attendees who lost the meeting: all of them, or those who gave back their seats.

    If the host only asks for another time, the message asks the attendees to choose one (F02).
    """
    after = change.after
    kind = RESCHEDULE_REQUEST if after.reschedule_requested else CANCELLED
    if change.decision.what == "booking.seat_given_back":
        keys = {one.key for one in change.record.event.booking.attendees}
        attendees = [one for one in after.attendees if one.key in keys]
    else:
        attendees = [*notified_attendees(after, change.rules)]
    # The dates of a series are cancelled one by one; the final check sends one of these mails for all of them (F14).
    waits = kind == CANCELLED and after.series_uid is not None and change.rules.confirm_series == "once"
    due_at = change.record.received_at + change.rules.series_wait if waits else None
    details = {WITH_SERIES: True} if waits else {}
    return [
        change.message(
            kind, one.email, f"{kind}:{_meeting_key(after, one)}:{one.email}", due_at=due_at, details=details
        )
        for one in attendees
        if one.is_person and one.email is not None
    ]


def _new_host_or_place(change: Change, *, is_booked: bool) -> list[PlannedDelivery]:
    """Notify all attendees of another host or another place of a meeting that they know of (F06).

    `is_booked`: the event also confirms the meeting.
    """
    before, after = change.before, change.after
    place = _place(after)
    if before is None or not (before.is_live and after.is_live):
        # The first event about the booking may say that its place is new.
        is_relocated = isinstance(change.record.event, events.LocationChanged) and after.is_live and not is_booked
        return _changed(change, NEW_PLACE, place, {}) if is_relocated and place is not None else []
    old_host, host = before.organizer_email, after.organizer_email
    if old_host is not None and host is not None and old_host != host:
        details: dict[str, Any] = {} if before.organizer_name is None else {"old_host": before.organizer_name}
        if place != _place(before):
            details["has_new_place"] = True
        return _changed(change, NEW_HOST, f"{host} {place or ''}", details)
    if place is not None and place != _place(before):
        return _changed(change, NEW_PLACE, place, _old_place(before))
    return []


def _old_place(before: Booking) -> dict[str, Any]:
    """Return the place that a new one replaces, if it is an address: a link may contain a uid, and tells nothing."""
    is_address = before.meeting_url is None and before.location_kind in ("organizer_place", "attendee_place")
    return {"old_place": before.location} if is_address and before.location is not None else {}


def _changed(change: Change, kind: str, what: str, details: dict[str, Any]) -> list[PlannedDelivery]:
    # A place may be longer than an index key can be.
    digest = sha256(what.encode()).hexdigest()[:16]
    return [
        change.message(kind, email, f"{kind}:{_meeting_key(change.after, attendee)}:{email}:{digest}", details=details)
        for attendee, email in _recipients(change, all_seats=True)
    ]


def _place(booking: Booking) -> str | None:
    return booking.meeting_url or booking.location


def _follow_ups(change: Change) -> Iterable[PlannedDelivery]:
    """Offer another time to attendees reported as absent, after the meeting and in their daytime (TE11).

    Every report plans them, not only the first: that one may have come too late, and a key is delivered only once.
    Freshness counts from the event. Meetings that ended long ago get no follow-up.
    """
    after, rules, event = change.after, change.rules, change.record.event
    offer = event.offer if isinstance(event, events.OutcomeReported) else None
    is_offered = rules.follow_up if offer is None else offer
    if not (is_offered and change.is_fresh and isinstance(event, _REPORT_EVENTS)):
        return
    end_at = after.end_time or after.start_time
    rebook_link = {"rebook_url": rules.follow_up_rebook_url} if rules.follow_up_rebook_url else {}
    # A person gets at most one follow-up in this span, however many meetings they missed.
    details = {"at_most_every_seconds": round(rules.follow_up_at_most_every.total_seconds()), **rebook_link}
    for attendee, email in no_shows(after):
        zone = zone_of(attendee.time_zone, after.organizer_time_zone)
        due_at, expires_at = follow_up_times(end_at, change.record.received_at, zone, rules)
        if due_at < expires_at:
            key = f"missed:{_meeting_key(after, attendee)}:{email}"
            yield change.message(NO_SHOW, email, key, due_at=due_at, expires_at=expires_at, details=details)


def follow_up_times(end_at: datetime, reported_at: datetime, zone: ZoneInfo, rules: Rules) -> tuple[datetime, datetime]:
    """Return when another time is offered to an attendee in `zone`, outside their quiet hours, and when it expires."""
    due_at = end_of_quiet_hours(max(end_at, reported_at) + rules.follow_up_after, zone, rules.follow_up_quiet_hours)
    return due_at, expiry.of_follow_up(end_at, rules.follow_up_after, rules.follow_up_expires_after)


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


def _recipients(change: Change, *, all_seats: bool) -> list[tuple[Attendee, str]]:
    """Return the attendees to notify, with addresses; for a booking with seats, those that the event lists."""
    after = change.after
    attendees = after.seats if after.seated else notified_attendees(after, change.rules)
    found = [(one, one.email) for one in attendees if one.is_person and one.email]
    if not after.seated or all_seats:
        return found
    listed = {one.email for one in change.record.event.booking.attendees}
    return [(one, email) for one, email in found if email in listed]


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
