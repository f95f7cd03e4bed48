"""The letters about a cancellation: of one meeting, or of several dates of a series at once (F14)."""

from msgspec.structs import replace

from showup.destinations.email.letters.blocks import closing, foot
from showup.destinations.email.letters.changes import book_again, cancelled_meeting, from_host, quoted_reason
from showup.destinations.email.letters.facts import Actor, Facts
from showup.destinations.email.letters.parts import Badge, Letter, paragraph
from showup.destinations.email.letters.series import dates_of, dates_ticket


def cancelled(facts: Facts) -> Letter:
    """Returns the letter about a cancelled meeting, or about the dates that were cancelled with it."""
    meetings = facts.meeting.cancelled_dates
    if not meetings:
        return cancelled_meeting(facts)
    words, guest, actor = facts.words, facts.guest, facts.by_whom(facts.meeting.cancelled_by)
    dates = dates_of(facts, meetings)
    count, day = len(dates), dates[0].when.day
    heading = words.say_count("Our date is off", "Our {count} dates are off", count)
    removed = (
        words.say("The attached updates take them out of your calendar.") if facts.invitation == "attached" else ""
    )
    no_more = words.say("You won’t get any more reminders about them.")
    ticket = dates_ticket(dates)
    return Letter(
        subject=words.say_count(
            "Cancelled: one date, {day}", "Cancelled: our {count} dates from {day}", count, day=day
        ),
        preheader=words.say("These dates are off. You won’t get any more reminders about them."),
        badge=Badge("quiet", "✕ " + words.say("Cancelled")),
        heading=f"{heading}, {guest}" if guest else heading,
        opening=(paragraph(_opening(facts, actor), removed, no_more),),
        # Nothing of a date that is off can be moved, and nobody needs its place.
        ticket=(
            replace(
                ticket,
                is_off=True,
                off_word=words.say("Cancelled"),
                rows=(),
                button=None,
                dates=tuple(replace(date, place=(), move=None) for date in ticket.dates),
            ),
        ),
        words=quoted_reason(from_host(facts), facts.meeting.cancellation_reason, actor),
        change=book_again(facts, actor),
        closing=closing(facts, words.say("All the best,")),
        foot=foot(facts),
    )


def _opening(facts: Facts, actor: Actor) -> str:
    words = facts.words
    if actor == "attendee":
        return (
            words.say("Done, they are cancelled. Thank you for letting me know.")
            if facts.writes_i
            else words.say("Done, they are cancelled. Thank you for letting us know.")
        )
    if actor == "host":
        return (
            words.say("I’m sorry, I have to call off our meetings.")
            if facts.writes_i
            else words.say("We’re sorry, we have to call off our meetings.")
        )
    return words.say("Our meetings will not take place.")
