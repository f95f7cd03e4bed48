"""Announce changes of bookings and deals to subscribers other than attendees: CRM, team, other programs (TE5 to TE8).

An announcement is the difference between the states before and after an event, so an event without changes announces
nothing. The event that made the change may have been too old to announce: a copy that arrived days late, or a backfill.
A later event that repeats the state restates it; a restated announcement is made if there was none of that state yet.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

from msgspec.structs import replace

from showup.bookings.booking import Attendee, Booking
from showup.deals.deal import Deal
from showup.events import booking as events
from showup.events.details import BookingEvent
from showup.events.kinds import AnnouncementKind, DealAnnouncementKind
from showup.events.proposal import ProposalSaved
from showup.outbox import expiry
from showup.outbox.planned import PlannedDelivery
from showup.pipeline.change import AuditEntry, Change, time_details
from showup.pipeline.messages import BOOKED_EVENTS
from showup.pipeline.proposals import proposal_details

_ATTENDANCE_EVENTS: Final = (
    events.MeetingEnded,
    events.AttendanceReported,
    events.GuestsMissed,
    events.HostMissed,
    events.OutcomeReported,
    events.AttendeeReported,
)
_STATUS_EVENTS: Final[dict[str, tuple[type[BookingEvent], ...]]] = {
    "PENDING": (events.BookingRequested, events.PaymentStarted, events.BookingMade, events.BookingRescheduled),
    "REJECTED": (events.BookingRejected,),
    "CANCELLED": (events.BookingCancelled,),
}
_STATUS_KINDS: Final[dict[str, AnnouncementKind]] = {
    "PENDING": "booking.requested",
    "REJECTED": "booking.rejected",
    "CANCELLED": "booking.cancelled",
}


def announcements(change: Change) -> list[PlannedDelivery]:
    """Return the announcements of what changed."""
    found: list[PlannedDelivery] = []
    if change.is_ahead:
        found += _of_seats(change) if change.after.seated else _of_booking(change)
        found += _of_confirmation(change)
    if change.is_fresh and change.after.is_live:
        found += _of_attendance(change, change.before)
    return [*found, *_of_proposal(change)]


def restatements(change: Change) -> list[PlannedDelivery]:
    """Return the announcements of the state that the event reports, new or not."""
    found: list[PlannedDelivery] = []
    if change.is_ahead:
        found += _of_status(change)
    if change.is_fresh and change.after.is_live and isinstance(change.record.event, _ATTENDANCE_EVENTS):
        found += _of_attendance(change, None)
    return found


def _of_status(change: Change) -> list[PlannedDelivery]:
    after, event = change.after, change.record.event
    if after.is_live and isinstance(event, BOOKED_EVENTS):
        kind: AnnouncementKind = "booking.rescheduled" if after.reschedule_count else "booking.created"
        if not after.seated:
            return [_announcement(change, kind, after.booker)]
        listed = {one.email for one in event.booking.attendees}
        return [_announcement(change, "booking.created", one) for one in after.seats if one.email in listed]
    if not after.seated and isinstance(event, _STATUS_EVENTS.get(after.status, ())):
        return [_announcement(change, _STATUS_KINDS[after.status], after.booker)]
    return []


def _of_booking(change: Change) -> list[PlannedDelivery]:
    before, after = change.before, change.after
    was_live = before is not None and before.is_live
    kinds: Iterable[AnnouncementKind] = ()
    if after.is_live and not was_live:
        kinds = ["booking.rescheduled" if after.reschedule_count else "booking.created"]
    elif before is not None and after.is_live:
        kinds = _change_kinds(before, change)
    elif before.status != after.status if before is not None else _is_reported(change):
        kinds = [_STATUS_KINDS[after.status]]
    old_start_time = before.start_time if before is not None else None
    return [_announcement(change, kind, after.booker, old_start_time=old_start_time) for kind in kinds]


def _is_reported(change: Change) -> bool:
    """Return whether the first event of a booking that is not on says so: one that ended before is no news (F13)."""
    status = change.after.status
    return status == "PENDING" or isinstance(change.record.event, _STATUS_EVENTS[status])


def _change_kinds(before: Booking, change: Change) -> Iterable[AnnouncementKind]:
    """Yield what subscribers must know of a meeting that goes on; each of their messages has its host and its place."""
    after = change.after
    place = _meeting_place(after)
    is_elsewhere = _meeting_place(before) != place
    if before.start_time != after.start_time:
        yield "booking.rescheduled"
    elif before.organizer_email != after.organizer_email:
        yield "booking.reassigned"
    elif is_elsewhere and place is not None:
        yield "booking.location_changed"
        return
    if is_elsewhere and change.decision.what == "booking.relocated":
        yield "booking.location_changed"


def _meeting_place(booking: Booking) -> str | None:
    return booking.meeting_url or booking.location


def _of_seats(change: Change) -> list[PlannedDelivery]:
    """Announce each seat as a booking of its own: taken, moved with the meeting, or given up."""
    after = change.after
    live_before = change.before if change.before is not None and change.before.is_live else None
    old_seats = {_seat_key(one) for one in live_before.seats} if live_before is not None else set()
    new_seats = after.seats if after.is_live else ()
    taken = [one for one in new_seats if _seat_key(one) not in old_seats]
    kept = [one for one in new_seats if _seat_key(one) in old_seats]
    left_keys = old_seats - {_seat_key(one) for one in kept}
    found = [_announcement(change, "booking.created", one) for one in taken]
    if live_before is not None:
        kinds = [*_change_kinds(live_before, change)]
        old_time = live_before.start_time
        found += [_announcement(change, kind, one, old_start_time=old_time) for one in kept for kind in kinds]
    left = [one for one in after.attendees if _seat_key(one) in left_keys]
    return [*found, *(_announcement(change, "booking.cancelled", one) for one in left)]


def _seat_key(attendee: Attendee) -> tuple[str, int]:
    return attendee.key, attendee.rejoin_count


def _of_attendance(change: Change, before: Booking | None) -> Iterable[PlannedDelivery]:
    """Announce attendance: per attendee for bookings with seats, otherwise of the primary attendee for the booker."""
    after = change.after
    attendance: list[tuple[Attendee | None, bool | None, bool | None]]
    if after.seated:
        attended_before = {one.key: one.attended for one in before.attendees} if before is not None else {}
        attendance = [(one, attended_before.get(one.key), one.attended) for one in after.seats]
    else:
        attendance = [(after.booker, before.attended if before is not None else None, after.attended)]
    for one, came_before, came in attendance:
        if came is not None and came != came_before:
            yield _announcement(change, "booking.showed" if came else "booking.no_show", one)
    if after.host_absent and not (before is not None and before.host_absent):
        yield _announcement(change, "booking.host_absent", after.booker)


def _of_confirmation(change: Change) -> Iterable[PlannedDelivery]:
    """Announce an attendee's yes to a meeting that will take place (TE14)."""
    before, event = change.before, change.record.event
    if before is None or not (isinstance(event, events.AttendeeConfirmed) and change.after.is_live):
        return
    unanswered = {one.key for one in before.attendees if one.confirmed_at is None}
    for one in change.after.seats:
        if one.confirmed_at is not None and one.key in unanswered:
            yield _announcement(change, "booking.confirmed", one)


