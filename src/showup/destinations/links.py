"""The links of a message and the place of a meeting; only http and https addresses become links.

All destinations take them from here, so what an event type forbids is linked nowhere.
"""

import re
from urllib.parse import quote, urlencode, urlsplit

from msgspec import Struct

from showup.destinations.contract import Meeting
from showup.destinations.lines import one_line, truncate

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
    """Returns the page on which the attendee chooses another time, for the guest's seat only where there are seats.

    None where the event type forbids it, without a uid, or where no page knows the booking.
    """
    uid = meeting.seat_uid or meeting.uid
    if meeting.rescheduling_disabled or not uid:
        return None
    if meeting.platform_reschedule_url is not None:
        return _platform_page(meeting, meeting.platform_reschedule_url, uid, reschedule="true")
    return _calcom_page(meeting, f"/reschedule/{quote(uid, safe='')}")


def cancel_url(meeting: Meeting, *, all_remaining: bool = False) -> str | None:
    """Returns the page on which the attendee cancels this meeting, or their seat; None as for `reschedule_url`.

    `all_remaining`: with the later dates of its series. Without it, the other dates stay.
    """
    if meeting.cancelling_disabled or not meeting.uid:
        return None
    params = {"cancel": "true", "allRemainingBookings": "true" if all_remaining else "false"}
    if meeting.seat_uid:
        params["seatReferenceUid"] = meeting.seat_uid
    if meeting.platform_cancel_url is not None:
        return _platform_page(meeting, meeting.platform_cancel_url, meeting.uid, **params)
    return _calcom_page(meeting, f"/booking/{quote(meeting.uid, safe='')}?{urlencode(params)}")


def _is_internal(place: str) -> bool:
    return place.startswith("integrations:") or place.lower() in _KINDS_OF_PLACES


def _calcom_page(meeting: Meeting, path: str) -> str | None:
    """Returns a page of the Cal.com where the meeting was booked; no other Cal.com knows its uid."""
    address = web_link(meeting.booker_url) or web_link(meeting.calcom_url)
    if address is None:
        return None
    page = urlsplit(address)
    return f"{page.scheme}://{page.netloc}{page.path.rstrip('/')}{path}"


def _platform_page(meeting: Meeting, address: str, uid: str, **params: str) -> str | None:
    """Returns a page of the platform that embeds Cal.com, with the parameters that Cal.com gives it."""
    if (usable := web_link(address)) is None:
        return None
    about = {"slug": meeting.event_type, "username": meeting.organizer_username}
    team = {} if meeting.team_id is None else {"teamId": str(meeting.team_id)}
    query = urlencode({name: value for name, value in about.items() if value} | params | team)
    page = urlsplit(usable)
    own_query = f"{page.query}&" if page.query else ""
    return f"{page.scheme}://{page.netloc}{page.path.rstrip('/')}/{quote(uid, safe='')}?{own_query}{query}"
