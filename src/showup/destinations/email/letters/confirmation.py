"""The letters that confirm a meeting, or all dates of a series."""

from typing import Final

from msgspec.structs import replace

from showup.destinations.email.letters.blocks import (
    agenda,
    change,
    closing,
    foot,
    invitation_line,
    place_button,
    see_you,
    ticket,
    titled,
)
from showup.destinations.email.letters.facts import Facts
from showup.destinations.email.letters.parts import (
    Badge,
    Button,
    Date,
    Letter,
    Parts,
    Quote,
    Row,
    Ticket,
    paragraph,
    pieces,
)
from showup.destinations.languages import Wording
from showup.destinations.links import cancel_url, reschedule_url

_SPELLED: Final = 12


def confirmation(facts: Facts) -> Letter:
    """Returns the letter that confirms a meeting and says what it is for."""
    words = facts.words
    return Letter(
        subject=_subject(facts),
        preheader=_preheader(facts),
        badge=Badge("good", "✓ " + words.say("Confirmed")),
        heading=_heading(facts),
        opening=(paragraph(*_opening(facts), invitation_line(facts)),),
        ticket=(ticket(facts), *_other_number(facts)),
        agenda=agenda(facts),
        words=_words(facts),
        change=_plans_change(facts),
        closing=closing(facts, see_you(facts), extra=on_the_day(facts) or facts.bio),
        foot=foot(facts),
    )


def on_the_day(facts: Facts) -> str:
    """Returns the number to call on the way to a meeting in person."""
    if facts.place.kind != "in_person" or not facts.teammate.phone:
        return ""
    return facts.words.say("On the day: {phone}", phone="\u00a0".join(facts.teammate.phone.split()))


def _heading(facts: Facts) -> str:
    words, guest, city = facts.words, facts.guest, facts.city
    if facts.place.kind == "in_person" and city:
        if guest:
            return words.say("See you in {city}, {name}", city=city, name=guest)
        return words.say("See you in {city}", city=city)
    return words.say("You’re booked, {name}", name=guest) if guest else words.say("You’re booked")


def _subject(facts: Facts) -> str:
    words, host, day = facts.words, facts.host.short or facts.brand.name, facts.when.day
    if facts.place.kind == "host_calls":
        if facts.host.short:
            return words.say("{host} will call you: {day}, {time}", host=host, day=day, time=facts.when.time)
        return words.say("We will call you: {day}, {time}", day=day, time=facts.when.time)
    if facts.place.kind == "in_person" or not host:
        return words.say("You’re booked: {day}, {time}", day=day, time=facts.time_and_place)
    return words.say("You’re booked with {host}: {day}, {time}", host=host, day=day, time=facts.when.time)


def _preheader(facts: Facts) -> str:
    words, minutes = facts.words, facts.minutes
    if facts.place.kind == "in_person":
        return words.say("The address, the way there and how to change the time are inside.")
    if facts.place.kind == "host_calls":
        first = words.say("At {phone}.", phone=facts.place.phone)
    elif facts.place.kind == "video" and minutes is not None:
        first = words.say_count("{count} minute by video.", "{count} minutes by video.", minutes)
    else:
        first = ""
    if facts.agenda and facts.move_url:
        rest = words.say("How to join, what we’ll cover, and how to move it are inside.")
    elif facts.move_url:
        rest = words.say("How to join and how to move it are inside.")
    else:
        rest = words.say("All you need to join is inside.")
    return f"{first} {rest}".strip()


def _opening(facts: Facts) -> tuple[str, ...]:
    words = facts.words
    if facts.place.kind == "in_person":
        return (words.say("Thank you for coming to see us."),)
    thanks = words.say("Thank you for making the time.")
    if facts.place.kind != "host_calls":
        return (thanks,)
    corner = (
        words.say("I’ll call you, so all you need is a quiet corner.")
        if facts.writes_i
        else words.say("We’ll call you, so all you need is a quiet corner.")
    )
    return (thanks, corner)


def _other_number(facts: Facts) -> Parts:
    words = facts.words
    if facts.place.kind != "host_calls" or facts.reply_name is None:
        return ()
    return (
        paragraph(
            words.say("Would you rather be called on another number?"),
            words.say("Reply to this mail and I’ll use that one.")
            if facts.writes_i
            else words.say("Reply to this mail and we’ll use that one."),
        ),
    )