def _of_proposal(change: Change) -> Iterable[PlannedDelivery]:
    """Announce a proposal whose PDF was made, and each change of one, whatever became of the meeting (AP3)."""
    event, after = change.record.event, change.after
    if isinstance(event, ProposalSaved) and event.is_ready and change.is_fresh:
        announced = _announcement(change, "proposal.requested", after.booker)
        yield replace(
            announced,
            key=f"proposal.requested:{event.proposal}",
            details={"proposal": proposal_details(event.proposal, event.number, event.content)},
        )


def _announcement(
    change: Change, kind: AnnouncementKind, attendee: Attendee | None, *, old_start_time: datetime | None = None
) -> PlannedDelivery:
    after, record = change.after, change.record
    recipient = (attendee.email if attendee is not None and attendee.is_person else None) or ""
    has_phone_attendee = any(one.email is None for one in after.seats)
    is_other_time = kind == "booking.rescheduled" and old_start_time != after.start_time
    return PlannedDelivery(
        kind=kind,
        key=f"{kind}:{after.uid or after.calcom_booking_id or '-'}:{after.start_time:%Y%m%dT%H%M%SZ}:{recipient}"
        f"{_host_or_place_key(kind, after)}",
        recipient=recipient,
        event_id=record.event_id,
        booking_version=after.version,
        decided_at=record.received_at,
        due_at=record.received_at,
        expires_at=expiry.of_kind(kind, record.source_at),
        details=time_details(old_start_time) if is_other_time else {},
        is_announcement=True,
        is_internal=not recipient and not has_phone_attendee,
    )


def _host_or_place_key(kind: AnnouncementKind, booking: Booking) -> str:
    """Return what tells one new host or place from the next; a place may be longer than an index key can be."""
    place = _meeting_place(booking) or ""
    match kind:
        case "booking.reassigned":
            what = f"{booking.organizer_email} {place}"
        case "booking.location_changed":
            what = place
        case _:
            return ""
    return f":{sha256(what.encode()).hexdigest()[:16]}"


_DEAL_STATUS_KINDS: Final[dict[str, DealAnnouncementKind]] = {
    "active": "deal.reopened",
    "won": "deal.won",
    "lost": "deal.lost",
    "cancelled": "deal.cancelled",
}
_DEAL_FIELD_KINDS: Final[dict[str, DealAnnouncementKind]] = {
    "stage": "deal.stage_changed",
    "owner_email": "deal.reassigned",
    "amount": "deal.changed",
    "currency": "deal.changed",
}
_DEAL_FIELDS: Final = ("status", "stage", "owner_email", "currency", "lost_reason")


def deal_kinds(entry: AuditEntry) -> list[DealAnnouncementKind]:
    """Return the announcement kinds of a deal's audit entry, each once; none if it does not change the deal."""
    if entry.what == "deal.opened":
        return ["deal.created"]
    found_kinds: list[DealAnnouncementKind] = []
    if "status" in entry.change:
        found_kinds.append(_DEAL_STATUS_KINDS[entry.change["status"][1]])
    found_kinds += [kind for field, kind in _DEAL_FIELD_KINDS.items() if field in entry.change]
    return list(dict.fromkeys(found_kinds))


def deal_details(entry: AuditEntry, deal: Deal, company: dict[str, Any]) -> dict[str, Any]:
    """Return the deal as of the entry, with its changes (`[before, after]` by field), the reason and the actor."""
    return {
        "deal": {
            "id": str(deal.id),
            **{name: getattr(deal, name) for name in _DEAL_FIELDS},
            "amount": None if deal.amount is None else float(deal.amount),
            "company": company,
            # Deliveries may arrive out of order; receivers use this value to see which of two is newer.
            "updated_at": deal.updated_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        },
        "change": entry.change,
        "because": entry.because,
        "by": entry.actor,
    }
