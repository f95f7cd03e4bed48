"""The text messages about a change: a new time, a cancellation, and the host's request for another time."""

from datetime import datetime
from typing import Final

from showup.destinations.contract import Meeting
from showup.destinations.languages import Wording, choose_language, wording
from showup.destinations.localized_time import localized_time
from showup.destinations.twilio.short_text import ShownName, fitting_text
from showup.values.time_zone import zone_of

CHANGES: Final = frozenset({"rescheduled", "cancelled", "reschedule_request"})
"""The kinds of changes that are texted."""


def change_text(kind: str, meeting: Meeting, link: str | None, now: datetime) -> str:
    """Returns the text in the attendee's language and time zone; `link` joins the meeting at its new time."""
    words, guest = wording(choose_language(meeting.guest.locale)), meeting.guest
    zone = zone_of(guest.time_zone, meeting.organizer_time_zone)
    dates = meeting.cancelled_dates if kind == "cancelled" else ()
    start = min((one.start_time for one in dates), default=meeting.start_time)
    when = localized_time(start, None, zone, words=words, locale=guest.locale, now=now)
    time = f"{when.day}, {when.time} {when.zone}"

    def written(name: ShownName) -> str:
        if dates:
            count = len(dates)
            off = words.say_count(
                "Cancelled: one date, {day}", "Cancelled: our {count} dates from {day}", count, day=when.day
            )
            return f"{off}. {words.say('Reply STOP to opt out')}"
        sentences = [_sentence(kind, words, name, time)]
        if kind == "rescheduled" and link:
            sentences.append(words.say("Join: {url}", url=link))
        return " ".join([*sentences, words.say("Reply STOP to opt out")])

    return fitting_text(meeting, written)


def _sentence(kind: str, words: Wording, name: ShownName, time: str) -> str:
    what = name.text or words.say("Your meeting")
    match kind:
        case "rescheduled":
            if name.is_host:
                return words.say("Your meeting with {host} is now {when}.", host=what, when=time)
            return words.say("{name} is now {when}.", name=what, when=time)
        case "cancelled":
            if name.is_host:
                return words.say("Your meeting with {host} is off: {when}.", host=what, when=time)
            return words.say("{name} is off: {when}.", name=what, when=time)
        case _:
            if name.is_host:
                return words.say(
                    "{host} can’t make {when}. Our mail has the link to another time.", host=what, when=time
                )
            return words.say("We can’t make {when}. Our mail has the link to another time.", when=time)
