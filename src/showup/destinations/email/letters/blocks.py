"""The blocks that several letters share: the ticket, the agenda, how to change the meeting, the end and the foot."""

from datetime import datetime
from typing import Final, Literal
from urllib.parse import urlencode

from msgspec.structs import replace

from showup.destinations.email.letters.facts import Facts
from showup.destinations.email.letters.names import initials
from showup.destinations.email.letters.parts import (
    Bullets,
    Button,
    Paragraph,
    Part,
    Parts,
    Piece,
    Portrait,
    Row,
    Ticket,
    paragraph,
    pieces,
)
from showup.values.email_address import display_email

PlaceChange = Literal["none", "new"]

_GOOGLE: Final = "https://calendar.google.com/calendar/render"
_OUTLOOK: Final = "https://outlook.live.com/calendar/0/deeplink/compose"


def heading(text: str) -> Paragraph:
    """Returns a short heading above other parts."""
    return Paragraph((Piece(text),), is_heading=True)


def ticket(facts: Facts, *, with_button: bool = True) -> Ticket:
    """Returns the meeting at a glance: time, host, place, and the button that joins it or leads there."""
    words, when, other = facts.words, facts.when, facts.other_when
    parts: tuple[str, ...] = (f"{when.date},", when.zone)
    rows = [*_host_rows(facts), *place_rows(facts), *_calendar_rows(facts)]
    return Ticket(
        title=titled(facts),
        hours=when.hours,
        parts=parts,
        tile=when.tile,
        other=None if other is None else _other_time(facts, other.hours, other.city or other.zone, other.day),
        rows=tuple(rows),
        button=place_button(facts) if with_button else None,
        was_label=words.say("Was"),
    )


def off(facts: Facts, word: str) -> Ticket:
    """Returns the ticket of a meeting that no longer holds: only the host remains of its rows."""
    return replace(ticket(facts), is_off=True, off_word=word, rows=tuple(_host_rows(facts)), button=None)


def titled(facts: Facts) -> str:
    """Returns the title with the duration."""
    if facts.minutes is None:
        return facts.title
    return facts.words.say_count(
        "{title}, {count} minute", "{title}, {count} minutes", facts.minutes, title=facts.title
    )


def _other_time(facts: Facts, hours: str, city: str, day: str) -> str:
    shown = facts.words.say("{hours} in {city}", hours=hours, city=city)
    return shown if day == facts.when.day else f"{day}, {shown}"


def _host_rows(facts: Facts) -> list[Row]:
    listed = facts.host.listed
    return [] if listed is None else [Row(facts.words.say("With"), ((Piece(listed),),))]


def place_rows(facts: Facts, change: PlaceChange = "none", old_place: str | None = None) -> list[Row]:
    """Returns the rows about the place; with a change, what is new about it and what it was before."""
    words, place = facts.words, facts.place
    label = words.say("Now at") if change == "new" and place.kind == "in_person" else words.say("Where")
    rows = []
    match place.kind:
        case "video":
            rows.append(Row(label, (_video_line(facts, change),)))
        case "host_calls":
            rows += _phone_rows(facts)
        case "attendee_calls":
            call = words.say_tagged("<b>You call</b> {phone}", phone=place.phone)
            rows.append(Row(words.say("Phone"), (pieces(call),)))
        case "in_person":
            first, *rest = place.address
            style: Literal["strong", "plain"] = "strong" if change == "new" else "plain"
            rows.append(Row(label, ((Piece(first, None, style),), *((Piece(line),) for line in rest))))
        case "unknown":
            rows.append(Row(label, ((Piece(words.say("The link follows before the call.")),),)))
    if old_place:
        rows.append(Row(words.say("Before"), ((Piece(old_place, None, "struck"),),)))
    if place.kind == "in_person" and facts.arriving:
        rows.append(Row(words.say("Arriving"), ((Piece(facts.arriving),),)))
    return rows


def _video_line(facts: Facts, change: PlaceChange) -> tuple[Piece, ...]:
    words, place = facts.words, facts.place
    line = (
        words.say_tagged("<b>New link:</b> <link>{place}</link>", place=place.label)
        if change == "new"
        else words.say_tagged("Video call, <link>{place}</link>", place=place.label)
    )
    return pieces(line, link=place.url)


def _phone_rows(facts: Facts) -> list[Row]:
    words, place, host = facts.words, facts.place, facts.host.short
    call = (
        words.say_tagged("<b>{host} calls you</b> at {phone}", host=host, phone=place.phone)
        if host
        else words.say_tagged("<b>We call you</b> at {phone}", phone=place.phone)
    )
    rows = [Row(words.say("Phone"), (pieces(call),))]
    if place.host_phone:
        caller = words.say("{phone}, so you know who it is", phone=place.host_phone)
        rows.append(Row(words.say("From"), ((Piece(caller),),)))
    return rows


def place_button(facts: Facts) -> Button | None:
    """Returns the button that joins the call, or shows the way."""
    words, place = facts.words, facts.place
    if place.url is not None:
        label = (
            words.say("Join on {service}", service=place.service) if place.service else words.say("Join the video call")
        )
        return Button(label, place.url)
    if place.map_url is not None:
        return Button(words.say("Get directions"), place.map_url)
    if place.kind == "attendee_calls" and place.phone:
        number = "".join(one for one in place.phone if one in "+0123456789")
        return Button(words.say("Call {phone}", phone=place.phone), f"tel:{number}")
    return None


