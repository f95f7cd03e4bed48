"""The links of a message and the place of a meeting; only http and https addresses become links."""

import re
from urllib.parse import quote, urlsplit

from msgspec import Struct

from showup.destinations.contract import Meeting
from showup.destinations.lines import one_line, truncate

# The address for Cal.com's links when a booking has no page address.
_BOOKER_URL = "https://app.cal.com"
_LONGEST_URL = 2000
_LONGEST_PLACE = 300
_UNSAFE = re.compile(r"[\s<>\"'`{}|\\^\x00-\x1f\x7f]")
# Cal.com's internal names for kinds of places, which mean nothing to an attendee.
_KINDS_OF_PLACES = frozenset(("inperson", "attendeeinperson", "somewhereelse", "link", "phone", "userphone"))


class MeetingPlace(Struct, frozen=True, kw_only=True):
    """A meeting's place: a web address and its host, or text; all None where unknown."""

    url: str | None = None
    host: str | None = None
    text: str | None = None


def web_link(url: str | None) -> str | None:
    """Returns the address for use in a link; None unless it is a plain http or https address."""
    trimmed = (url or "").strip()
    if len(trimmed) > _LONGEST_URL or _UNSAFE.search(trimmed):
        return None
    try:
        parts = urlsplit(trimmed)
        usable = parts.scheme in ("http", "https") and parts.hostname
    except ValueError:
        return None
    return trimmed if usable else None


def host_of(url: str | None) -> str | None:
    """Returns the host of an http or https address, in lower case; None without one."""
    usable = web_link(url)
    return None if usable is None else urlsplit(usable).hostname


def meeting_place(meeting: Meeting) -> MeetingPlace:
    """Returns the first link of meeting address and location, or else the location's text."""
    for candidate in (meeting.meeting_url, meeting.location):
        if (url := web_link(candidate)) is not None:
            return MeetingPlace(url=url, host=host_of(url))
    for candidate in (meeting.location, meeting.meeting_url):
        words = one_line(candidate or "")
        if words and not _is_internal(words):
            return MeetingPlace(text=truncate(words, _LONGEST_PLACE))
    return MeetingPlace()


def reschedule_url(meeting: Meeting) -> str | None:
    """Returns Cal.com's reschedule page, for the guest's seat only where there are seats; None without a uid."""
    return _calcom_url(meeting, "/reschedule/{}", meeting.seat_uid or meeting.uid)


def cancel_url(meeting: Meeting) -> str | None:
    """Returns Cal.com's page to cancel this meeting, or the guest's seat; None without a uid."""
    seat = f"&seatReferenceUid={quote(meeting.seat_uid, safe='')}" if meeting.seat_uid else ""
    return _calcom_url(meeting, f"/booking/{{}}?cancel=true&allRemainingBookings=false{seat}", meeting.uid)


def _is_internal(place: str) -> bool:
    return place.startswith("integrations:") or place.lower() in _KINDS_OF_PLACES


def _calcom_url(meeting: Meeting, path: str, uid: str | None) -> str | None:
    if not uid:
        return None
    page = urlsplit(web_link(meeting.booker_url) or _BOOKER_URL)
    return f"{page.scheme}://{page.netloc}{page.path.rstrip('/')}{path.format(quote(uid, safe=''))}"
