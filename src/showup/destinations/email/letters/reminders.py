"""The letters before a meeting, each with a purpose of its own, and the one after a missed meeting.

A reminder three days ahead helps to prepare, one a day ahead asks for a yes, one two hours ahead shows the way in.
"""

from datetime import timedelta
from typing import Final, Literal, TypeAlias
from urllib.parse import quote

from msgspec.structs import replace

from showup.destinations.contract import NothingToSend
from showup.destinations.email.letters.blocks import (
    agenda_heading,
    change,
    closing,
    foot,
    place_button,
    place_rows,
    see_you,
    ticket,
)
from showup.destinations.email.letters.facts import Facts
from showup.destinations.email.letters.parts import (
    Badge,
    Bullets,
    Button,
    Buttons,
    Letter,
    Parts,
    Piece,
    Row,
    Tone,
    paragraph,
    pieces,
)
from showup.destinations.email.letters.series import spelled
from showup.destinations.links import web_link

Purpose: TypeAlias = Literal["prepare", "commit", "arrive"]

_PREPARE: Final = timedelta(hours=48)
_COMMIT: Final = timedelta(hours=6)
_INFO: Final[Tone] = "info"


def purpose_of(before: timedelta) -> Purpose:
    """Returns what a reminder this long before the meeting is for."""
    if before >= _PREPARE:
        return "prepare"
    return "commit" if before >= _COMMIT else "arrive"


def reminder(facts: Facts) -> Letter:
    """Returns the letter for the reminder's time before the meeting. Raises NothingToSend if it would say nothing."""
    match purpose_of(before_of(facts)):
        case "prepare":
            return _prepare(facts)
        case "commit":
            return _commit(facts)
        case "arrive":
            return _arrive(facts)


def before_of(facts: Facts) -> timedelta:
    """Returns the planned time before the meeting."""
    return timedelta(seconds=float(facts.details.get("before_seconds") or 0))


def _badge(facts: Facts) -> Badge:
    words, when = facts.words, facts.when
    minutes = round((facts.meeting.start_time - facts.now).total_seconds() / 60)
    if when.days_ahead > 1:
        return Badge(_INFO, words.say_count("In {count} day", "In {count} days", when.days_ahead))
    if when.relative == "tomorrow":
        return Badge(_INFO, words.say("Tomorrow"))
    if minutes >= 60:
        return Badge(_INFO, words.say_count("In {count} hour", "In {count} hours", round(minutes / 60)))
    return Badge(_INFO, words.say_count("In {count} minute", "In {count} minutes", max(1, minutes)))


def _prepare(facts: Facts) -> Letter:
    words, prepare = facts.words, facts.prepare
    if not prepare and not facts.agenda:
        raise NothingToSend("nothing_to_say: the event type has no `prepare` and no `agenda`")
    shown = ticket(facts, with_button=False)
    return Letter(
        subject=_prepare_subject(facts),
        preheader=words.say("A rough guess is good enough. And it’s easy to move if the week has filled up.")
        if prepare
        else words.say("What we’ll talk about, and how to move it if the week has filled up."),
        badge=_badge(facts),
        heading=_prepare_heading(facts),
        opening=_prepare_opening(facts),
        ticket=(shown,),
        change=change(
            facts,
            words.say("Has the week filled up?"),
            words.say("Today is easier for both of us than {day}.", day=facts.day_word),
        ),
        closing=closing(facts, words.say("Best,")),
        foot=foot(facts),
    )


def _prepare_subject(facts: Facts) -> str:
    words, host, day, count = facts.words, facts.host.short, _capital(facts.short_day), len(facts.prepare)
    if not count:
        heading = _lower(agenda_heading(facts))
        return (
            words.say("{day} with {host}: {heading}", day=day, host=host, heading=heading)
            if host
            else words.say("{day}: {heading}", day=day, heading=heading)
        )
    number = spelled(words, count)
    if not host:
        return words.say_count(
            "{day}: one thing worth bringing", "{day}: {number} things worth bringing", count, day=day, number=number
        )
    return words.say_count(
        "{day} with {host}: one thing worth bringing",
        "{day} with {host}: {number} things worth bringing",
        count,
        day=day,
        host=host,
        number=number,
    )


def _prepare_heading(facts: Facts) -> str:
    words, guest, count = facts.words, facts.guest, len(facts.prepare)
    if not count:
        text = agenda_heading(facts)
    else:
        number = spelled(words, count)
        text = _capital(
            words.say_count("One thing worth bringing", "{number} things worth bringing", count, number=number)
        )
    return f"{text}, {guest}" if guest else text


