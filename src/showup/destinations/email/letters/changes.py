"""The letters about a change: another time, host or place, a cancellation, and an old calendar entry."""

from datetime import datetime

from msgspec.structs import replace

from showup.destinations.email.letters.blocks import (
    change,
    closing,
    foot,
    off,
    place_rows,
    portrait,
    see_you,
    ticket,
)
from showup.destinations.email.letters.confirmation import on_the_day
from showup.destinations.email.letters.facts import LONGEST_TEXT, Facts, cut_at_word
from showup.destinations.email.letters.parts import (
    Badge,
    Button,
    Buttons,
    Letter,
    Parts,
    Piece,
    Quote,
    Row,
    paragraph,
    pieces,
)
from showup.destinations.lines import one_line, without_marks
from showup.destinations.localized_time import LocalizedTime


def rescheduled(facts: Facts) -> Letter:
    """Returns the letter about the time that counts now; the old time is named and struck through."""
    words, host, old = facts.words, facts.host.short, _old_time(facts)
    day, time = facts.when.day, facts.time_and_place
    subject = (
        words.say("New time: {day}, {time} with {host}", day=day, time=time, host=host)
        if host
        else words.say("New time: {day}, {time}", day=day, time=time)
    )
    was = words.say("It was {old}.", old=str(old)) if old else ""
    return Letter(
        subject=subject,
        preheader=" ".join(filter(None, (was, words.say("This is the time that counts now, and how to change it.")))),
        badge=Badge("info", "→ " + words.say("New time")),
        heading=_rescheduled_heading(facts),
        opening=(paragraph(_rescheduled_opening(facts)),),
        ticket=(replace(ticket(facts), was=None if old is None else Piece(str(old), None, "struck")),),
        words=(
            *_reason(words.say("Why it moved"), facts.meeting.reschedule_reason, _moved_by(facts)),
            *_updated(facts),
        ),
        change=change(facts, words.say("Does {day} not suit you?", day=facts.day_word)),
        closing=closing(facts, see_you(facts)),
        foot=foot(facts),
    )


def _old_time(facts: Facts) -> LocalizedTime | None:
    old = facts.details.get("old_start_time")
    return None if old is None else facts.time_of(datetime.fromisoformat(old))


def _moved_by(facts: Facts) -> str:
    return facts.by_whom(facts.meeting.rescheduled_by)


def _rescheduled_heading(facts: Facts) -> str:
    words, guest, day = facts.words, facts.guest, facts.day_word
    if facts.place.is_call:
        return (
            words.say("Our call is now on {day}, {name}", day=day, name=guest)
            if guest
            else words.say("Our call is now on {day}", day=day)
        )
    return (
        words.say("Our meeting is now on {day}, {name}", day=day, name=guest)
        if guest
        else words.say("Our meeting is now on {day}", day=day)
    )


def _rescheduled_opening(facts: Facts) -> str:
    words = facts.words
    match _moved_by(facts):
        case "host":
            return words.say("Sorry for the shuffle, and thank you for your patience. This time counts now:")
        case "attendee":
            return words.say("Done. This time counts now:")
        case _:
            return words.say("Our meeting has a new time:")


def _reason(heading: str, reason: str | None, actor: str) -> Parts:
    """Returns the reason as a quote, if the host gave it."""
    text = cut_at_word(without_marks(one_line(reason or "")), LONGEST_TEXT)
    return (Quote(heading, text),) if text and actor == "host" else ()


def _from_host(facts: Facts) -> str:
    host = facts.host.short
    return facts.words.say("From {host}", host=host) if host else facts.words.say("From us")


def _updated(facts: Facts) -> Parts:
    words = facts.words
    if facts.invitation == "attached":
        return (
            paragraph(
                words.say("The attached update moves the entry in your calendar, so there is nothing to delete.")
            ),
        )
    return ()


def cancelled(facts: Facts) -> Letter:
    """Returns the letter about a cancelled meeting, with the way back to another one."""
    words, guest = facts.words, facts.guest
    actor = facts.by_whom(facts.meeting.cancelled_by)
    day, time = facts.when.day, facts.time_and_place
    subject = (
        words.say("Cancelled: our call on {day}, {time}", day=day, time=time)
        if facts.place.is_call
        else words.say("Cancelled: our meeting on {day}, {time}", day=day, time=time)
    )
    removed = words.say("The attached update takes it out of your calendar.") if facts.invitation == "attached" else ""
    no_more = words.say("You won’t get any more reminders about it.")
    return Letter(
        subject=subject,
        preheader=_cancelled_preheader(facts),
        badge=Badge("quiet", "✕ " + words.say("Cancelled")),
        heading=_cancelled_heading(facts, guest),
        opening=(paragraph(_cancelled_opening(facts, actor), removed, no_more),),
        ticket=(off(facts, words.say("Cancelled")),),
        words=_reason(_from_host(facts), facts.meeting.cancellation_reason, actor),
        change=_new_meeting(facts, actor),
        closing=closing(facts, words.say("All the best,")),
        foot=foot(facts),
    )


