"""A reminder becomes a text message, in the attendee's own time."""

from datetime import timedelta

from jinja2 import StrictUndefined, Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from showup.destinations.contract import CannotRender, Meeting, NothingToTell, Notice
from showup.destinations.lines import cut, one_line
from showup.destinations.links import link
from showup.destinations.local_time import local_time, zone_of
from showup.destinations.twilio.phone import e164
from showup.destinations.twilio.text_message import TextMessage

# With these the words of the settings' default fit into two messages of the phone network, and mostly into one.
_LONGEST_TITLE, _LONGEST_NAME, _LONGEST_LINK = 60, 40, 100
# Twilio takes no more.
_LONGEST = 1600

_ENVIRONMENT = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)


def template(text: str) -> Template:
    """The words of a message. Raises ValueError."""
    try:
        return _ENVIRONMENT.from_string(text)
    except TemplateError as fault:
        raise ValueError(f"text is no template: {fault}") from None


class Renderer:
    """Writes messages by a template."""

    def __init__(self, words: Template) -> None:
        self._words = words

    def render(self, notice: Notice) -> TextMessage:
        """The message to the notice's guest. Raises CannotRender."""
        meeting = notice.of_meeting()
        if not meeting.guest.phone:
            raise NothingToTell("the attendee left no phone number")
        to = e164(meeting.guest.phone)
        if to is None:
            raise NothingToTell("the attendee's phone number has no country code, or is none")
        before = timedelta(seconds=float(notice.details.get("before_seconds") or 0))
        return TextMessage(
            to=to, body=self._body(meeting), due_at=meeting.start_time - before, expires_at=meeting.start_time
        )

    def _body(self, meeting: Meeting) -> str:
        try:
            body = one_line(self._words.render(_said(meeting)))
        except Exception as fault:
            raise CannotRender(f"the text of the Twilio connection can't be filled in: {fault}") from fault
        if not body:
            raise CannotRender("the text of the Twilio connection is empty for this meeting")
        return cut(body, _LONGEST)


def _said(meeting: Meeting) -> dict[str, str | None]:
    """The variables of a template; None where it isn't known. docs/SMS.md says what each is for."""
    zone = zone_of((meeting.guest.time_zone, meeting.organizer_time_zone))
    when = local_time(meeting.start_time, None, zone)
    return {
        "title": cut(one_line(meeting.title), _LONGEST_TITLE) or "Your meeting",
        "day": when.day,
        "time": when.hours,
        "zone": zone[0],
        "link": _link(meeting),
        "organizer": cut(one_line(meeting.organizer_name or ""), _LONGEST_NAME) or None,
        "guest_name": cut(one_line(meeting.guest.name or ""), _LONGEST_NAME) or None,
    }


def _link(meeting: Meeting) -> str | None:
    """Where the meeting takes place, unless it is long, or tells the uid: who knows that can call the meeting off."""
    url = link(meeting.meeting_url) or link(meeting.location)
    if url is None or len(url) > _LONGEST_LINK:
        return None
    secrets = (meeting.uid, meeting.seat_uid)
    return None if any(one and one in url for one in secrets) else url
