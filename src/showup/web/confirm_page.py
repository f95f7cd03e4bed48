"""Render the page on which an attendee says that they will come. Texts from outside are cut, and escaped by Jinja."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from html import escape
from importlib.resources import files
from typing import Final, Literal, TypeAlias
from urllib.parse import urlencode

from fastapi.responses import HTMLResponse
from jinja2 import Environment, StrictUndefined
from msgspec import Struct

from showup.destinations.contract import Guest, Meeting
from showup.destinations.lines import one_line, truncate
from showup.destinations.links import meeting_place, reschedule_url
from showup.values.time_zone import zone_of
from showup.web.meeting_time import MeetingTime, meeting_time
from showup.web.page import render_page

Answer: TypeAlias = Literal[
    "ask", "confirmed", "moved", "cancelled", "rebook", "pending", "left", "started", "over", "unknown", "busy"
]
"""What is true for the attendee now; `rebook`: the host asked for another time."""
_LONGEST_TEXT: Final = 120
_LONGEST_NAME: Final = 80
_LONGEST_FIRST_NAME: Final = 20
_LETTERS: Final = re.compile(r"[^\W\d_][^\W\d_'’.-]*")
_WITHOUT_END: Final = timedelta(hours=1)
_TEMPLATE: Final = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True).from_string(
    files("showup.web").joinpath("confirm_page.html").read_text()
)


class ConfirmTexts(Struct, frozen=True, kw_only=True):
    """The words for one answer. They may contain {day}, {weekday}, {date}, {time}, {zone} and {name} (`, Priya`)."""

    style: Literal["good", "info", "warn", "quiet"] = "quiet"
    badge: str = ""
    heading: str
    lead: str


WORDINGS: Final[dict[Answer, ConfirmTexts]] = {
    "ask": ConfirmTexts(
        style="info",
        badge="{day}",
        heading="Still good for {day}{name}?",
        lead="Is {time}, {zone}, still good for you?",
    ),
    "confirmed": ConfirmTexts(
        style="good",
        badge="Confirmed",
        heading="See you {weekday}{name}",
        lead="Thank you for letting us know.",
    ),
    "moved": ConfirmTexts(
        style="info",
        badge="New time",
        heading="Your meeting has a new time",
        lead="It is now on {date}, {time}. The time in your mail no longer holds.",
    ),
    "cancelled": ConfirmTexts(
        badge="Cancelled",
        heading="This meeting is cancelled",
        lead="There is nothing to confirm, and nothing that you need to do.",
    ),
    "rebook": ConfirmTexts(
        style="warn",
        badge="Your turn",
        heading="Could we find another time?",
        lead="The time in your mail no longer holds. Please pick one that suits you.",
    ),
    "pending": ConfirmTexts(
        style="warn",
        badge="Waiting",
        heading="This time is not confirmed yet",
        lead="You will get a mail when it is.",
    ),
    "left": ConfirmTexts(
        heading="You no longer take part in this meeting",
        lead="If that is wrong, please reply to the mail that brought you here.",
    ),
    "started": ConfirmTexts(
        style="info",
        badge="Now",
        heading="Your meeting has started",
        lead="It began at {time}. Your mail says how to join.",
    ),
    "over": ConfirmTexts(
        badge="Over",
        heading="This meeting is over",
        lead="There is nothing to confirm any more.",
    ),
    "unknown": ConfirmTexts(
        heading="This link does not work",
        lead="It is incomplete or no longer valid. Please open it again from the mail.",
    ),
    "busy": ConfirmTexts(
        heading="Please try again in a moment",
        lead="Nothing was changed. Load this page again in a few seconds.",
    ),
}
TEXTS: Final = {
    "yes": "Yes, see you then",
    "another_time": "I need another time",
    "pick_time": "Pick another time",
    "ticket": "Your meeting",
    "add_to": "Add to calendar:",
    "before": "Was",
    "with": "With",
    "where": "Where",
    "untitled": "Meeting",
    "duration": "{title}, {minutes}\u00a0minutes",
    "today": "today",
    "tomorrow": "tomorrow",
    "video": "Video call",
    "video_at": "Video call, {host}",
    "organizer_calls": "By phone: you are called",
    "attendee_calls": "By phone: you call {number}",
}


class _Ticket(Struct, frozen=True, kw_only=True):
    """A meeting. Each of `rows` has a name, a value, and whether it no longer holds; `is_off`: nor does the time."""

    title: str
    when: MeetingTime
    rows: Sequence[tuple[str, str, bool]]
    is_off: bool


def answer_of(meeting: Meeting, asked_start_time: datetime, now: datetime) -> Answer:
    """Return what is true now for an attendee who was asked about this start time."""
    if meeting.guest.has_left:
        return "left"
    if meeting.status == "PENDING":
        return "pending"
    if meeting.status != "ACCEPTED":
        return "rebook" if meeting.reschedule_requested else "cancelled"
    if meeting.start_time <= now:
        return "started" if now < (meeting.end_time or meeting.start_time + _WITHOUT_END) else "over"
    if meeting.start_time != asked_start_time:
        return "moved"
    return "ask" if meeting.guest.confirmed_at is None else "confirmed"


def render_answer(
    answer: Answer, meeting: Meeting, asked_start_time: datetime, now: datetime, *, has_entry: bool, status: int = 200
) -> HTMLResponse:
    """Render what is true now. `has_entry`: the attendee has the meeting in a calendar already."""
    when = _time_of(meeting, meeting.start_time, meeting.end_time, now)
    day = {0: TEXTS["today"], 1: TEXTS["tomorrow"]}.get(when.days_ahead, when.weekday)
    words = {
        "day": day,
        "weekday": day if when.days_ahead == 0 else when.weekday,
        "date": when.date,
        "time": when.time,
        "zone": when.zone,
        "name": _first_name(meeting.guest, before=", "),
    }
    may_move = answer in ("ask", "confirmed", "moved", "rebook")
    return _render(
        answer,
        words,
        status=status,
        another_time_url=reschedule_url(meeting) if may_move else None,
        ticket=None if answer == "left" else _ticket(answer, meeting, when, asked_start_time, now),
        calendar_links=_calendar_links(meeting) if answer == "confirmed" and not has_entry else (),
    )


def render_unknown() -> HTMLResponse:
    """Render the page for a link that Showup did not make, or whose booking no longer exists."""
    return _render("unknown", {}, status=404)


def render_busy(status: int) -> HTMLResponse:
    """Render the page for a request that could not be answered now."""
    return _render("busy", {}, status=status)


def _render(
    answer: Answer,
    words: Mapping[str, str],
    *,
    status: int,
    another_time_url: str | None = None,
    ticket: _Ticket | None = None,
    calendar_links: Sequence[tuple[str, str]] = (),
) -> HTMLResponse:
    wording = WORDINGS[answer]
    heading, badge = wording.heading.format_map(words), wording.badge.format_map(words)
    content = _TEMPLATE.render(
        texts=TEXTS,
        style=wording.style,
        badge=f"{badge[:1].upper()}{badge[1:]}",
        heading=heading,
        lead=wording.lead.format_map(words),
        is_asking=answer == "ask",
        another_time_url=another_time_url,
        is_rebooking=answer == "rebook",
        another_time=TEXTS["pick_time" if answer == "rebook" else "another_time"],
        ticket=ticket,
        calendar_links=calendar_links,
    )
    return render_page(escape(heading), content, status=status, has_form=answer == "ask", has_header=False)


def _first_name(guest: Guest, *, before: str) -> str:
    """Return the attendee's first name after `before`, if it looks like a name: PRIYA becomes Priya."""
    word = one_line(guest.first_name or "") or next(iter(one_line(guest.name or "").split()), "")
    if len(word) > _LONGEST_FIRST_NAME or not _LETTERS.fullmatch(word.replace(" ", "")):
        return ""
    return f"{before}{word.capitalize() if word.isupper() or word.islower() else word}"