def _cancelled_preheader(facts: Facts) -> str:
    words = facts.words
    if facts.rebook_url:
        return words.say("It’s off, and a new time takes one minute to choose.")
    return words.say("The meeting is off. You won’t get any more reminders about it.")


def _cancelled_heading(facts: Facts, guest: str | None) -> str:
    words, day = facts.words, facts.day_word
    if facts.place.is_call:
        text = words.say("Our call on {day} is off", day=day)
    else:
        text = words.say("Our meeting on {day} is off", day=day)
    return f"{text}, {guest}" if guest else text


def _cancelled_opening(facts: Facts, actor: str) -> str:
    words = facts.words
    if actor == "attendee":
        return (
            words.say("Done, it’s cancelled. Thank you for letting me know.")
            if facts.writes_i
            else words.say("Done, it’s cancelled. Thank you for letting us know.")
        )
    if actor == "host":
        return (
            words.say("I’m sorry, I have to call off our meeting.")
            if facts.writes_i
            else words.say("We’re sorry, we have to call off our meeting.")
        )
    return words.say("Our meeting will not take place.")


def _new_meeting(facts: Facts, actor: str) -> Parts:
    words = facts.words
    if facts.rebook_url is None:
        return ()
    text = (
        words.say("If things change, choose any time that suits you. It takes a minute.")
        if actor == "attendee"
        else words.say("If you would still like to meet, choose any time that suits you. It takes a minute.")
    )
    return (paragraph(text), Buttons(Button(words.say("Find a new time"), facts.rebook_url)))


def reschedule_request(facts: Facts) -> Letter:
    """Returns the letter in which the host asks the attendee to choose another time (F02)."""
    words, guest, day = facts.words, facts.guest, facts.day_word
    shown = off(facts, words.say("No longer"))
    reason = facts.meeting.cancellation_reason or facts.meeting.reschedule_reason
    button = _another_time(facts)
    removed = words.say("The attached update takes it out of your calendar.") if facts.invitation == "attached" else ""
    return Letter(
        subject=words.say("Could we find another time, {name}?", name=guest)
        if guest
        else words.say("Could we find another time?"),
        preheader=_request_preheader(facts, has_choice=button is not None),
        badge=Badge("warn", words.say("Your turn")) if button or facts.reply_name else None,
        heading=words.say("Could we find another time, {name}?", name=guest)
        if guest
        else words.say("Could we find another time?"),
        opening=(
            paragraph(
                words.say("I can’t make {day} after all, and I’m sorry about that.", day=day)
                if facts.writes_i
                else words.say("We can’t make {day} after all, and we’re sorry about that.", day=day),
                _reschedule_action(facts),
            ),
        ),
        ticket=(replace(shown, button=button),),
        words=(
            *_reason(_from_host(facts), reason, "host"),
            paragraph(
                words.say("The old time is free again."),
                removed,
                words.say("Nothing new is booked until you choose.") if button else "",
            ),
        ),
        change=(paragraph(words.say("None of the times fit? Reply with two that do.")),)
        if button and facts.reply_name
        else (),
        closing=closing(facts, words.say("Thank you,")),
        foot=foot(facts),
    )


def _another_time(facts: Facts) -> Button | None:
    """Returns the page with other times: of this booking, or for a new one where the booking may not be moved."""
    words = facts.words
    if facts.move_url is not None:
        return Button(words.say("Pick another time"), facts.move_url)
    return None if facts.rebook_url is None else Button(words.say("Find a new time"), facts.rebook_url)


def _request_preheader(facts: Facts, *, has_choice: bool) -> str:
    words, host, when = facts.words, facts.host.short, str(facts.when)
    if not has_choice:
        return words.say("The old time is free again.")
    if host:
        return words.say("{host} can’t make {when}. Choosing another takes a minute.", host=host, when=when)
    return words.say("We can’t make {when}. Choosing another takes a minute.", when=when)


def _reschedule_action(facts: Facts) -> str:
    """Returns what the attendee can do: choose a time, or reply where no page offers one."""
    words = facts.words
    if facts.move_url is not None:
        return words.say("Would you choose another time? It takes a minute, and your answers are kept.")
    if facts.rebook_url is not None:
        return words.say("If you would still like to meet, choose any time that suits you. It takes a minute.")
    return words.say("Reply to this mail and we’ll sort it out.") if facts.reply_name else ""


