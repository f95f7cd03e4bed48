"""What people say and do about a booking: how the meeting went, whose it is, and what its deal is worth (AP2, PI12)."""

from msgspec.structs import replace

from showup.bookings.booking import Attendee, Booking
from showup.events import BookingAttached, OutcomeReported
from showup.pipeline.attended import attendance_turns
from showup.pipeline.decision import Decision, Rejection

_WORDS = {
    "showed": "the attendee came",
    "no_show": "the attendee did not come",
    "host_absent": "the host was not there",
    "rescheduled": "the meeting did not take place, and another time is coming",
}


def outcome_reported(before: Booking | None, event: OutcomeReported) -> Decision | Rejection:
    """Somebody who was there says how it went. A meeting that is put off leaves attendance open and the deal alone."""
    assert before is not None, "a report never founds a booking"
    if before.status != "ACCEPTED":
        return Rejection(because=f"the booking is {before.status}: only a meeting that stands has an outcome")
    after = replace(
        before,
        attendees=_attendance(before, event),
        host_absent=event.outcome == "host_absent",
        outcome=event.outcome,
        outcome_notes=event.notes if event.notes is not None else before.outcome_notes,
        next_step=event.next_step if event.next_step is not None else before.next_step,
    )
    if after == before:
        return Decision(after=after)
    turns = () if event.outcome == "rescheduled" else attendance_turns(before, after)
    return Decision(after=after, what="outcome.reported", because=_WORDS[event.outcome], turns=turns)


def attached(before: Booking | None, event: BookingAttached) -> Decision:
    """The booking, and with it the deal that it opened, belongs to another company, or to another deal."""
    assert before is not None, "an attachment never founds a booking"
    return Decision(
        after=replace(before, attached_to=event.company),
        what="booking.attached",
        because="somebody attached it to another deal" if event.deal else "somebody attached it to another company",
        turns=("attached",) if event.deal is not None else (),
    )


def deal_changed(before: Booking | None) -> Decision:
    """What it changes is for the company's deals to say."""
    assert before is not None, "a change of a deal never founds a booking"
    return Decision(after=before, turns=("changed",))


def _attendance(before: Booking, event: OutcomeReported) -> tuple[Attendee, ...]:
    match event.outcome:
        case "showed":
            who = before.witness
            return tuple(_came(one) if one == who else one for one in before.attendees)
        case "no_show":
            return tuple(one if one.left_at is not None else _missed(one) for one in before.attendees)
        case "host_absent":
            return tuple(_open(one) if one.evidence == "assumed" else one for one in before.attendees)
        case "rescheduled":
            return tuple(_open(one) for one in before.attendees)


def _came(attendee: Attendee) -> Attendee:
    return replace(attendee, attended=True, evidence="reported")


def _missed(attendee: Attendee) -> Attendee:
    return replace(attendee, attended=False, evidence="reported")


def _open(attendee: Attendee) -> Attendee:
    return replace(attendee, attended=None, evidence=None)