def _time_of(meeting: Meeting, start: datetime, end: datetime | None, now: datetime) -> MeetingTime:
    """Return the time in the attendee's zone; of a meeting at the organizer's place, in the organizer's (F16)."""
    zones = (meeting.guest.time_zone, meeting.organizer_time_zone)
    zone = zone_of(*(zones[::-1] if meeting.location_kind == "organizer_place" else zones))
    return meeting_time(start, end, zone, locale=meeting.guest.locale, now=now)


def _ticket(answer: Answer, meeting: Meeting, when: MeetingTime, asked_start_time: datetime, now: datetime) -> _Ticket:
    title = _title(meeting, meeting.event_type_title or meeting.title)
    if meeting.end_time is not None and meeting.end_time > meeting.start_time:
        minutes = round((meeting.end_time - meeting.start_time).total_seconds() / 60)
        title = TEXTS["duration"].format(title=title, minutes=minutes)
    is_off = answer in ("cancelled", "rebook", "over")
    before = _time_of(meeting, asked_start_time, None, now)
    is_moved = answer in ("moved", "pending") and asked_start_time != meeting.start_time
    rows = [
        (TEXTS["before"], f"{before.date}, {before.time}" if is_moved else "", True),
        (TEXTS["with"], truncate(one_line(meeting.organizer_label or ""), _LONGEST_NAME), False),
        (TEXTS["where"], "" if is_off else _place(meeting), False),
    ]
    return _Ticket(title=title, when=when, rows=[row for row in rows if row[1]], is_off=is_off)


def _place(meeting: Meeting) -> str:
    """Return where the meeting takes place; the link is in the mail, because it may cancel the meeting."""
    place = meeting_place(meeting.redact_uids())
    if meeting.location_kind == "organizer_calls":
        return TEXTS["organizer_calls"]
    if meeting.location_kind == "attendee_calls" and place.text:
        return TEXTS["attendee_calls"].format(number=place.text)
    if meeting_place(meeting).url is not None:
        return TEXTS["video"] if place.host is None else TEXTS["video_at"].format(host=place.host)
    return truncate(meeting.redact_organizer(place.text) or "", _LONGEST_TEXT)


def _calendar_links(meeting: Meeting) -> Sequence[tuple[str, str]]:
    """Return links that add the meeting to a calendar, without its uid."""
    if meeting.calendar_invites:
        return ()
    end = meeting.end_time or meeting.start_time + _WITHOUT_END
    title, place = _title(meeting, meeting.title), _place(meeting)
    google = {
        "action": "TEMPLATE",
        "text": title,
        "dates": f"{meeting.start_time:%Y%m%dT%H%M%SZ}/{end:%Y%m%dT%H%M%SZ}",
        "location": place,
    }
    outlook = {
        "subject": title,
        "startdt": f"{meeting.start_time:%Y-%m-%dT%H:%M:%SZ}",
        "enddt": f"{end:%Y-%m-%dT%H:%M:%SZ}",
        "location": place,
    }
    return (
        ("Google", f"https://calendar.google.com/calendar/render?{urlencode(google)}"),
        ("Outlook", f"https://outlook.live.com/calendar/0/deeplink/compose?{urlencode(outlook)}"),
    )


def _title(meeting: Meeting, text: str | None) -> str:
    return truncate(one_line(meeting.redact_organizer(text) or ""), _LONGEST_TEXT) or TEXTS["untitled"]