def _calendar_rows(facts: Facts) -> list[Row]:
    meeting = facts.meeting
    if facts.invitation != "links" or meeting.end_time is None:
        return []
    where = facts.place.url or ", ".join(facts.place.address)
    google = {
        "action": "TEMPLATE",
        "text": facts.title,
        "dates": f"{meeting.start_time:%Y%m%dT%H%M%SZ}/{meeting.end_time:%Y%m%dT%H%M%SZ}",
        "location": where,
    }
    outlook = {
        "subject": facts.title,
        "startdt": _iso(meeting.start_time),
        "enddt": _iso(meeting.end_time),
        "location": where,
    }
    links = (
        Piece("Google", f"{_GOOGLE}?{urlencode(google)}"),
        Piece(" · "),
        Piece("Outlook", f"{_OUTLOOK}?{urlencode(outlook)}"),
    )
    return [Row(facts.words.say("Add to"), (links,))]


def _iso(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def invitation_line(facts: Facts) -> str:
    """Returns where the calendar invitation is; an empty text if there is none."""
    words, host = facts.words, facts.host.short
    if facts.invitation == "attached":
        return words.say("The invitation is attached.")
    if facts.invitation != "host_calendar":
        return ""
    if host is None:
        return words.say("The calendar invitation comes in a mail of its own.")
    return words.say("The invitation comes from {host}’s calendar, in a mail of its own.", host=host)


def agenda(facts: Facts) -> Parts:
    """Returns the agenda with the minutes of each point; nothing without an agenda."""
    words = facts.words
    if not facts.agenda:
        return ()
    minutes = ["" if one.minutes is None else words.say("{count} min", count=one.minutes) for one in facts.agenda]
    items = tuple((one.text, note) for one, note in zip(facts.agenda, minutes, strict=True))
    return (heading(agenda_heading(facts)), Bullets(items))


def agenda_heading(facts: Facts) -> str:
    """Returns what the agenda is called."""
    words = facts.words
    if facts.minutes is None:
        return words.say("How we’ll use the time")
    return words.say_count("How we’ll use the {count} minute", "How we’ll use the {count} minutes", facts.minutes)


def options(facts: Facts) -> tuple[Piece, ...]:
    """Returns the links that move and cancel the meeting, as far as they are allowed; else how to ask for it."""
    words, links = facts.words, {"move": facts.move_url, "cancel": facts.cancel_url}
    match facts.move_url, facts.cancel_url:
        case str(), str():
            return pieces(words.say_tagged("<move>Pick another time</move> or <cancel>cancel</cancel>."), **links)
        case str(), None:
            return pieces(words.say_tagged("<move>Pick another time</move>."), **links)
        case None, str():
            return pieces(words.say_tagged("<cancel>Cancel the meeting</cancel>."), **links)
        case _:
            reply = (Piece(words.say("Reply to this mail and we’ll sort it out.")),)
            return () if facts.reply_name is None else reply


def change(facts: Facts, question: str, after: str = "") -> Parts:
    """Returns a question with the links that answer it; nothing where nothing can be changed."""
    found = options(facts)
    return (paragraph(question, found, after),) if found else ()


def closing(facts: Facts, words_before: str, *, brief: bool = False, extra: str = "") -> Parts:
    """Returns the end: a line, and the portrait of the host, or the name alone if nothing is known about them."""
    host = facts.host
    if host.team is None:
        return (paragraph(words_before.rstrip(",")),)
    lines = tuple(filter(None, (facts.role, extra, facts.brand.signature)))
    if host.full is None or not lines or brief:
        name = host.short if brief and host.short else host.team
        return (Paragraph((Piece(words_before), Piece("\n"), Piece(name))),)
    return (paragraph(words_before), portrait(facts, host.full, lines))


def portrait(facts: Facts, name: str, lines: tuple[str, ...]) -> Part:
    """Returns the host's portrait; a photo only where no logo is shown, since a mail has at most one image."""
    photo = facts.teammate.photo if facts.brand.logo is None else None
    return Portrait(name, initials(name), lines, photo)


def see_you(facts: Facts) -> str:
    """Returns the last line before the name: until the meeting."""
    words = facts.words
    if facts.when.relative == "today":
        return words.say("See you today,") if not _is_phone(facts) else words.say("Talk to you today,")
    if facts.when.relative == "tomorrow":
        return words.say("Until tomorrow,")
    if _is_phone(facts):
        return words.say("Talk to you {day},", day=facts.day_word)
    return words.say("See you {day},", day=facts.day_word)


def _is_phone(facts: Facts) -> bool:
    return facts.place.kind in ("host_calls", "attendee_calls")


def foot(facts: Facts) -> tuple[tuple[Piece, ...], ...]:
    """Returns why they get the mail and as whom, where replies go, the postal address and privacy."""
    words, brand, email = facts.words, facts.brand, display_email(facts.meeting.guest.email)
    why = (
        words.say("You get this because you booked a meeting with {brand} as {email}.", brand=brand.name, email=email)
        if brand.name
        else words.say("You get this because you booked this meeting as {email}.", email=email)
    )
    replies = words.say("Replies go to {name}.", name=facts.reply_name) if facts.reply_name else ""
    links = [Piece(words.say("Privacy"), brand.privacy_url)] if brand.privacy_url else []
    lines = [(Piece(" ".join(filter(None, (why, replies)))),)]
    if brand.postal_address:
        lines.append((Piece(brand.postal_address),))
    return (*lines, *([tuple(links)] if links else []))
