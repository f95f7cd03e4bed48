"""The letter that confirms all dates of a series at once (F14): it says once what all dates have in common."""

from typing import Final

from msgspec.structs import asdict, replace

from showup.destinations.email.letters.blocks import (
    closing,
    foot,
    invitation_line,
    place_button,
    place_rows,
    see_you,
    titled,
)
from showup.destinations.email.letters.facts import Facts
from showup.destinations.email.letters.parts import (
    Badge,
    Button,
    Date,
    Letter,
    Parts,
    Piece,
    Row,
    Ticket,
    paragraph,
    pieces,
)
from showup.destinations.languages import Wording
from showup.destinations.links import cancel_url

_SPELLED: Final = 12


def series(facts: Facts) -> Letter:
    """Returns the letter that confirms all dates of a series at once (F14)."""
    words, dates = facts.words, _dates(facts)
    count, guest, host = len(dates), facts.guest, facts.host.short or facts.brand.name
    number = spelled(words, count)
    # The mail may be about another date than the earliest.
    first = dates[0]
    subject = (
        words.say_count(
            "One date booked with {host}, from {day}",
            "{number} dates booked with {host}, from {day}",
            count,
            number=_capital(number),
            host=host,
            day=first.when.day,
        )
        if host
        else words.say_count(
            "One date booked, from {day}",
            "{number} dates booked, from {day}",
            count,
            number=_capital(number),
            day=first.when.day,
        )
    )
    title = words.say_count("Your {number} date", "Your {number} dates", count, number=number)
    return Letter(
        subject=subject,
        preheader=words.say(
            "The first one is on {day}, {time}, {zone}. All dates are inside.",
            day=first.when.day,
            time=first.when.time,
            zone=first.when.zone,
        ),
        badge=Badge("good", "✓ " + words.say("{count} confirmed", count=count)),
        heading=f"{title}, {guest}" if guest else title,
        opening=(paragraph(*_opening(facts)),),
        ticket=(_ticket(dates),),
        change=_change(dates),
        closing=closing(facts, see_you(first)),
        foot=foot(facts),
    )


def _dates(facts: Facts) -> tuple[Facts, ...]:
    """Returns the facts of each date that takes place, by time; all in the time zone of the first."""
    meeting = facts.meeting
    listed = [one for one in meeting.series if one.status == "ACCEPTED"]
    meetings = [
        meeting if one.booking_id == meeting.booking_id else replace(meeting, **asdict(one)) for one in listed
    ] or [meeting]
    first, *others = sorted(meetings, key=lambda one: one.start_time)
    return (shown := facts.about(first), *(facts.about(one, zone=shown.zone) for one in others))


def _opening(facts: Facts) -> tuple[str, ...]:
    words = facts.words
    files = (
        words.say("The calendar files are attached, one for each date.")
        if facts.invitation == "attached"
        else invitation_line(facts)
    )
    return (words.say("All of them are yours."), files, words.say("A reminder comes before each."))


def _ticket(dates: tuple[Facts, ...]) -> Ticket:
    """Returns the dates; hours, zone and place stand above or below them if all dates agree, else beside each."""
    first = dates[0]
    words, when, host = first.words, first.when, first.host.full
    one_zone = len({one.when.zone for one in dates}) == 1
    one_time = one_zone and len({one.when.hours for one in dates}) == 1
    one_length = len({one.minutes for one in dates}) == 1
    one_place = all(one.place == first.place for one in dates)
    with_host = [words.say("with {host}", host=host)] if host else []
    zone = [f"{when.zone}," if with_host else when.zone] if one_zone else []
    return Ticket(
        title=titled(first if one_length else replace(first, minutes=None)),
        hours=when.hours if one_time else "",
        parts=(*zone, *with_host),
        tile=None,
        dates=tuple(
            Date(
                day=day,
                hours="" if one_time else one.when.hours if one_zone else f"{one.when.hours}, {one.when.zone}",
                place=() if one_place else _place(one),
                move=Button(words.say("Move"), one.move_url) if one.move_url else None,
            )
            for day, one in zip(_days(dates), dates, strict=True)
        ),
        rows=_shared_place(dates) if one_place else (),
        button=place_button(first) if one_place else None,
    )


def _days(dates: tuple[Facts, ...]) -> list[str]:
    """Returns the day of each date. The year stands where it begins, if the list crosses a year."""
    years = [one.meeting.start_time.year for one in dates]
    if len(set(years)) == 1:
        return [one.when.day for one in dates]
    previous = [None, *years]
    return [
        one.when.day if year == before else one.dated(one.meeting.start_time)
        for one, year, before in zip(dates, years, previous, strict=False)
    ]


def _shared_place(dates: tuple[Facts, ...]) -> tuple[Row, ...]:
    first = dates[0]
    if first.place.url is None or len(dates) == 1:
        return tuple(place_rows(first))
    text = first.words.say_tagged("The same link every time: <link>{place}</link>", place=first.place.label)
    return (Row("", (pieces(text, link=first.place.url),)),)


def _place(facts: Facts) -> tuple[Piece, ...]:
    """Returns the place of one date; an address leads to the map."""
    place = facts.place
    if place.map_url is not None:
        return (Piece(", ".join(place.address), place.map_url),)
    return place_rows(facts)[0].lines[0]


def _change(dates: tuple[Facts, ...]) -> Parts:
    words = dates[0].words
    moving = words.say("Moving one date leaves the others alone.") if any(one.move_url for one in dates) else ""
    stop = cancel_url(dates[0].meeting, all_remaining=True)
    if stop is None:
        return (paragraph(moving),) if moving else ()
    text = words.say_tagged("To stop the whole series, <stop>cancel it here</stop>.")
    return (paragraph(moving, pieces(text, stop=stop)),)


def spelled(words: Wording, count: int) -> str:
    """Returns a number as a word, up to twelve."""
    # The numbers from one to twelve, counting “dates” and “things”.
    numbers = words.say("one two three four five six seven eight nine ten eleven twelve").split()
    return numbers[count - 1] if 0 < count <= min(_SPELLED, len(numbers)) else str(count)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