def new_host(facts: Facts) -> Letter:
    """Returns the letter about another host, who introduces themselves, and the link if it is new."""
    words, guest, host = facts.words, facts.guest, facts.host
    has_new_link = facts.place.url is not None and bool(facts.details.get("has_new_place"))
    old_host, day = facts.detail("old_host"), facts.when.day
    shown = ticket(facts)
    name = host.short or facts.brand.name or words.say("somebody else")
    text = words.say("You’ll meet {host} on {day}", host=name, day=facts.day_word)
    lines = tuple(filter(None, (facts.role, facts.bio)))
    introduction: Parts = (portrait(facts, host.full, lines),) if host.full and lines else ()
    rows = [Row(words.say("With"), (_instead(facts, host.full or name, old_host),)), *place_rows(facts)]
    return Letter(
        subject=words.say("You’ll meet {host} on {day}, {time}", host=name, day=day, time=facts.time_and_place),
        preheader=words.say("The time stays as it is. The link that counts is inside.")
        if has_new_link
        else words.say("The day and the time stay as they are."),
        badge=Badge("info", "→ " + words.say("New host")),
        heading=f"{text}, {guest}" if guest else text,
        opening=(paragraph(_takes_over(facts, old_host)), *introduction),
        ticket=(replace(shown, rows=tuple(rows), parts=(*shown.parts, words.say("(no change)"))),),
        words=_calendar_note(facts, has_new_link=has_new_link),
        change=change(facts, words.say("Rather on another day?")),
        closing=closing(facts, see_you(facts), brief=True),
        foot=foot(facts),
    )


def _instead(facts: Facts, host: str, old_host: str | None) -> tuple[Piece, ...]:
    words = facts.words
    if old_host is None:
        return (Piece(host, None, "strong"),)
    return pieces(words.say_tagged("<b>{host}</b> <q>instead of</q> <s>{old_host}</s>", host=host, old_host=old_host))


def _takes_over(facts: Facts, old_host: str | None) -> str:
    words = facts.words
    if old_host and facts.writes_i:
        return words.say("I’m taking over our meeting from {old_host}. Your answers came with it.", old_host=old_host)
    if facts.writes_i:
        return words.say("I’m taking over our meeting. Your answers came with it.")
    return words.say("Somebody else of us will meet you. Your answers came with it.")


def _calendar_note(facts: Facts, *, has_new_link: bool) -> Parts:
    words = facts.words
    if facts.invitation != "attached":
        return ()
    if has_new_link:
        return (paragraph(words.say("The attached update puts the link that counts into your calendar.")),)
    return (paragraph(words.say("The attached update changes the entry in your calendar.")),)


def new_place(facts: Facts) -> Letter:
    """Returns the letter about where the meeting is now; the old place is struck through, if it is known."""
    words, day, time = facts.words, facts.when.day, facts.time_and_place
    shown = ticket(facts)
    old_place = facts.detail("old_place")
    match facts.place.kind:
        case "in_person":
            subject = words.say("New address for {day}, {time}", day=day, time=time)
        case "video":
            subject = words.say("New link for {day}, {time}", day=day, time=time)
        case _:
            subject = words.say("New place for {day}, {time}", day=day, time=time)
    question = (
        words.say("Is it too far for you?")
        if facts.place.kind == "in_person"
        else words.say("Does something have to change?")
    )
    return Letter(
        subject=subject,
        preheader=words.say("The day and the time stay as they are. Only the place is new."),
        badge=Badge("info", "→ " + words.say("New place")),
        heading=words.say("Same time, new link") if facts.place.url else words.say("Same time, new place"),
        opening=(paragraph(words.say("The day and the time stay as they are. Only the place is new:")),),
        ticket=(replace(shown, rows=tuple(place_rows(facts, "new", old_place))),),
        words=_calendar_note(facts, has_new_link=facts.place.url is not None),
        change=change(facts, question),
        closing=closing(facts, see_you(facts), extra=on_the_day(facts)),
        foot=foot(facts),
    )


def calendar_cleanup(facts: Facts) -> Letter:
    """Returns the letter whose calendar file removes an old entry (F01).

    The meeting itself is shown only to somebody who still takes part in it. `details["old_start_time"]` is the time of
    the entry, if it should be named.
    """
    words, old = facts.words, _old_time(facts)
    stands = facts.meeting.status == "ACCEPTED" and not facts.has_left
    removed = (
        pieces(
            words.say_tagged("The attached update takes an old entry out of your calendar: <s>{old}</s>.", old=str(old))
        )
        if old and stands
        else words.say("The attached update takes an old entry out of your calendar.")
    )
    day = facts.when.day
    return Letter(
        subject=words.say("Your calendar for {day}: one old entry removed", day=day)
        if stands
        else words.say("Your calendar: one old entry removed"),
        preheader=words.say("There is nothing for you to do. Your meeting stands.")
        if stands
        else words.say("There is nothing for you to do. An old entry goes."),
        badge=Badge("quiet", words.say("Calendar")),
        heading=words.say("One old entry removed"),
        opening=(
            paragraph(
                words.say("There is nothing for you to do."),
                removed,
                words.say("Your meeting stands:") if stands else "",
            ),
        ),
        ticket=(ticket(facts, with_button=False),) if stands else (),
        foot=foot(facts),
    )
