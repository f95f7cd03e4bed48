"""The default text of a reminder by text message: one SMS of 160 letters wherever possible."""

from datetime import datetime, timedelta
from typing import Final

from showup.destinations.contract import Meeting
from showup.destinations.languages import Wording, choose_language, wording
from showup.destinations.lines import truncate
from showup.destinations.links import meeting_place
from showup.destinations.localized_time import LocalizedTime, localized_time
from showup.destinations.twilio.short_text import ShownName, fitting_text
from showup.values.time_zone import zone_of

_COMMIT: Final = timedelta(hours=6)
_LONGEST_PLACE: Final = 80


def reminder_text(meeting: Meeting, link: str | None, now: datetime) -> str:
    """Returns the first version of the text that fits into one SMS, else the shortest one."""
    words, guest = wording(choose_language(meeting.guest.locale)), meeting.guest
    zone = zone_of(guest.time_zone, meeting.organizer_time_zone)
    when = localized_time(meeting.start_time, None, zone, words=words, locale=guest.locale, now=now)
    return fitting_text(meeting, lambda name: _text(words, when, meeting, name, link=link, now=now))


def _text(
    words: Wording, when: LocalizedTime, meeting: Meeting, name: ShownName, *, link: str | None, now: datetime
) -> str:
    is_commit = meeting.start_time - now >= _COMMIT
    who = name.text or words.say("Your meeting")
    sentences = [_when_and_where(words, when, meeting, who, is_host=name.is_host, is_commit=is_commit)]
    if link:
        sentences.append(words.say("Join: {url}", url=link))
    if is_commit:
        sentences.append(words.say("Reply STOP to opt out"))
    return " ".join(sentences)


def _when_and_where(
    words: Wording, when: LocalizedTime, meeting: Meeting, who: str, *, is_host: bool, is_commit: bool
) -> str:
    time = f"{when.day}, {when.time} {when.zone}"
    match when.relative:
        case "tomorrow":
            time = words.say("tomorrow {when}", when=time)
        case "today":
            time = words.say("today {when}", when=f"{when.time} {when.zone}")
        case None:
            pass
    place = meeting_place(meeting)
    address = truncate(place.text or "", _LONGEST_PLACE)
    is_phone = bool(address) and not any(letter.isalpha() for letter in address)
    if is_phone and _digits(address) == _digits(meeting.guest.phone or ""):
        if is_host:
            return words.say("{host} calls you {when}.", host=who, when=time)
        return words.say("We call you {when}.", when=time)
    if place.url and is_commit:
        return words.say("{name}, {when}, by video.", name=who, when=time)
    if address:
        return words.say("{name}, {when}, {place}.", name=who, when=time, place=address)
    return words.say("{name}, {when}.", name=who, when=time)


def _digits(text: str) -> str:
    return "".join(letter for letter in text if letter.isdigit())
