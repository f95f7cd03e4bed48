"""Renders a reminder as a text message, in the attendee's time zone."""

import re
from datetime import datetime, timedelta

from jinja2 import StrictUndefined, Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from msgspec import Struct

from showup.destinations.contract import CannotRender, Meeting, NothingToSend, Notification
from showup.destinations.lines import one_line, truncate
from showup.destinations.links import web_link
from showup.destinations.local_time import local_time
from showup.values.time_zone import zone_of

# With these limits, the default text fits into two SMS segments, and usually into one.
_LONGEST_TITLE, _LONGEST_NAME, _LONGEST_LINK = 60, 40, 100
# Twilio's maximum.
_LONGEST = 1600
_ENVIRONMENT = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
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


def compile_template(text: str) -> Template:
    """Compiles a message template. Raises ValueError."""
    try:
        return _ENVIRONMENT.from_string(text)
    except TemplateError as fault:
        raise ValueError(f"text is not a valid template: {fault}") from None


class TextMessageRenderer:
    """Renders messages with a template."""

    def __init__(self, words: Template) -> None:
        self._words = words

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
        try:
            body = one_line(self._words.render(_variables(meeting)))
        except Exception as fault:
            raise CannotRender(f"the text of the Twilio connection can't be rendered: {fault}") from fault
        if not body:
            raise CannotRender("the text of the Twilio connection is empty for this meeting")
        return truncate(body, _LONGEST)


def _variables(meeting: Meeting) -> dict[str, str | None]:
    """Returns the variables of a template; None where unknown. docs/SMS.md describes each."""
    zone = zone_of(meeting.guest.time_zone, meeting.organizer_time_zone)
    when = local_time(meeting.start_time, None, zone)
    return {
        "title": truncate(one_line(meeting.title), _LONGEST_TITLE) or "Your meeting",
        "day": when.day,
        "time": when.hours,
        "zone": zone.key,
        "link": _link(meeting),
        "organizer": truncate(one_line(meeting.organizer_name or ""), _LONGEST_NAME) or None,
        "guest_name": truncate(one_line(meeting.guest.name or ""), _LONGEST_NAME) or None,
    }


def _link(meeting: Meeting) -> str | None:
    """Returns the meeting's link, unless it is long or contains the uid: anyone with the uid can cancel the meeting."""
    url = web_link(meeting.meeting_url) or web_link(meeting.location)
    if url is None or len(url) > _LONGEST_LINK:
        return None
    secrets = (meeting.uid, meeting.seat_uid)
    return None if any(one and one in url for one in secrets) else url


def e164(typed: str | None) -> str | None:
    """Returns the number in E.164 form; None without a country code, or if it is not a phone number."""
    digits = _BETWEEN.sub("", (typed or "").strip().removeprefix("tel:"))
    if digits.startswith("00"):
        digits = f"+{digits[2:]}"
    return digits if _NUMBER.fullmatch(digits) else None
