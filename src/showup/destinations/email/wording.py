"""What a template may say about a notice: everything from outside is cleaned here, and escaped where it is used."""

from datetime import datetime, timedelta

from msgspec import Struct

from showup.destinations.contract import Meeting, Notice
from showup.destinations.lines import cut, one_line
from showup.destinations.links import Place, cancel_url, link, place_of, reschedule_url
from showup.destinations.local_time import LocalTime, local_time, zone_of

_LONGEST_TITLE = 300
_LONGEST_SHORT_TITLE = 70
_LONGEST_NAME = 80
_LONGEST_REASON = 500
_SPANS = ((timedelta(days=1), "day"), (timedelta(hours=1), "hour"), (timedelta(minutes=1), "minute"))


class Wording(Struct, frozen=True, kw_only=True):
    """The variables of a template; None where it isn't known. docs/EMAIL.md says what each is for.

    `old_when` is a reschedule's, `before` (`24 hours`) a reminder's, `rebook_url` and `unsubscribe_url` a follow-up's.
    `short_title` is cut for a subject.
    """

    kind: str
    title: str
    short_title: str
    when: LocalTime
    place: Place
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

    def variables(self) -> dict[str, object]:
        """By the names that templates know them by."""
        return {name: getattr(self, name) for name in self.__struct_fields__}


def wording_of(notice: Notice) -> Wording:
    """Everything that can be said about it; an unknown time zone is passed over, and an odd address no link."""
    meeting, details = notice.of_meeting(), notice.details
    zone = zone_of((meeting.guest.time_zone, meeting.organizer_time_zone))
    old, before = details.get("old_start_time"), details.get("before_seconds")
    title = cut(one_line(meeting.title), _LONGEST_TITLE) or "Your meeting"
    return Wording(
        kind=notice.kind,
        title=title,
        short_title=cut(title, _LONGEST_SHORT_TITLE),
        when=local_time(meeting.start_time, meeting.end_time, zone),
        place=place_of(meeting),
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
        # Of a meeting that is over, Cal.com's page for another time is the page for a new booking, filled in already.
        rebook_url=link(details.get("rebook_url")) or reschedule_url(meeting),
        unsubscribe_url=link(details.get("unsubscribe_url")),
    )


def _organizer(meeting: Meeting) -> str | None:
    return _shown(meeting.organizer_name, _LONGEST_NAME) or _shown(meeting.organizer_email, _LONGEST_TITLE)


def _shown(text: str | None, longest: int) -> str | None:
    return cut(one_line(text or ""), longest) or None


def _span(span: timedelta) -> str:
    for unit, word in _SPANS:
        if span >= unit and not span % unit:
            count = span // unit
            return f"{count} {word}{'' if count == 1 else 's'}"
    return f"{round(span.total_seconds())} seconds"
