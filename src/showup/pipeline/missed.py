"""A meeting that an attendee missed: they are offered another, once, unless it turns out that they did not (TE11)."""

from msgspec.structs import replace

from showup import events
from showup.bookings.booking import Booking
from showup.effects import FollowUp
from showup.events import News
from showup.pipeline.decision import Decision, Withdraw
from showup.pipeline.rules import Rules
from showup.pipeline.telling import absent, of_absence

_REPORTS = (events.AttendanceReported, events.GuestsMissed, events.MeetingEnded, events.OutcomeReported)


def followed_up(before: Booking | None, decision: Decision, news: News, rules: Rules) -> Decision:
    """The decision with the follow-ups that the news calls for, and without those that no longer hold.

    Every report calls for them, not the first alone: that one may have come too late, and a key is told once.
    """
    missing = {email for _, email in absent(decision.after)}
    excused = frozenset(email for _, email in absent(before) if email not in missing) if before else frozenset()
    if excused:
        decision = replace(decision, withdraw=(*decision.withdraw, _taken_back(decision.after, excused)))
    if missing and isinstance(news.event, _REPORTS):
        decision = replace(decision, effects=(*decision.effects, *of_absence(decision.after, news, rules)))
    return decision


def _taken_back(after: Booking, excused: frozenset[str]) -> Withdraw:
    because = "the host was not there" if after.host_absent else "the attendee is not said to have missed it any more"
    return Withdraw(because=because, recipients=excused, only=(FollowUp,))
