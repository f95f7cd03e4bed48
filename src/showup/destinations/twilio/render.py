"""Renders a reminder or a change as a text message, in the attendee's language and time zone."""

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
from showup.destinations.twilio.change_text import CHANGES, change_text
from showup.destinations.twilio.reminder_text import reminder_text
from showup.values.phone_number import e164
from showup.values.time_zone import zone_of

_LONGEST_TITLE, _LONGEST_NAME, _LONGEST_LINK = 60, 40, 100
# A message this early is soon forgotten; at night it wakes people.
_EARLY: Final = timedelta(hours=48)
_DAY_BEGINS, _DAY_ENDS = 8, 21
# Twilio's maximum.
_LONGEST = 1600


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
    """Renders messages; `text` is the connection's own for reminders, None for the default text."""

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
        if notification.kind in CHANGES:
            return _change(notification.kind, meeting, to, notification.decided_at or meeting.start_time)
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


def _change(kind: str, meeting: Meeting, to: str, at: datetime) -> TextMessage:
    """Returns the message about a change that was received at this time."""
    actor = meeting.rescheduled_by if kind == "rescheduled" else meeting.cancelled_by
    if actor and actor.lower() == meeting.guest.email.lower():
        raise NothingToSend("the attendee made this change")
    _check_hour(meeting, at)
    body = truncate(change_text(kind, meeting, _link(meeting), at), _LONGEST)
    return TextMessage(to=to, body=body, due_at=at, expires_at=meeting.start_time)


def _check_worth(meeting: Meeting, before: timedelta, due_at: datetime) -> None:
    """Raises NothingToSend for a message that would only disturb: the mail is enough."""
    if before >= _EARLY:
        raise NothingToSend(f"a reminder {before.days} days ahead goes by mail only")
    _check_hour(meeting, due_at)


def _check_hour(meeting: Meeting, at: datetime) -> None:
    hour = at.astimezone(zone_of(meeting.guest.time_zone, meeting.organizer_time_zone)).hour
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
