"""Apply manual events about a booking: its outcome, who came, an attendee's yes, its company, its deal (PI12)."""

from datetime import datetime

from msgspec.structs import replace

from showup.bookings.booking import Attendee, Booking
from showup.deals.deal import DealEventKind
from showup.events.booking import (
    AttendeeConfirmed,
    AttendeeReported,
    BookingAttached,
    NextStepChanged,
    OutcomeReported,
)
from showup.pipeline.attended import attendance_deal_events
from showup.pipeline.decision import Decision
from showup.values.email_address import display_email

_OUTCOME_REASONS = {
    "showed": "the attendee came",
    "no_show": "the attendee did not come",
    "host_absent": "the host was absent",
    "rescheduled": "the meeting did not take place and will be rescheduled",
}


def outcome_reported(before: Booking | None, event: OutcomeReported, at: datetime) -> Decision:
    """Apply a witness's report of the outcome. A postponed meeting leaves attendance open and the deal unchanged.

    A report about a booking that is not accepted is a conflict: the meeting was on, as far as the witness knew. So is
    one before the start, except that the meeting gets another time: a host may end a meeting early, but not before it.
    """
    assert before is not None, "an outcome report can't create a booking"
    conflict = _report_conflict(before, at, is_about_attendance=event.outcome != "rescheduled")
    after = replace(
        before,
        status="ACCEPTED",
        cancellation_reason=before.cancellation_reason if before.is_live else None,
        cancelled_by=before.cancelled_by if before.is_live else None,
        reschedule_requested=before.reschedule_requested and before.is_live,
        attendees=_reported_attendees(before, event),
        host_absent=event.outcome == "host_absent",
        outcome=event.outcome,
        outcome_notes=event.notes if event.notes is not None else before.outcome_notes,
        next_step=event.next_step if event.next_step is not None else before.next_step,
    )
    if after == before:
        return Decision(after=after)
    scheduled_again: tuple[DealEventKind, ...] = () if before.is_live else ("booked",)
    attendance = () if event.outcome == "rescheduled" else attendance_deal_events(before, after)
    return Decision(
        after=after,
        what="outcome.reported",
        because=_OUTCOME_REASONS[event.outcome],
        deal_events=(*scheduled_again, *attendance),
        conflict=conflict,
    )


def attendee_reported(before: Booking | None, event: AttendeeReported, at: datetime) -> Decision:
    """Apply a witness's report about one attendee. Those that conflict are the same as of a report of the outcome."""
    assert before is not None, "a report about an attendee can't create a booking"
    who = display_email(event.attendee)
    attendee = next((one for one in before.attendees if one.key == event.attendee), None)
    if attendee is None:
        return Decision(after=before, conflict=f"{who} is not among the attendees")
    marked = replace(attendee, attended=event.came, evidence=None if event.came is None else "reported")
    after = replace(before, attendees=tuple(marked if one is attendee else one for one in before.attendees))
    because = f"{who} came" if event.came else f"{who} did not come"
    return Decision(
        after=after,
        what="attendee.reported" if after != before else "",
        because=f"it is not known whether {who} came" if event.came is None else because,
        deal_events=attendance_deal_events(before, after),
        conflict=_report_conflict(before, at, is_about_attendance=True),
    )


def next_step_changed(before: Booking | None, event: NextStepChanged) -> Decision:
    """Apply a new next step."""
    assert before is not None, "a next step can't create a booking"
    after = replace(before, next_step=event.next_step or None)
    because = "changed manually" if event.next_step else "it is done"
    return Decision(after=after, what="next_step.changed" if after != before else "", because=because)


def command_undone(before: Booking | None) -> Decision:
    """Record that a command was undone; the replay leaves the command itself out."""
    assert before is not None, "an undone command can't create a booking"
    return Decision(after=before, what="command.undone", because="an earlier command was undone manually")


def attendee_confirmed(before: Booking | None, event: AttendeeConfirmed, at: datetime) -> Decision:
    """Apply an attendee's yes, which holds for the time that they saw; it reopens no booking (TE14).

    A yes to another time, which an older event revealed later, stays in the timeline and changes nothing else.
    """
    assert before is not None, "a yes can't create a booking"
    because = f"{display_email(event.attendee)} said that they will come on {event.start_time:%Y-%m-%d %H:%M} UTC"
    attendee = next((one for one in before.attendees if one.key == event.attendee), None)
    if attendee is None or event.start_time != before.start_time:
        reason = "who is not among the attendees now" if attendee is None else "which is no longer the meeting's time"
        return Decision(after=before, what="attendee.confirmed", because=f"{because}, {reason}")
    if attendee.confirmed_at is not None:
        return Decision(after=before)
    confirmed = replace(attendee, confirmed_at=at)
    attendees = tuple(confirmed if one is attendee else one for one in before.attendees)
    return Decision(after=replace(before, attendees=attendees), what="attendee.confirmed", because=because)


def attached(before: Booking | None, event: BookingAttached) -> Decision:
    """Attach the booking, and the deal that it opened, to another company or another deal."""
    assert before is not None, "an attachment can't create a booking"
    return Decision(
        after=replace(before, attached_to=event.company),
        what="booking.attached",
        because="it was manually attached to another deal"
        if event.deal
        else "it was manually attached to another company",
        deal_events=("attached",) if event.deal is not None else (),
    )


def deal_changed(before: Booking | None) -> Decision:
    """Pass the change on: the replay of the company's deals decides what it changes."""
    assert before is not None, "a deal change can't create a booking"
    return Decision(after=before, deal_events=("changed",))


def proposal_changed(before: Booking | None) -> Decision:
    """Pass the proposal on: `proposals` replays them, and they change nothing about the booking."""
    assert before is not None, "a proposal can't create a booking"
    return Decision(after=before)


def match_changed(before: Booking | None) -> Decision:
    """Pass the match on: `matches` replays the matches of a booking, which change nothing else about it."""
    assert before is not None, "a match can't create a booking"
    return Decision(after=before)


def _report_conflict(before: Booking, at: datetime, *, is_about_attendance: bool) -> str | None:
    """Return why nobody can report how the meeting went at this time; None if they can."""
    if not before.is_live:
        return f"the booking is {before.status}: only an accepted booking can have an outcome"
    if is_about_attendance and at < before.start_time:
        start = f"{before.start_time:%Y-%m-%d %H:%M} UTC"
        return f"the meeting starts at {start}: report its outcome from then on, or cancel or reschedule it"
    return None


def _reported_attendees(before: Booking, event: OutcomeReported) -> tuple[Attendee, ...]:
    match event.outcome:
        case "showed":
            primary = before.primary_attendee
            return tuple(_mark_attended(one) if one == primary else one for one in before.attendees)
        case "no_show":
            return tuple(one if one.left_at is not None else _mark_missed(one) for one in before.attendees)
        case "host_absent":
            return tuple(_clear_mark(one) if one.evidence == "assumed" else one for one in before.attendees)
        case "rescheduled":
            return tuple(_clear_mark(one) for one in before.attendees)


def _mark_attended(attendee: Attendee) -> Attendee:
    return replace(attendee, attended=True, evidence="reported")


def _mark_missed(attendee: Attendee) -> Attendee:
    return replace(attendee, attended=False, evidence="reported")


def _clear_mark(attendee: Attendee) -> Attendee:
    return replace(attendee, attended=None, evidence=None)
