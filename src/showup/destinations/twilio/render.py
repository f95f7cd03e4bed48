"""Renders a reminder as a text message, in the attendee's time zone."""

import re
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct
from msgspec.structs import asdict

from showup.bookings.uids import redact_place
from showup.destinations.contract import CannotRender, Meeting, NothingToSend, Notification
from showup.destinations.lines import one_line, truncate
from showup.destinations.links import web_link
from showup.destinations.local_time import local_time
from showup.destinations.placeholders import PlaceholderText
from showup.values.time_zone import zone_of

# With these limits, the default text fits into two SMS segments, and usually into one.
_LONGEST_TITLE, _LONGEST_NAME, _LONGEST_LINK = 60, 40, 100
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
    """Renders messages with the connection's text; None for the default text."""

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
        return TextMessage(
            to=to, body=self._body(meeting), due_at=meeting.start_time - before, expires_at=meeting.start_time
        )

    def _body(self, meeting: Meeting) -> str:
        values = _values(meeting)
        body = one_line(_default_text(values) if self._text is None else self._text.fill(asdict(values)))
        if not body:
            raise CannotRender("the text of the Twilio connection is empty for this meeting")
        return truncate(body, _LONGEST)


def _default_text(values: ReminderValues) -> str:
    organizer = f" with {values.organizer}" if values.organizer else ""
    link = f" {values.link}" if values.link else ""
    return f"Reminder: {values.title}{organizer}, {values.day}, {values.time} ({values.zone}).{link}"


def _values(meeting: Meeting) -> ReminderValues:
    zone = zone_of(meeting.guest.time_zone, meeting.organizer_time_zone)
    when = local_time(meeting.start_time, None, zone)
    return ReminderValues(
        title=truncate(one_line(meeting.redact_organizer(meeting.title) or ""), _LONGEST_TITLE) or "Your meeting",
        day=when.day,
        time=when.hours,
        zone=zone.key,
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
