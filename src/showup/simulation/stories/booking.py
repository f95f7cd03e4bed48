"""Stories that end before their meeting: made, moved, called off, asked for."""

from showup.simulation.play import Play
from showup.simulation.theatre import Theatre


def _booked(theatre: Theatre) -> Play:
    company = theatre.cast.company()
    play = theatre.ahead([theatre.someone(company)], answer=company)
    play.book()
    return play


def booked(theatre: Theatre) -> None:
    """Somebody books, and the meeting is ahead."""
    _booked(theatre)


def rescheduled(theatre: Theatre) -> None:
    """A booking moves once, twice or three times before its day."""
    play = _booked(theatre)
    for _ in range(theatre.rng.randint(1, 3)):
        play.reschedule(theatre.later_slot(play))


def cancelled(theatre: Theatre) -> None:
    """A booking is called off, and its deal with it."""
    _booked(theatre).cancel()


def booked_after_cancelled_deal(theatre: Theatre) -> None:
    """A colleague books after the first booking was called off: another deal."""
    company = theatre.cast.company()
    first = theatre.over([theatre.someone(company)], answer=company)
    first.book()
    first.cancel()
    theatre.ahead([theatre.someone(company, 1)], "demo", after=first).book()


def cancelled_then_rescheduled(theatre: Theatre) -> None:
    """A booking is called off and then given a new time: its deal is back."""
    play = _booked(theatre)
    play.cancel()
    play.reschedule(theatre.slot_ahead())


def rescheduled_into_another_deal(theatre: Theatre) -> None:
    """As above, but a colleague has opened another deal meanwhile."""
    company = theatre.cast.company()
    first = theatre.over([theatre.someone(company)], answer=company)
    first.book()
    first.cancel()
    second = theatre.play([theatre.someone(company, 1)], "demo", first.soon(), theatre.slot_ahead())
    second.book()
    first.clock = second.clock
    first.reschedule(theatre.slot_ahead())


def another_time_wanted(theatre: Theatre) -> None:
    """The host asks for another time, and none is found yet."""
    _booked(theatre).ask_for_another_time()


def another_time_found(theatre: Theatre) -> None:
    """The host asks for another time, and the booker picks one."""
    play = _booked(theatre)
    play.ask_for_another_time()
    play.reschedule(theatre.slot_ahead())


def _requested(theatre: Theatre) -> Play:
    company = theatre.cast.company()
    play = theatre.ahead([theatre.someone(company)], "review", answer=company)
    play.request()
    return play


def requested(theatre: Theatre) -> None:
    """A booking waits for the host's yes."""
    _requested(theatre)


def requested_and_confirmed(theatre: Theatre) -> None:
    """The host says yes."""
    _requested(theatre).confirm()


def requested_and_rejected(theatre: Theatre) -> None:
    """The host says no."""
    _requested(theatre).reject()


def request_withdrawn(theatre: Theatre) -> None:
    """The booker takes the request back."""
    _requested(theatre).cancel()


def moved_elsewhere(theatre: Theatre) -> None:
    """The meeting gets another link."""
    _booked(theatre).move_place()


def reassigned(theatre: Theatre) -> None:
    """A colleague of the host takes over."""
    play = _booked(theatre)
    others = [o for o in theatre.cast.organizers[play.booking.account] if o != play.booking.organizer]
    play.reassign(theatre.rng.choice(others))


def paid(theatre: Theatre) -> None:
    """A booking is paid for."""
    company = theatre.cast.company()
    play = theatre.ahead([theatre.someone(company)], "paid", answer=company)
    play.book()
    play.pay()
