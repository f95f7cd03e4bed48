"""A booking changes: another time, another place, another host, or none at all (PI3, PI4, PI6)."""

from collections.abc import Iterable

from msgspec.structs import replace

from showup.bookings.booking import Booking
from showup.deals.deal import TurnKind
from showup.effects import Effect, TellCancelled
from showup.events import (
    AttendeeSeen,
    BookingCancelled,
    BookingRescheduled,
    News,
    Replaced,
    SeatLeft,
    SeatMoved,
)
from showup.pipeline.attending import departed, rejoined, vacated
from showup.pipeline.decision import Decision, Rejection, Withdraw
from showup.pipeline.rules import Rules
from showup.pipeline.seeing import founded, is_current, moved, overlaid, shown
from showup.pipeline.telling import concerned, of_cancelling, of_new_place, of_standing

_MOVED = Withdraw(because="the meeting has another time")
_STANDS_AGAIN = "the meeting stands again"


def rescheduled(before: Booking | None, event: BookingRescheduled, news: News, rules: Rules) -> Decision | Rejection:
    """Another time, and nearly always another uid: the same booking, found by the uid that it had (PI3)."""
    reason = f": {event.reason}" if event.reason else ""
    by = f"by {event.by}" if event.by else "by somebody Cal.com does not name"
    because = f"another time was chosen {by}{reason}"
    if before is None:
        decision = _founded_later(event, news, rules, because)
    elif is_current(before, event.booking) and _same_time(before, event):
        return _told_again(before, news, rules)
    else:
        decision = to_new_time(before, news, rules, event.replaces, because=because)
    after = replace(decision.after, reschedule_reason=event.reason, rescheduled_by=event.by)
    return replace(decision, after=after)


def to_new_time(before: Booking, news: News, rules: Rules, replaces: Replaced | None, *, because: str) -> Decision:
    """The booking stands at the time of the news, whatever it was before."""
    after = replace(moved(before, news, rules, replaces), status="ACCEPTED")
    return Decision(
        after=after,
        what="booking.rescheduled",
        because=because,
        turns=("moved",) if before.is_live else ("booked",),
        effects=of_standing(after, news, rules, everybody=True),
        withdraw=(_MOVED,),
    )


def quietly_moved(before: Booking | None, decision: Decision, news: News, rules: Rules) -> Decision:
    """News of something else may carry another time, where Cal.com told nobody of the change: reminders follow it."""
    after = decision.after
    if before is None or before.start_time == after.start_time or not (before.is_live and after.is_live):
        return decision
    if any(one.only is None for one in decision.withdraw):
        return decision
    return replace(
        decision,
        what=decision.what or "booking.rescheduled",
        because=decision.because or "news of the booking carries another time",
        turns=(*decision.turns, "moved"),
        effects=(*decision.effects, *_missing(decision.effects, of_standing(after, news, rules, everybody=True))),
        withdraw=(_MOVED,),
    )


def left_out(before: Booking | None, decision: Decision) -> Decision:
    """Whoever a newer list no longer names is told nothing more of the meeting."""
    if before is None or decision.after.seated:
        return decision
    still = {one.email for one in decision.after.seats}
    gone = frozenset(one.email for one in before.seats if one.email is not None and one.email not in still)
    if not gone:
        return decision
    left = Withdraw(because="they are not among the attendees any more", recipients=gone)
    return replace(decision, withdraw=(*decision.withdraw, left))


def stands_again(news: News) -> Withdraw:
    """Whoever has a seat (again) is not to hear any more that it is off."""
    recipients = _emails(news.event.booking.attendees)
    return Withdraw(because=_STANDS_AGAIN, recipients=recipients, only=(TellCancelled,))


def corrected(before: Booking | None, decision: Decision) -> Decision:
    """News without a line of its own gets one where it changes what a reader sees; the deal follows a new host."""
    if before is None:
        return decision
    after = decision.after
    if not decision.what and shown(before) != shown(after):
        decision = replace(decision, what="booking.corrected", because="newer news corrects the booking")
    stayed = before.uid == after.uid and before.start_time == after.start_time
    if stayed and before.organizer_email != after.organizer_email and "reassigned" not in decision.turns:
        decision = replace(decision, turns=(*decision.turns, "reassigned"))
    return decision


def _missing(known: Iterable[Effect], wanted: Iterable[Effect]) -> list[Effect]:
    keys = {effect.key for effect in known}
    return [effect for effect in wanted if effect.key not in keys]


def to_wanted_time(before: Booking, news: News, rules: Rules, replaces: Replaced | None) -> Decision:
    """The attendee wants another time: the old one is gone, and the new one waits for the host's yes."""
    after = replace(moved(before, news, rules, replaces), status="PENDING")
    return Decision(
        after=after,
        what="booking.reschedule_requested",
        because="the attendee asks for another time, and it waits for the host's yes",
        turns=("suspended",) if before.is_live else (),
        withdraw=(Withdraw(because="the attendee asks for another time"),),
    )


def cancelled(before: Booking | None, event: BookingCancelled, news: News, rules: Rules) -> Decision | Rejection:
    """Called off: the whole booking, one seat of it, or only this time because the host wants another (PI4)."""
    if before is not None and before.status == "CANCELLED" and event.reschedule_requested:
        return Rejection(because="it was called off before")
    known = overlaid(before, news, rules) if before is not None else founded(news, "CANCELLED", rules)
    if before is not None and before.is_live and _others_stay(before, event):
        return _seat_given_back(departed(known, event.booking, news.source_at), event, news, rules)
    again = before is not None and before.status == "CANCELLED" and not before.reschedule_requested
    after = replace(
        known,
        status="CANCELLED",
        cancellation_reason=event.reason or known.cancellation_reason,
        cancelled_by=event.by or known.cancelled_by,
        reschedule_requested=event.reschedule_requested,
    )
    return Decision(
        after=after,
        what="" if again else "booking.cancelled",
        because=_why_cancelled(event),
        turns=() if again else ("suspended",) if event.reschedule_requested else ("cancelled",),
        effects=of_cancelling(after, news, rules, concerned(after, rules)),
        withdraw=(Withdraw(because="the meeting was called off"),),
    )