def _prepare_opening(facts: Facts) -> Parts:
    words, prepare, day = facts.words, facts.prepare, facts.day_word
    talk = words.say("We talk on {day}.", day=day) if facts.place.is_call else words.say("We meet on {day}.", day=day)
    if not prepare:
        return (paragraph(talk, words.say("This is what we have planned:")), _agenda_list(facts))
    more = words.say_count(
        "You’ll get more out of it with one thing at hand, and a rough guess is good enough.",
        "You’ll get more out of it with these {count} things at hand, and a rough guess is good enough.",
        len(prepare),
    )
    reply: Parts = ()
    if facts.reply_name is not None:
        reply = (
            paragraph(
                words.say("Reply with what you have before {day}, and I can look at it beforehand.", day=day)
                if facts.writes_i
                else words.say("Reply with what you have before {day}, and we can look at it beforehand.", day=day)
            ),
        )
    return (paragraph(talk, more), Bullets(tuple((item, "") for item in prepare)), *reply)


def _agenda_list(facts: Facts) -> Bullets:
    minutes = ("" if one.minutes is None else facts.words.say("{count} min", count=one.minutes) for one in facts.agenda)
    return Bullets(tuple((one.text, note) for one, note in zip(facts.agenda, minutes, strict=True)))


def _commit(facts: Facts) -> Letter:
    words, guest = facts.words, facts.guest
    day, time, relative = facts.when.day, facts.time_and_place, facts.when.relative
    question = _still_good(facts, relative, guest)
    match relative:
        case "tomorrow":
            subject = words.say("Still good for tomorrow, {time}?", time=time)
            asked = words.say("Is {time} tomorrow still good for you?", time=time)
        case "today":
            subject = words.say("Still good for today, {time}?", time=time)
            asked = words.say("Is {time} today still good for you?", time=time)
        case _:
            subject = words.say("Still good for {day}, {time}?", day=day, time=time)
            asked = words.say("Is {day}, {time} still good for you?", day=day, time=time)
    shown = ticket(facts, with_button=False)
    rows = [*shown.rows]
    if facts.agenda:
        rows.append(Row(words.say("Agenda"), tuple((Piece(one.text),) for one in facts.agenda)))
    forward = words.say("I’m looking forward to it.") if facts.writes_i else words.say("We’re looking forward to it.")
    return Letter(
        subject=subject,
        preheader=words.say("One tap to say yes, or to choose another time.")
        if facts.move_url
        else words.say("One tap to say that you will be there is enough."),
        badge=_badge(facts),
        heading=question,
        opening=(paragraph(forward, asked), *_yes(facts)),
        ticket=(replace(shown, rows=tuple(rows), parts=_with_relative(facts, shown.parts)),),
        change=_cancel_question(facts),
        closing=closing(facts, see_you(facts)),
        foot=foot(facts),
    )


def _still_good(facts: Facts, relative: str | None, guest: str | None) -> str:
    words = facts.words
    match relative:
        case "tomorrow":
            text = words.say("Still good for tomorrow, {name}?", name=guest) if guest else ""
            return text or words.say("Still good for tomorrow?")
        case "today":
            text = words.say("Still good for today, {name}?", name=guest) if guest else ""
            return text or words.say("Still good for today?")
        case _:
            text = words.say("Still good for {day}, {name}?", day=facts.day_word, name=guest) if guest else ""
            return text or words.say("Still good for {day}?", day=facts.day_word)


def _yes(facts: Facts) -> Parts:
    """Returns the yes: a page that records it, else a reply; and the way to another time."""
    words = facts.words
    label = words.say("Yes, see you then")
    url = web_link(facts.details.get("confirm_url"))
    if url is None and facts.reply_address is not None:
        subject = quote(words.say("Yes, see you then"))
        url = f"mailto:{quote(facts.reply_address, safe='@')}?subject={subject}&body={subject}"
    move = None if facts.move_url is None else Button(words.say("I need another time"), facts.move_url)
    if url is not None:
        return (Buttons(Button(label, url), move),)
    return () if move is None else (Buttons(move),)


def _cancel_question(facts: Facts) -> Parts:
    words = facts.words
    if facts.cancel_url is None:
        return () if facts.move_url else change(facts, words.say("Does something have to change?"))
    text = words.say_tagged("No longer of use to you? <cancel>Cancel it</cancel>, and nobody waits.")
    return (paragraph(pieces(text, cancel=facts.cancel_url)),)


