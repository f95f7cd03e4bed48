"""Renders a reminder as a text message, in the attendee's language and time zone."""

import re
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct
from msgspec.structs import asdict

from showup.bookings.uids import redact_place
from showup.destinations.contract import CannotRender, Meeting, NothingToSend, Notification
from showup.destinations.languages import choose_language, wording
from showup.destinations.lines import one_line, truncate
from showup.destinations.links import web_link
from showup.destinations.localized_time import localized_time, plain
from showup.destinations.placeholders import PlaceholderText
from showup.destinations.twilio.reminder_text import reminder_text
from showup.values.time_zone import zone_of

_LONGEST_TITLE, _LONGEST_NAME, _LONGEST_LINK = 60, 40, 100
# A message this early is soon forgotten; at night it wakes people.
_EARLY: Final = timedelta(hours=48)
_DAY_BEGINS, _DAY_ENDS = 8, 21
# Twilio's maximum.
_LONGEST = 1600
# Characters that people put between digits, and the zero that is only dialled within a country.
_BETWEEN = re.compile(r"\(0\)|[\s().\-/\u2010-\u2015\u00a0]")
_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")


class TextMessage(Struct, frozen=True, kw_only=True):
    """A text message; `to` is in E.164 form.

    No earlier message counts as this one if it is older than `due_at`; from `expires_at` on, the message is useless.
    """

    to: str
    body: str
    due_at: datetime
    expires_at: datetime


class ReminderValues(Struct, frozen=True, kw_only=True):
    """The values of a text's placeholders; None where unknown. docs/SMS.md describes each."""

    title: str
    day: str
    time: str
    zone: str
    organizer: str | None
    guest_name: str | None
    link: str | None


PLACEHOLDERS: Final = ReminderValues.__struct_fields__


class TextMessageRenderer:
    """Renders messages with the connection's text; None for the default text, in the attendee's language."""

    def __init__(self, text: PlaceholderText | None) -> None:
        self._text = text

    def render(self, notification: Notification) -> TextMessage:
        """Returns the message to the notification's guest. Raises CannotRender."""
        meeting = notification.require_meeting()
        if not meeting.guest.phone:
            raise NothingToSend("the attendee left no phone number")
        to = e164(meeting.guest.phone)
        if to is None:
            raise NothingToSend("the attendee's phone number has no country code, or is invalid")
        before = timedelta(seconds=float(notification.details.get("before_seconds") or 0))
        due_at = meeting.start_time - before
        _check_worth(meeting, before, due_at)
        return TextMessage(to=to, body=self._body(meeting, due_at), due_at=due_at, expires_at=meeting.start_time)

    def _body(self, meeting: Meeting, now: datetime) -> str:
        if self._text is None:
            return truncate(reminder_text(meeting, _link(meeting), now), _LONGEST)
        body = one_line(self._text.fill(asdict(_values(meeting, now))))
        if not body:
            raise CannotRender("the text of the Twilio connection is empty for this meeting")
        return truncate(body, _LONGEST)


def _check_worth(meeting: Meeting, before: timedelta, due_at: datetime) -> None:
    """Raises NothingToSend for a message that would only disturb: the mail is enough."""
    if before >= _EARLY:
        raise NothingToSend(f"a reminder {before.days} days ahead goes by mail only")
    hour = due_at.astimezone(zone_of(meeting.guest.time_zone, meeting.organizer_time_zone)).hour
    if not _DAY_BEGINS <= hour < _DAY_ENDS:
        raise NothingToSend(f"it is {hour} o'clock for the attendee: text messages go from 8 to 21 o'clock")


def _values(meeting: Meeting, now: datetime) -> ReminderValues:
    words, locale = wording(choose_language(meeting.guest.locale)), meeting.guest.locale
    zone = zone_of(meeting.guest.time_zone, meeting.organizer_time_zone)
    when = localized_time(meeting.start_time, None, zone, words=words, locale=locale, now=now)
    return ReminderValues(
        title=truncate(one_line(meeting.redact_organizer(meeting.title) or ""), _LONGEST_TITLE)
        or words.say("Your meeting"),
        day=plain(when.day),
        time=plain(when.time),
        zone=plain(when.zone),
        organizer=truncate(one_line(meeting.redact_organizer(meeting.organizer_name) or ""), _LONGEST_NAME) or None,
        guest_name=truncate(one_line(meeting.guest.name or ""), _LONGEST_NAME) or None,
        link=_link(meeting),
    )


def _link(meeting: Meeting) -> str | None:
    """Returns the meeting's link, unless it is long or contains the uid: anyone with the uid can cancel the meeting."""
    url = web_link(meeting.meeting_url) or web_link(meeting.location)
    if url is None or len(url) > _LONGEST_LINK:
        return None
    return redact_place(url, meeting.all_uids)


def e164(typed: str | None) -> str | None:
    """Returns the number in E.164 form; None without a country code, or if it is not a phone number."""
    digits = _BETWEEN.sub("", (typed or "").strip().removeprefix("tel:"))
    if digits.startswith("00"):
        digits = f"+{digits[2:]}"
    return digits if _NUMBER.fullmatch(digits) else None
