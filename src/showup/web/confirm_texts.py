"""The words of the page on which an attendee says that they will come, in the attendee's language."""

from typing import Literal, TypeAlias

from msgspec import Struct

from showup.destinations.languages import Wording
from showup.destinations.localized_time import LocalizedTime

Answer: TypeAlias = Literal[
    "ask", "confirmed", "moved", "cancelled", "rebook", "pending", "left", "started", "over", "unknown", "busy"
]
"""What is true for the attendee now; `rebook`: the host asked for another time."""

_WEEK = 6


class ConfirmTexts(Struct, frozen=True, kw_only=True):
    """The words for one answer."""

    style: Literal["good", "info", "warn", "quiet"] = "quiet"
    badge: str = ""
    heading: str
    lead: str


def texts_of(answer: Answer, words: Wording, when: LocalizedTime, name: str | None) -> ConfirmTexts:
    """Return the words for an answer about a meeting. `name` is the attendee's first name."""
    match answer:
        case "ask":
            return _ask(words, when, name)
        case "confirmed":
            return ConfirmTexts(
                style="good",
                badge=words.say("Confirmed"),
                heading=_see_you(words, when),
                lead=words.say("Thank you for letting us know."),
            )
        case "moved":
            return ConfirmTexts(
                style="info",
                badge=words.say("New time"),
                heading=words.say("Your meeting has a new time"),
                lead=words.say(
                    "It is now on {when}. The time in your mail no longer holds.", when=f"{when.date}, {when.time}"
                ),
            )
        case "cancelled":
            return ConfirmTexts(
                badge=words.say("Cancelled"),
                heading=words.say("This meeting is cancelled"),
                lead=words.say("There is nothing to confirm, and nothing that you need to do."),
            )
        case "rebook":
            return ConfirmTexts(
                style="warn",
                badge=words.say("Your turn"),
                heading=words.say("Could we find another time?"),
                lead=words.say("The time in your mail no longer holds. Please pick one that suits you."),
            )
        case "pending":
            return ConfirmTexts(
                style="warn",
                badge=words.say("Waiting"),
                heading=words.say("This time is not confirmed yet"),
                lead=words.say("You will get a mail when it is."),
            )
        case _:
            return _closed(answer, words, when.time)


def texts_without_meeting(answer: Literal["unknown", "busy"], words: Wording) -> ConfirmTexts:
    """Return the words for a request without a known meeting."""
    if answer == "busy":
        return ConfirmTexts(
            heading=words.say("Please try again in a moment"),
            lead=words.say("Nothing was changed. Load this page again in a few seconds."),
        )
    return ConfirmTexts(
        heading=words.say("This link does not work"),
        lead=words.say("It is incomplete or no longer valid. Please open it again from the mail."),
    )


def _closed(answer: Answer, words: Wording, time: str) -> ConfirmTexts:
    if answer == "started":
        return ConfirmTexts(
            style="info",
            badge=words.say("Now"),
            heading=words.say("Your meeting has started"),
            lead=words.say("It began at {time}. Your mail says how to join.", time=time),
        )
    if answer == "over":
        return ConfirmTexts(
            badge=words.say("Over"),
            heading=words.say("This meeting is over"),
            lead=words.say("There is nothing to confirm any more."),
        )
    return ConfirmTexts(
        heading=words.say("You no longer take part in this meeting"),
        lead=words.say("If that is wrong, please reply to the mail that brought you here."),
    )


def _ask(words: Wording, when: LocalizedTime, name: str | None) -> ConfirmTexts:
    time = when.time
    match when.relative:
        case "today":
            badge, lead = words.say("Today"), words.say("Is {time} today still good for you?", time=time)
            heading = words.say("Still good for today?")
            named = words.say("Still good for today, {name}?", name=name)
        case "tomorrow":
            badge, lead = words.say("Tomorrow"), words.say("Is {time} tomorrow still good for you?", time=time)
            heading = words.say("Still good for tomorrow?")
            named = words.say("Still good for tomorrow, {name}?", name=name)
        case _:
            day = _day(when)
            badge, lead = when.day, words.say("Is {day}, {time} still good for you?", day=day, time=time)
            heading = words.say("Still good for {day}?", day=day)
            named = words.say("Still good for {day}, {name}?", day=day, name=name)
    return ConfirmTexts(style="info", badge=badge, heading=named if name else heading, lead=lead)


def _see_you(words: Wording, when: LocalizedTime) -> str:
    match when.relative:
        case "today":
            return words.say("See you today")
        case "tomorrow":
            return words.say("See you tomorrow")
        case _:
            return words.say("See you on {day}", day=_day(when))


def _day(when: LocalizedTime) -> str:
    return when.weekday if 0 <= when.days_ahead <= _WEEK else when.date