def _arrive(facts: Facts) -> Letter:
    words, guest, host, time = facts.words, facts.guest, facts.host.short, facts.when.time
    text = (
        words.say("See you at {time}", time=time)
        if facts.place.kind in ("video", "in_person", "unknown")
        else (words.say("We talk at {time}", time=time))
    )
    shown = ticket(facts)
    title = (
        words.say("{title} with {host}", title=facts.title, host=facts.host.full) if facts.host.full else facts.title
    )
    return Letter(
        subject=_arrive_subject(facts, host),
        preheader=_arrive_preheader(facts),
        badge=_badge(facts),
        heading=f"{text}, {guest}" if guest else text,
        ticket=(
            replace(
                shown,
                title=title,
                rows=(*place_rows(facts), *_late_row(facts)),
                parts=_with_relative(facts, shown.parts),
                button=place_button(facts),
            ),
        ),
        change=_late(facts),
        closing=(paragraph(facts.host.short or facts.host.team or ""),) if facts.host.team else (),
        foot=foot(facts),
    )


def _arrive_subject(facts: Facts, host: str | None) -> str:
    words, time = facts.words, facts.time_and_place
    match facts.when.relative:
        case "today":
            start = words.say("Today at {time}", time=time)
        case "tomorrow":
            start = words.say("Tomorrow at {time}", time=time)
        case _:
            start = f"{facts.when.day}, {time}"
    if facts.place.kind == "video":
        rest = words.say("your link to {host}", host=host) if host else words.say("your link")
    elif facts.place.kind == "host_calls":
        rest = words.say("{host} calls you", host=host) if host else words.say("we call you")
    elif facts.place.kind == "in_person":
        rest = words.say("the way to us")
    else:
        rest = words.say("with {host}", host=host) if host else facts.title
    return f"{start}: {rest}"


def _arrive_preheader(facts: Facts) -> str:
    words, place = facts.words, facts.place
    if place.label:
        return words.say("{place} is your link. No more mails before we meet.", place=place.label)
    if place.address:
        return words.say("{place} is the address. No more mails before we meet.", place=", ".join(place.address))
    return words.say("All you need is inside. No more mails before we meet.")


def _late_row(facts: Facts) -> list[Row]:
    if facts.place.kind != "in_person" or not facts.teammate.phone:
        return []
    return [Row(facts.words.say("Late?"), ((Piece("\u00a0".join(facts.teammate.phone.split())),),))]


def _late(facts: Facts) -> Parts:
    words = facts.words
    late = words.say("Running a few minutes late? Reply with a word.") if facts.reply_name else ""
    if facts.move_url is None:
        return (paragraph(late),) if late else ()
    text = words.say_tagged("Something came up? <move>Pick another time</move>.")
    return (paragraph(late, pieces(text, move=facts.move_url)),)


def _with_relative(facts: Facts, parts: tuple[str, ...]) -> tuple[str, ...]:
    words = facts.words
    match facts.when.relative:
        case "tomorrow":
            return (words.say("Tomorrow") + ",", *parts)
        case "today":
            return (words.say("Today") + ",", *parts)
        case _:
            return parts


def no_show(facts: Facts) -> Letter:
    """Returns the letter that offers another time after a missed meeting, without blame (TE11)."""
    words, guest, url = facts.words, facts.guest, facts.rebook_url or facts.move_url
    missed = (
        words.say(
            "We had {when} today, and it looks as if the day had other plans. No harm done.", when=facts.when.time
        )
        if facts.when.relative == "today"
        else words.say("We had {when}, and it looks as if the day had other plans. No harm done.", when=str(facts.when))
    )
    still = (
        words.say("If {topic} is still on your list, it would be good to try again.", topic=facts.topic)
        if facts.topic
        else words.say("If it is still of use to you, it would be good to try again.")
    )
    choose = words.say("Choose any time that suits you. It takes a minute.") if url else ""
    answers = (
        (
            paragraph(
                words.say("Did you try to join and it didn’t work? Then that is on us. Reply, and we’ll put it right.")
            ),
            paragraph(words.say("And if it is no longer a priority, “not now” is a perfectly good answer.")),
        )
        if facts.reply_name
        else ()
    )
    return Letter(
        subject=words.say("Another time, {name}?", name=guest) if guest else words.say("Another time?"),
        preheader=words.say("We missed each other. It happens, and a new time takes a minute."),
        badge=None,
        heading=words.say("Sorry we missed each other, {name}", name=guest)
        if guest
        else words.say("Sorry we missed each other"),
        opening=(paragraph(missed), paragraph(still, choose)),
        change=((Buttons(Button(words.say("Choose a new time"), url)),) if url else ()) + answers,
        closing=closing(facts, words.say("All the best,")),
        foot=_foot_with_end(facts),
    )


def _foot_with_end(facts: Facts) -> tuple[tuple[Piece, ...], ...]:
    url = web_link(facts.details.get("unsubscribe_url"))
    if url is None:
        return foot(facts)
    return (*foot(facts), (Piece(facts.words.say("No more mails about missed meetings"), url),))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
