"""The letter that confirms a meeting."""

from showup.destinations.email.letters.blocks import (
    agenda,
    change,
    closing,
    foot,
    invitation_line,
    see_you,
    ticket,
)
from showup.destinations.email.letters.facts import Facts
from showup.destinations.email.letters.parts import (
    Badge,
    Letter,
    Parts,
    Quote,
    paragraph,
    pieces,
)


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
