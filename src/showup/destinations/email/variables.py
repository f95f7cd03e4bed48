"""The variables of the templates of a mail."""

from datetime import datetime, timedelta

from msgspec import Struct

from showup.destinations.contract import Meeting, Notification
from showup.destinations.lines import one_line, truncate
from showup.destinations.links import MeetingPlace, cancel_url, meeting_place, reschedule_url, web_link
from showup.destinations.local_time import LocalTime, local_time
from showup.values.time_zone import zone_of

_LONGEST_TITLE = 300
_LONGEST_SHORT_TITLE = 70
_LONGEST_NAME = 80
_LONGEST_REASON = 500
_SPANS = ((timedelta(days=1), "day"), (timedelta(hours=1), "hour"), (timedelta(minutes=1), "minute"))


class MailVariables(Struct, frozen=True, kw_only=True):
    """The variables of a template; None where unknown. docs/EMAIL.md describes each.

    `old_when` belongs to a reschedule, `before` (`24 hours`) to a reminder, `rebook_url` and `unsubscribe_url` to a
    follow-up. `short_title` is shortened for a subject.
    """

    kind: str
    title: str
    short_title: str
    when: LocalTime
    place: MeetingPlace
    guest_name: str | None
    guest_email: str
    organizer: str | None
    organizer_email: str | None
    event_type: str | None
    cancellation_reason: str | None
    reschedule_url: str | None
    cancel_url: str | None
    old_when: LocalTime | None
    before: str | None
    rebook_url: str | None
    unsubscribe_url: str | None

    def as_dict(self) -> dict[str, object]:
        """Returns the variables by the names that templates use."""
        return {name: getattr(self, name) for name in self.__struct_fields__}


def mail_variables(notification: Notification) -> MailVariables:
    """Returns the variables; an unknown time zone is ignored, and an invalid address becomes no link."""
    meeting, details = notification.require_meeting(), notification.details
    zone = zone_of(meeting.guest.time_zone, meeting.organizer_time_zone)
    old, before = details.get("old_start_time"), details.get("before_seconds")
    title = truncate(one_line(meeting.title), _LONGEST_TITLE) or "Your meeting"
    return MailVariables(
        kind=notification.kind,
        title=title,
        short_title=truncate(title, _LONGEST_SHORT_TITLE),
        when=local_time(meeting.start_time, meeting.end_time, zone),
        place=meeting_place(meeting),
        guest_name=_shown(meeting.guest.name, _LONGEST_NAME),
        guest_email=one_line(meeting.guest.email),
        organizer=_organizer(meeting),
        organizer_email=_shown(meeting.organizer_email, _LONGEST_TITLE),
        event_type=_shown(meeting.event_type_title, _LONGEST_TITLE),
        cancellation_reason=_shown(meeting.cancellation_reason, _LONGEST_REASON),
        reschedule_url=reschedule_url(meeting),
        cancel_url=cancel_url(meeting),
        old_when=None if old is None else local_time(datetime.fromisoformat(old), None, zone),
        before=None if before is None else _span(timedelta(seconds=before)),
        # For a past meeting, Cal.com's reschedule page opens a new booking with the form already filled in.
        rebook_url=web_link(details.get("rebook_url")) or reschedule_url(meeting),
        unsubscribe_url=web_link(details.get("unsubscribe_url")),
    )


def _organizer(meeting: Meeting) -> str | None:
    return _shown(meeting.organizer_name, _LONGEST_NAME) or _shown(meeting.organizer_email, _LONGEST_TITLE)


def _shown(text: str | None, longest: int) -> str | None:
    return truncate(one_line(text or ""), longest) or None


def _span(span: timedelta) -> str:
    for unit, word in _SPANS:
        if span >= unit and not span % unit:
            count = span // unit
            return f"{count} {word}{'' if count == 1 else 's'}"
    return f"{round(span.total_seconds())} seconds"
