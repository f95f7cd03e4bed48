"""A booking comes to stand: made, asked for, paid, or declined (PI1, PI6)."""

from msgspec.structs import replace

from showup.bookings.booking import Attendee, Booking
from showup.deals.deal import TurnKind
from showup.events import BookingMade, BookingRejected, BookingRequested, News
from showup.pipeline import moved
from showup.pipeline.attending import rejoined, vacated
from showup.pipeline.decision import Decision, Rejection
from showup.pipeline.rules import Rules
from showup.pipeline.seeing import founded, is_current, overlaid
from showup.pipeline.telling import of_standing

_GONE = "it was called off before, and a booking does not come back under the same uid"


def made(before: Booking | None, event: BookingMade, news: News, rules: Rules) -> Decision | Rejection:
    """Accepted: a new booking, one that waited, one more seat, or the same news once more."""
    if before is None:
        after = founded(news, "ACCEPTED", rules, event.replaces)
        return _standing(after, news, rules, "booking.made", "a meeting was booked")
    if not is_current(before, event.booking):
        return moved.to_new_time(before, news, rules, event.replaces, because="the new time was accepted")
    if before.status in ("PENDING", "REJECTED"):
        after = replace(overlaid(before, news, rules), status="ACCEPTED", rejection_reason=None)
        return _standing(after, news, rules, "booking.accepted", "the booking that waited was accepted")
    if before.seated:
        return _seat_taken(before, news, rules)
    if before.status == "CANCELLED":
        return Rejection(because=_GONE)
    return repeated(before, news, rules)


def requested(before: Booking | None, event: BookingRequested, news: News, rules: Rules) -> Decision | Rejection:
    """Somebody asks for a time, or for another time, and the host has to say yes."""
    if before is None:
        after = founded(news, "PENDING", rules, event.replaces)
        return Decision(after=after, what="booking.requested", because="it waits for the host's yes")
    if not is_current(before, event.booking):
        return moved.to_wanted_time(before, news, rules, event.replaces)
    return _still_waiting(before, news, rules)


def payment_started(before: Booking | None, news: News, rules: Rules) -> Decision | Rejection:
    """The booking stands once it is paid."""
    if before is None:
        after = founded(news, "PENDING", rules)
        return Decision(after=after, what="booking.requested", because="it waits for the payment")
    return _still_waiting(before, news, rules)


def paid(before: Booking | None, news: News, rules: Rules) -> Decision:
    """The money came; whether the meeting stands, Cal.com says in a webhook of its own."""
    known = before if before is not None else founded(news, "PENDING", rules)
    after = replace(overlaid(known, news, rules), paid=True)
    return Decision(after=after, what="booking.paid", because="the payment arrived")


def rejected(before: Booking | None, event: BookingRejected, news: News, rules: Rules) -> Decision | Rejection:
    """The host declined; the deal, if there is one, stays with the people who decide on it."""
    if before is not None and before.status not in ("PENDING", "REJECTED"):
        return Rejection(because=f"only a booking that waits can be declined, and this one is {before.status}")
    known = overlaid(before, news, rules) if before is not None else founded(news, "REJECTED", rules)
    after = replace(known, status="REJECTED", rejection_reason=event.reason or known.rejection_reason)
    because = f"the host declined: {event.reason}" if event.reason else "the host declined"
    return Decision(after=after, what="booking.rejected", because=because)


def repeated(before: Booking, news: News, rules: Rules) -> Decision:
    """News that we have had: its fields may be newer, and its messages are the same ones, by their keys."""
    after = overlaid(before, news, rules)
    return Decision(after=after, effects=of_standing(after, news, rules) if after.is_live else ())


def _standing(after: Booking, news: News, rules: Rules, what: str, because: str) -> Decision:
    return Decision(after=after, what=what, because=because, turns=("booked",), effects=of_standing(after, news, rules))


def _seat_taken(before: Booking, news: News, rules: Rules) -> Decision | Rejection:
    empty = vacated(before, news.source_at) if before.status == "CANCELLED" else before
    after = overlaid(empty, news, rules)
    known = {one.key: one for one in empty.attendees}
    listed = [one.key for one in after.attendees if _is_new(one, known.get(one.key))]
    if not listed:
        return Rejection(because=_GONE) if before.status == "CANCELLED" else repeated(before, news, rules)
    after = replace(rejoined(after, news.event.booking), status="ACCEPTED")
    turns: tuple[TurnKind, ...] = () if before.is_live else ("booked",)
    return Decision(
        after=after,
        what="booking.seat_taken",
        because=f"{', '.join(listed)} took a seat",
        turns=turns,
        effects=of_standing(after, news, rules),
        withdraw=(moved.stands_again(news),),
    )


def _is_new(attendee: Attendee, known: Attendee | None) -> bool:
    """Whether the seat is one more: nobody had it before, or who gave theirs back has taken another."""
    return known is None or (known.left_at is not None and attendee.seat_uid != known.seat_uid)


def _still_waiting(before: Booking, news: News, rules: Rules) -> Decision | Rejection:
    if before.status != "PENDING":
        return Rejection(because=f"it was answered before: the booking is {before.status}")
    return Decision(after=overlaid(before, news, rules))