def seat_moved(before: Booking | None, event: SeatMoved, news: News, rules: Rules) -> Decision:
    """An attendee of another booking took a seat in this one."""
    if before is not None and before.status == "CANCELLED":
        known = overlaid(vacated(before, news.source_at), news, rules)
    else:
        known = overlaid(before, news, rules) if before is not None else founded(news, "ACCEPTED", rules)
    after = replace(rejoined(known, event.booking), status="ACCEPTED", reschedule_count=known.reschedule_count)
    turns: tuple[TurnKind, ...] = ("booked",) if before is None or not before.is_live else ()
    return Decision(
        after=after,
        what="booking.seat_taken",
        because="an attendee moved here from another time",
        turns=turns,
        effects=of_standing(after, news, rules),
        withdraw=(stands_again(news),),
    )


def seat_left(before: Booking | None, event: SeatLeft, news: News) -> Decision | Rejection:
    """An attendee moved to another booking; who is left keeps this one."""
    assert before is not None, "a seat is left in a booking that is known"
    if not before.is_live:
        return Rejection(because=f"the booking is {before.status}")
    after = departed(before, event.booking, news.source_at)
    left = _names(event.booking.attendees)
    withdraw = Withdraw(because="the attendee moved to another time", recipients=_emails(event.booking.attendees))
    if after.seats:
        return Decision(
            after=after,
            what="booking.seat_given_back",
            because=f"{left} moved to another time",
            withdraw=(withdraw,),
        )
    return Decision(
        after=replace(after, status="CANCELLED", cancellation_reason="the last attendee moved to another time"),
        what="booking.cancelled",
        because="the last attendee moved to another time",
        turns=("suspended",),
        withdraw=(withdraw,),
    )


def location_changed(before: Booking | None, news: News, rules: Rules) -> Decision:
    """Another place to meet."""
    after = overlaid(before, news, rules) if before is not None else founded(news, "ACCEPTED", rules)
    return Decision(
        after=after,
        what="booking.relocated",
        because="the meeting takes place elsewhere",
        turns=("booked",) if before is None else (),
        effects=of_new_place(after, news, rules) if after.is_live else (),
    )


def organizer_changed(before: Booking | None, news: News, rules: Rules) -> Decision:
    """Another teammate hosts the meeting; the deal's owner follows."""
    after = overlaid(before, news, rules) if before is not None else founded(news, "ACCEPTED", rules)
    return Decision(
        after=after,
        what="booking.reassigned",
        because=f"{after.organizer_email} hosts the meeting now",
        turns=("booked",) if before is None else ("reassigned",),
    )


def _founded_later(event: BookingRescheduled, news: News, rules: Rules, because: str) -> Decision:
    after = founded(news, "ACCEPTED", rules, event.replaces)
    return Decision(
        after=after,
        what="booking.rescheduled",
        because=because,
        turns=("booked",),
        effects=of_standing(after, news, rules),
    )


def _same_time(before: Booking, event: BookingRescheduled) -> bool:
    return event.booking.start_time == before.start_time


def _told_again(before: Booking, news: News, rules: Rules) -> Decision | Rejection:
    if before.status == "CANCELLED":
        return Rejection(because="it was called off after the new time was chosen")
    after = replace(overlaid(before, news, rules), status="ACCEPTED")
    effects = of_standing(after, news, rules)
    if before.is_live:
        return Decision(after=after, effects=effects)
    return Decision(
        after=after,
        what="booking.accepted",
        because="the new time was accepted",
        turns=("booked",),
        effects=effects,
        withdraw=(Withdraw(because=_STANDS_AGAIN, only=(TellCancelled,)),),
    )


def _others_stay(before: Booking, event: BookingCancelled) -> bool:
    if not before.seated or not event.booking.attendees:
        return False
    leaving = {one.email or one.phone or one.name for one in event.booking.attendees}
    return any(one.key not in leaving for one in before.seats)


def _seat_given_back(after: Booking, event: BookingCancelled, news: News, rules: Rules) -> Decision:
    keys = {one.email or one.phone or one.name for one in event.booking.attendees}
    leaving = [one for one in after.attendees if one.key in keys]
    return Decision(
        after=after,
        what="booking.seat_given_back",
        because=f"{_names(event.booking.attendees)} gave back a seat",
        effects=of_cancelling(after, news, rules, leaving),
        withdraw=(Withdraw(because="the attendee gave back the seat", recipients=_emails(event.booking.attendees)),),
    )


def _names(leaving: Iterable[AttendeeSeen]) -> str:
    return ", ".join(one.email or one.phone or one.name or "somebody" for one in leaving)


def _emails(leaving: Iterable[AttendeeSeen]) -> frozenset[str]:
    return frozenset(one.email for one in leaving if one.email is not None)


def _why_cancelled(event: BookingCancelled) -> str:
    who = f"{event.by} called it off" if event.by else "it was called off"
    if event.reschedule_requested:
        who = f"{event.by or 'the host'} asks for another time"
    return f"{who}: {event.reason}" if event.reason else who
