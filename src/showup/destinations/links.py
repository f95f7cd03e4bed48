"""The addresses that a message leads to, and the place of a meeting; only http and https become links."""

import re
from urllib.parse import quote, urlsplit

from msgspec import Struct

from showup.destinations.contract import Meeting
from showup.destinations.lines import cut, one_line

# Where Cal.com's own links go when a booking came without the address of its page.
_BOOKER_URL = "https://app.cal.com"
_LONGEST_URL = 2000
_LONGEST_PLACE = 300
_UNSAFE = re.compile(r"[\s<>\"'`{}|\\^\x00-\x1f\x7f]")
# Cal.com's words for kinds of places, which tell nobody where to go.
_KINDS_OF_PLACES = frozenset(("inperson", "attendeeinperson", "somewhereelse", "link", "phone", "userphone"))


class Place(Struct, frozen=True, kw_only=True):
    """Where a meeting is: an address on the web and its host, or words; all None where nobody said."""

    url: str | None = None
    host: str | None = None
    text: str | None = None


def link(url: str | None) -> str | None:
    """The address as it may stand in a link; None for anything but a plain http or https address."""
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
    """The host of an http or https address, in lower case; None without one."""
    usable = link(url)
    return None if usable is None else urlsplit(usable).hostname


def place_of(meeting: Meeting) -> Place:
    """The first link among meeting address and location, else the words of the location."""
    for said in (meeting.meeting_url, meeting.location):
        if (url := link(said)) is not None:
            return Place(url=url, host=host_of(url))
    for said in (meeting.location, meeting.meeting_url):
        words = one_line(said or "")
        if words and not _is_internal(words):
            return Place(text=cut(words, _LONGEST_PLACE))
    return Place()


def reschedule_url(meeting: Meeting) -> str | None:
    """Cal.com's page for another time, of the guest's seat alone where there are seats; None without a uid."""
    return _at_calcom(meeting, "/reschedule/{}", meeting.seat_uid or meeting.uid)


def cancel_url(meeting: Meeting) -> str | None:
    """Cal.com's page for calling this one meeting off, or giving back the guest's seat; None without a uid."""
    seat = f"&seatReferenceUid={quote(meeting.seat_uid, safe='')}" if meeting.seat_uid else ""
    return _at_calcom(meeting, f"/booking/{{}}?cancel=true&allRemainingBookings=false{seat}", meeting.uid)


def _is_internal(place: str) -> bool:
    return place.startswith("integrations:") or place.lower() in _KINDS_OF_PLACES


def _at_calcom(meeting: Meeting, path: str, uid: str | None) -> str | None:
    if not uid:
        return None
    page = urlsplit(link(meeting.booker_url) or _BOOKER_URL)
    return f"{page.scheme}://{page.netloc}{page.path.rstrip('/')}{path.format(quote(uid, safe=''))}"