def _words(facts: Facts) -> Parts:
    words = facts.words
    quote: Parts = (Quote(words.say("You wrote"), facts.notes),) if facts.notes else ()
    start = words.say("We’ll start there.") if facts.notes else ""
    if facts.reply_name is None:
        company = ""
    elif facts.place.kind == "in_person":
        company = words.say("Bringing a colleague? Reply with their name, so that we expect them.")
    elif facts.place.kind != "video":
        company = ""
    elif facts.writes_i:
        company = words.say("Should somebody else be in the room? Reply with their address and I’ll invite them.")
    else:
        company = words.say("Should somebody else be in the room? Reply with their address and we’ll invite them.")
    return (*quote, paragraph(start, company)) if start or company else quote


def _plans_change(facts: Facts) -> Parts:
    words, links = facts.words, {"move": facts.move_url, "cancel": facts.cancel_url}
    match facts.move_url, facts.cancel_url:
        case str(), str():
            text = words.say_tagged(
                "Plans change. You can <move>pick another time</move> or <cancel>cancel</cancel>, "
                "no explanation needed."
            )
        case str(), None:
            text = words.say_tagged("Plans change. You can <move>pick another time</move>, no explanation needed.")
        case None, str():
            text = words.say_tagged("Plans change. You can <cancel>cancel</cancel>, no explanation needed.")
        case _:
            return change(facts, words.say("Does something have to change?"))
    return (paragraph(pieces(text, **links)),)


def series(facts: Facts) -> Letter:
    """Returns the letter that confirms all dates of a series at once (F14)."""
    words, dates = facts.words, _dates(facts)
    count, guest, host = len(dates), facts.guest, facts.host.short or facts.brand.name
    number = spelled(words, count)
    first = facts.when
    subject = (
        words.say_count(
            "One date booked with {host}, from {day}",
            "{number} dates booked with {host}, from {day}",
            count,
            number=_capital(number),
            host=host,
            day=first.day,
        )
        if host
        else words.say_count(
            "One date booked, from {day}",
            "{number} dates booked, from {day}",
            count,
            number=_capital(number),
            day=first.day,
        )
    )
    title = words.say_count("Your {number} date", "Your {number} dates", count, number=number)
    return Letter(
        subject=subject,
        preheader=words.say(
            "The first one is on {day}, {time}, {zone}. All dates are inside.",
            day=first.day,
            time=first.time,
            zone=first.zone,
        ),
        badge=Badge("good", "✓ " + words.say("{count} confirmed", count=count)),
        heading=f"{title}, {guest}" if guest else title,
        opening=(paragraph(*_series_opening(facts)),),
        ticket=(_series_ticket(facts, dates),),
        change=_series_change(facts, dates),
        closing=closing(facts, see_you(facts)),
        foot=foot(facts),
    )


def _series_opening(facts: Facts) -> tuple[str, ...]:
    words = facts.words
    files = (
        words.say("The calendar files are attached, one for each date.")
        if facts.invitation == "attached"
        else invitation_line(facts)
    )
    return (words.say("All of them are yours."), files, words.say("A reminder comes before each."))


def _series_ticket(facts: Facts, dates: tuple[Date, ...]) -> Ticket:
    words = facts.words
    with_host = [words.say("with {host}", host=facts.host.full)] if facts.host.full else []
    link: list[Row] = []
    if facts.place.url:
        text = words.say_tagged("The same link every time: <link>{place}</link>", place=facts.place.label)
        link = [Row("", (pieces(text, link=facts.place.url),))]
    zone = f"{facts.when.zone}," if with_host else facts.when.zone
    return Ticket(
        title=titled(facts),
        hours=facts.when.hours,
        parts=(zone, *with_host),
        tile=None,
        dates=dates,
        rows=tuple(link),
        button=place_button(facts),
    )


def _dates(facts: Facts) -> tuple[Date, ...]:
    found, year, meeting = [], None, facts.meeting
    listed = [one for one in meeting.series if one.status == "ACCEPTED"]
    times = [(one.start_time, reschedule_url(replace(meeting, uid=one.uid))) for one in listed]
    times = times or [(meeting.start_time, reschedule_url(meeting))]
    years = {start.year for start, _ in times}
    for start, url in times:
        local = facts.time_of(start)
        # The year stands where it begins, if the list crosses a year.
        day = facts.dated(start) if len(years) > 1 and start.year != year else local.day
        year = start.year
        found.append(Date(day, Button(facts.words.say("Move"), url) if url else None))
    return tuple(found)


def _series_change(facts: Facts, dates: tuple[Date, ...]) -> Parts:
    words = facts.words
    moving = words.say("Moving one date leaves the others alone.") if any(one.move for one in dates) else ""
    stop = cancel_url(facts.meeting, all_remaining=True)
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
