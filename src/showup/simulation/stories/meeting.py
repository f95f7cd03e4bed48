"""Stories of meetings whose time has passed: who came, and who said so."""

from showup.simulation.play import Play
from showup.simulation.theatre import Theatre


def _met(theatre: Theatre, *, kind: str = "demo") -> Play:
    company = theatre.cast.company()
    play = theatre.over([theatre.someone(company)], kind, answer=company)
    play.book()
    play.start()
    return play


def held(theatre: Theatre) -> None:
    """The meeting takes place, as far as the clock knows."""
    _met(theatre).end()


def rescheduled_and_held(theatre: Theatre) -> None:
    """The meeting takes place at a later time than first agreed."""
    company = theatre.cast.company()
    play = theatre.over([theatre.someone(company)], answer=company)
    play.book()
    for _ in range(theatre.rng.randint(1, 3)):
        play.reschedule(theatre.later_slot(play))
    play.start()
    play.end()


def missed_by_the_clock(theatre: Theatre) -> None:
    """The end comes with the note that the attendee was absent."""
    play = _met(theatre)
    play.end(absent=[play.booking.attendees[0].email])


def host_missed(theatre: Theatre) -> None:
    """The end comes with the note that the host was absent."""
    _met(theatre).end(host_absent=True)


def marked_absent(theatre: Theatre) -> None:
    """After the end the host says that nobody came."""
    play = _met(theatre)
    play.end()
    play.mark(play.booking.attendees[0].email, absent=True)


def marked_absent_by_mistake(theatre: Theatre) -> None:
    """The host says that nobody came, and takes it back."""
    play = _met(theatre)
    play.end()
    play.mark(play.booking.attendees[0].email, absent=True)
    play.mark(play.booking.attendees[0].email, absent=False)


def marked_before_the_end(theatre: Theatre) -> None:
    """The host marks the attendee while the meeting runs, and may take it back in time."""
    play = _met(theatre)
    play.mark(play.booking.attendees[0].email, absent=True)
    if theatre.rng.random() < 0.5:
        play.mark(play.booking.attendees[0].email, absent=False)
    play.end()


def guests_missed(theatre: Theatre) -> None:
    """Cal Video sees no guest join; the end tells nothing new."""
    play = _met(theatre, kind="intro")
    play.miss_all_guests()
    play.end()


def missed_and_rebooked(theatre: Theatre) -> None:
    """A missed meeting is given another time."""
    play = _met(theatre)
    play.end()
    play.mark(play.booking.attendees[0].email, absent=True)
    play.reschedule(theatre.slot_ahead())


def second_booking(theatre: Theatre) -> None:
    """After a meeting held, the company books again: the same deal."""
    company = theatre.cast.company()
    first = theatre.over([theatre.someone(company)], answer=company)
    first.book()
    first.start()
    first.end()
    theatre.ahead([theatre.someone(company, theatre.rng.randint(0, 1))], "demo", answer=company, after=first).book()


def busy_company(theatre: Theatre) -> None:
    """Several people of one company book, cancel, move and meet across each other."""
    company = theatre.cast.company()
    for number in range(theatre.rng.randint(3, 4)):
        attendee = theatre.someone(company, number)
        play = theatre.rng.choice((theatre.ahead, theatre.over))([attendee], answer=company)
        play.book()
        ending = theatre.rng.choice(("cancel", "reschedule", "stay", "stay"))
        if ending == "cancel":
            play.cancel()
            continue
        if ending == "reschedule":
            play.reschedule(theatre.later_slot(play))
        if play.booking.end_at < theatre.now:
            play.start()
            play.end()
