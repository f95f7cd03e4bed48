"""Plan follow-ups: offer another time, once, to an attendee who missed a meeting, unless corrected (TE11)."""

from msgspec.structs import replace

from showup.bookings.booking import Booking
from showup.effects import FollowUp
from showup.events import booking as events
from showup.events.envelope import BookingRecord
from showup.pipeline.decision import Decision, Withdrawal
from showup.pipeline.notify import no_shows, notify_missed
from showup.pipeline.rules import Rules

_REPORT_EVENTS = (events.AttendanceReported, events.GuestsMissed, events.MeetingEnded, events.OutcomeReported)


def with_follow_ups(before: Booking | None, decision: Decision, record: BookingRecord, rules: Rules) -> Decision:
    """Return the decision with the follow-ups that the event requires, and without those no longer valid.

    Every report plans them, not only the first: that one may have come too late, and a key is delivered only once.
    """
    missing_emails = {email for _, email in no_shows(decision.after)}
    excused_emails = (
        frozenset(email for _, email in no_shows(before) if email not in missing_emails) if before else frozenset()
    )
    if excused_emails:
        decision = replace(
            decision, withdrawals=(*decision.withdrawals, _withdraw_follow_ups(decision.after, excused_emails))
        )
    if missing_emails and isinstance(record.event, _REPORT_EVENTS):
        decision = replace(decision, effects=(*decision.effects, *notify_missed(decision.after, record, rules)))
    return decision


def _withdraw_follow_ups(after: Booking, excused: frozenset[str]) -> Withdrawal:
    because = "the host was absent" if after.host_absent else "the attendee is no longer reported as absent"
    return Withdrawal(because=because, recipients=excused, effect_types=(FollowUp,))
