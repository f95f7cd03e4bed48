"""Render the page on which an attendee says that they will come. Texts from outside are cut, and escaped by Jinja."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from html import escape
from importlib.resources import files
from typing import Final, Literal
from urllib.parse import urlencode

from fastapi.responses import HTMLResponse
from jinja2 import Environment, StrictUndefined
from msgspec import Struct

from showup.destinations.contract import Meeting
from showup.destinations.email.brand import Brand, brand_of
from showup.destinations.email.letters.names import guest_first_name, host_of_meeting
from showup.destinations.email.settings import SenderRule, sender_for
from showup.destinations.languages import Wording, choose_language, wording
from showup.destinations.lines import one_line, truncate
from showup.destinations.links import meeting_place, reschedule_url
from showup.destinations.localized_time import LocalizedTime, localized_time
from showup.values.time_zone import zone_of
from showup.web.confirm_texts import Answer, ConfirmTexts, texts_of, texts_without_meeting
from showup.web.page import AttendeeLook, brand_style, render_page

_LONGEST_TEXT: Final = 120
_WITHOUT_END: Final = timedelta(hours=1)
_TEMPLATE: Final = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True).from_string(
    files("showup.web").joinpath("confirm_page.html").read_text()
)


class PageView(Struct, frozen=True, kw_only=True):
    """What a page shows beside its answer: its words, and the sender's brand if the meeting has a sender."""

    words: Wording
    brand: Brand | None = None


def view_of(meeting: Meeting, senders: Sequence[SenderRule]) -> PageView:
    """Return the attendee's language, else the sender's, and the sender's brand, as in the mails."""
    sender = sender_for(meeting, senders)
    language = choose_language(meeting.guest.locale, None if sender is None else sender.language)
    return PageView(words=wording(language), brand=None if sender is None else brand_of(sender, meeting))


class _Ticket(Struct, frozen=True, kw_only=True):
    """A meeting. Each of `rows` has a name, a value, and whether it no longer holds; `is_off`: nor does the time."""

    title: str
    when: LocalizedTime
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
    answer: Answer,
    meeting: Meeting,
    asked_start_time: datetime,
    now: datetime,
    *,
    view: PageView,
    has_entry: bool,
    status: int = 200,
) -> HTMLResponse:
    """Render what is true now. `has_entry`: the attendee has the meeting in a calendar already."""
    when = _time_of(meeting, meeting.start_time, meeting.end_time, view.words, now)
    may_move = answer in ("ask", "confirmed", "moved", "rebook")
    return _render(
        texts_of(answer, view.words, when, guest_first_name(meeting.guest)),
        view,
        status=status,
        answer=answer,
        another_time_url=reschedule_url(meeting) if may_move else None,
        ticket=None if answer == "left" else _ticket(answer, meeting, when, asked_start_time, view, now),
        calendar_links=_calendar_links(meeting, view.words) if answer == "confirmed" and not has_entry else (),
    )


def render_without_meeting(answer: Literal["unknown", "busy"], accept_language: str, *, status: int) -> HTMLResponse:
    """Render the page for a link that leads to no meeting, or that can't be answered now.

    Its language is the first of the browser's that is offered.
    """
    tags = accept_language[:_LONGEST_TEXT].split(",")
    view = PageView(words=wording(choose_language(*(tag.partition(";")[0].strip() for tag in tags))))
    return _render(texts_without_meeting(answer, view.words), view, status=status, answer=answer)


def _render(
    texts: ConfirmTexts,
    view: PageView,
    *,
    status: int,
    answer: Answer,
    another_time_url: str | None = None,
    ticket: _Ticket | None = None,
    calendar_links: Sequence[tuple[str, str]] = (),
) -> HTMLResponse:
    words, brand = view.words, view.brand
    content = _TEMPLATE.render(
        texts=texts,
        brand=brand,
        yes=words.say("Yes, see you then"),
        your_meeting=words.say("Your meeting"),
        add_to=words.say("Add to"),
        is_asking=answer == "ask",
        another_time_url=another_time_url,
        is_rebooking=answer == "rebook",
        another_time=words.say("Pick another time") if answer == "rebook" else words.say("I need another time"),
        ticket=ticket,
        calendar_links=calendar_links,
    )
    return render_page(
        escape(texts.heading),
        content,
        status=status,
        has_form=answer == "ask",
        look=AttendeeLook(
            language=words.language,
            style=brand_style(brand.palette) if brand is not None and brand.has_colour else "",
            images=() if brand is None else tuple(filter(None, (brand.logo, brand.logo_dark))),
        ),
    )


def _time_of(meeting: Meeting, start: datetime, end: datetime | None, words: Wording, now: datetime) -> LocalizedTime:
    """Return the time in the attendee's zone; of a meeting at the organizer's place, in the organizer's (F16)."""
    zones = (meeting.guest.time_zone, meeting.organizer_time_zone)
    zone = zone_of(*(zones[::-1] if meeting.location_kind == "organizer_place" else zones))
    return localized_time(start, end, zone, words=words, locale=meeting.guest.locale, now=now, home=zone_of(*zones))


def _ticket(
    answer: Answer, meeting: Meeting, when: LocalizedTime, asked_start_time: datetime, view: PageView, now: datetime
) -> _Ticket:
    words = view.words
    title = _title(meeting, meeting.event_type_title or meeting.title, words)
    if meeting.end_time is not None and meeting.end_time > meeting.start_time:
        minutes = round((meeting.end_time - meeting.start_time).total_seconds() / 60)
        title = words.say_count("{title}, {count} minute", "{title}, {count} minutes", minutes, title=title)
    is_off = answer in ("cancelled", "rebook", "over")
    before = _time_of(meeting, asked_start_time, None, words, now)
    is_moved = answer in ("moved", "pending") and asked_start_time != meeting.start_time
    host = host_of_meeting(meeting, None if view.brand is None else view.brand.name, words)
    rows = [
        (words.say("Was"), f"{before.date}, {before.time}" if is_moved else "", True),
        (words.say("With"), host.listed or "", False),
        (words.say("Where"), "" if is_off else _place(meeting, words), False),
    ]
    return _Ticket(title=title, when=when, rows=[row for row in rows if row[1]], is_off=is_off)


def _place(meeting: Meeting, words: Wording) -> str:
    """Return where the meeting takes place; the link is in the mail, because it may cancel the meeting."""
    place = meeting_place(meeting.redact_uids())
    if meeting.location_kind == "organizer_calls":
        return words.say("By phone: we call you")
    if meeting.location_kind == "attendee_calls" and place.text:
        return words.say("By phone: you call {phone}", phone=truncate(place.text, _LONGEST_TEXT))
    if meeting_place(meeting).url is not None:
        return words.say("Video call") if place.host is None else words.say("Video call, {host}", host=place.host)
    return truncate(meeting.redact_organizer(place.text) or "", _LONGEST_TEXT)


def _calendar_links(meeting: Meeting, words: Wording) -> Sequence[tuple[str, str]]:
    """Return links that add the meeting to a calendar, without its uid."""
    if meeting.calendar_invites:
        return ()
    end = meeting.end_time or meeting.start_time + _WITHOUT_END
    title, place = _title(meeting, meeting.title, words), _place(meeting, words)
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


def _title(meeting: Meeting, text: str | None, words: Wording) -> str:
    return truncate(one_line(meeting.redact_organizer(text) or ""), _LONGEST_TEXT) or words.say("Meeting")
