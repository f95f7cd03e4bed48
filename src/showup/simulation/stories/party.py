"""Stories of who takes part: seats, series, guests, private people, callers, organizers on their own page."""

from datetime import datetime, timedelta

from showup.simulation.news import News
from showup.simulation.play import Play
from showup.simulation.theatre import Theatre


def _seated(theatre: Theatre, *, over: bool = False) -> Play:
    company = theatre.cast.company()
    guests = [theatre.someone(company, 0), theatre.someone(company, 1), theatre.cast.private_person()]
    play = (theatre.over if over else theatre.ahead)(guests, "group")
    play.take_seats(guests)
    return play


def seats_held(theatre: Theatre) -> None:
    """A group meets after one seat was given back; one of the others did not come."""
    play = _seated(theatre, over=True)
    play.give_back_last_seat()
    play.start()
    play.end(absent=[play.booking.attendees[-1].email])


def one_seat_given_back(theatre: Theatre) -> None:
    """One of three seats is given back: the booking stands."""
    _seated(theatre).give_back_last_seat()


def all_seats_given_back(theatre: Theatre) -> None:
    """Seat after seat is given back, until nobody is left."""
    play = _seated(theatre)
    for _ in range(3):
        play.give_back_last_seat()


def series(theatre: Theatre) -> None:
    """A weekly series: one booking each time, told one after the other; the first is over already."""
    company = theatre.cast.company()
    attendee = theatre.someone(company)
    first = theatre.over([attendee], "weekly", answer=company)
    count = theatre.rng.randint(3, 4)
    plays = [first]
    for week in range(1, count):
        booked_at = first.clock + timedelta(milliseconds=310 * week)
        start_at = first.booking.start_at + timedelta(weeks=week + 1)
        plays.append(theatre.play([attendee], "weekly", booked_at, start_at, like=first))
    for play in plays:
        play.repeat(count)
        play.book()
    first.start()
    first.end()


def private_person(theatre: Theatre) -> None:
    """Somebody without a company books."""
    play = theatre.rng.choice((theatre.ahead, theatre.over))([theatre.cast.private_person()])
    play.book()
    if play.booking.end_at < theatre.now:
        play.start()
        play.end()


def caller(theatre: Theatre) -> None:
    """Somebody leaves a telephone number only."""
    theatre.ahead([theatre.cast.caller()], "mobile").book()


def organizer_alone(theatre: Theatre) -> None:
    """An organizer tries out their own page."""
    play = theatre.ahead([theatre.cast.private_person()])
    play.seat_organizer_first([])
    play.book()


def organizer_for_a_prospect(theatre: Theatre) -> None:
    """An organizer books on their own page and brings the prospect along."""
    company = theatre.cast.company()
    play = theatre.over([theatre.someone(company)])
    play.seat_organizer_first([theatre.guest(company.people[0])])
    play.book()
    play.start()
    play.end()


def with_guests(theatre: Theatre) -> None:
    """A booker brings a colleague, perhaps another company and a private person."""
    company, other = theatre.cast.company(), theatre.cast.company()
    guests = [
        theatre.guest(company.people[1]),
        theatre.guest(other.people[0]),
        theatre.guest(theatre.cast.private_person()),
    ]
    booker = theatre.someone(company)
    play = theatre.over([booker, *guests[: theatre.rng.randint(1, 3)]], answer=company)
    play.book()
    play.start()
    play.end(absent=[guests[0].email] if theatre.rng.random() < 0.5 else [])


def private_booker_brings_a_company(theatre: Theatre) -> None:
    """The booker has no company, the guest has one."""
    company = theatre.cast.company()
    theatre.ahead([theatre.cast.private_person(), theatre.guest(company.people[0])]).book()


def ping(theatre: Theatre) -> None:
    """Somebody tries out the webhook."""
    theatre.news.append(News("PING", _moment(theatre), theatre.rng.randrange(2)))


def form(theatre: Theatre) -> None:
    """A routing form is sent in."""
    by = theatre.cast.company().people[0].email
    theatre.news.append(News("FORM_SUBMITTED", _moment(theatre), theatre.rng.randrange(2), by=by))


def _moment(theatre: Theatre) -> datetime:
    return theatre.now - timedelta(minutes=theatre.rng.randint(1, 19_000), milliseconds=theatre.rng.randint(1, 999))
