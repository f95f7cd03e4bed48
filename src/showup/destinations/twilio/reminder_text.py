"""The default text of a reminder by text message: one SMS of 160 letters wherever possible.

An SMS holds 160 letters of GSM 03.38, or 70 of any other alphabet. One letter outside that alphabet, such as the á in
Tomás, more than halves the space, so the text is first tried with less: without the host's last name, without the
host, without the title.
"""

import unicodedata
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from showup.destinations.contract import Meeting
from showup.destinations.languages import Wording, choose_language, wording
from showup.destinations.lines import one_line, truncate
from showup.destinations.links import meeting_place
from showup.destinations.localized_time import LocalizedTime, localized_time, plain
from showup.values.time_zone import zone_of

_GSM: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# These take the space of two letters.
_GSM_EXTENDED: Final = frozenset("^{}\\[~]|€")
_ONE_PART: Final = 160
_PLAINER: Final = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "...", "−": "-"})
_COMMIT: Final = timedelta(hours=6)
_LONGEST_TITLE: Final = 60
_LONGEST_PLACE: Final = 80


def gsm_length(text: str) -> int | None:
    """Returns the length in an SMS of the GSM alphabet; None for a text with other letters."""
    if not all(letter in _GSM or letter in _GSM_EXTENDED for letter in text):
        return None
    return sum(2 if letter in _GSM_EXTENDED else 1 for letter in text)


def reminder_text(meeting: Meeting, link: str | None, now: datetime) -> str:
    """Returns the first version of the text that fits into one SMS, else the shortest one."""
    shown = ""
    for shown in _versions(meeting, link, now):
        length = gsm_length(shown)
        if length is not None and length <= _ONE_PART:
            return shown
    return shown


def _versions(meeting: Meeting, link: str | None, now: datetime) -> Iterator[str]:
    words, guest = wording(choose_language(meeting.guest.locale)), meeting.guest
    zone = zone_of(guest.time_zone, meeting.organizer_time_zone)
    when = localized_time(meeting.start_time, None, zone, words=words, locale=guest.locale, now=now)
    title = truncate(one_line(meeting.event_type_title or meeting.title), _LONGEST_TITLE)
    host = one_line(meeting.organizer_name or "")
    names = ["" if "@" in host else host, host.split(" ")[0] if "@" not in host else "", title, ""]
    for name in dict.fromkeys(names):
        text = _text(words, when, meeting, name, is_host=bool(name) and name != title, link=link, now=now)
        yield _plainer(text)
    # The last resort drops accents from what people wrote, never letters.
    yield _without_accents(_plainer(_text(words, when, meeting, "", is_host=False, link=link, now=now)))


def _text(
    words: Wording, when: LocalizedTime, meeting: Meeting, name: str, *, is_host: bool, link: str | None, now: datetime
) -> str:
    is_commit = meeting.start_time - now >= _COMMIT
    who = name or words.say("Your meeting")
    sentences = [_when_and_where(words, when, meeting, who, is_host=is_host, is_commit=is_commit)]
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


def _plainer(text: str) -> str:
    return one_line(plain(text).translate(_PLAINER))


def _without_accents(text: str) -> str:
    """Returns the text without the accents that the GSM alphabet lacks."""
    return "".join(letter if letter in _GSM else unicodedata.normalize("NFD", letter)[:1] for letter in text)
