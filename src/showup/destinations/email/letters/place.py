"""Where a meeting takes place: by video, by phone and who calls, or at an address."""

import re
from collections.abc import Mapping
from typing import Final, Literal, TypeAlias
from urllib.parse import quote_plus, urlsplit

from msgspec import Struct

from showup.destinations.contract import Meeting
from showup.destinations.email.texts import EventTypeTexts, TeammateTexts
from showup.destinations.lines import one_line
from showup.destinations.links import meeting_place

PlaceKind: TypeAlias = Literal["video", "host_calls", "attendee_calls", "in_person", "unknown"]

_PHONE: Final = re.compile(r"(?:tel:)?(\+?[0-9][0-9\s().\-/\u00a0]{5,24})")
_SERVICES: Final[Mapping[str, str]] = {
    "meet.google.com": "Google Meet",
    "zoom.us": "Zoom",
    "teams.microsoft.com": "Microsoft Teams",
    "teams.live.com": "Microsoft Teams",
    "app.cal.com": "Cal Video",
}


class Place(Struct, frozen=True, kw_only=True):
    """A place. `url` is a video link and `label` its host and path; `phone` is the number that is called.

    `address` is as given, in lines. `service` is the name of a known video service. `host_phone` is the number that a
    calling host calls from.
    """

    kind: PlaceKind
    url: str | None = None
    label: str | None = None
    service: str | None = None
    phone: str | None = None
    host_phone: str | None = None
    address: tuple[str, ...] = ()

    @property
    def is_call(self) -> bool:
        """Returns whether the meeting is a call: not in person."""
        return self.kind != "in_person"

    @property
    def map_url(self) -> str | None:
        """Returns a search for the address on a map."""
        if not self.address:
            return None
        return f"https://www.google.com/maps/search/?api=1&query={quote_plus(', '.join(self.address))}"


def place_of(meeting: Meeting, texts: EventTypeTexts, host: TeammateTexts) -> Place:
    """Returns the meeting's place, as far as the booking and the team's texts say it."""
    found = meeting_place(meeting)
    if found.url is not None:
        parts = urlsplit(found.url)
        label = f"{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"
        return Place(kind="video", url=found.url, label=label, service=_service(parts.hostname or ""))
    text = found.text or ""
    if phone := _PHONE.fullmatch(text.strip()):
        return _phone_call(phone[1], meeting, texts, host)
    if text:
        lines = (one_line(line) for line in (meeting.location or text).splitlines())
        return Place(kind="in_person", address=tuple(filter(None, lines)) or (text,))
    return Place(kind="unknown")


def _phone_call(number: str, meeting: Meeting, texts: EventTypeTexts, host: TeammateTexts) -> Place:
    calls_guest = texts.who_calls == "host" or (texts.who_calls is None and _same(number, meeting.guest.phone))
    if calls_guest:
        return Place(kind="host_calls", phone=_shown(number), host_phone=_shown(host.phone) or None)
    return Place(kind="attendee_calls", phone=_shown(number))


def _same(one: str, other: str | None) -> bool:
    return re.sub(r"\D", "", one) == re.sub(r"\D", "", other or "")


def _shown(number: str) -> str:
    """Returns the number with spaces that don't break."""
    return "\u00a0".join(number.split())


def _service(host: str) -> str | None:
    return next((name for known, name in _SERVICES.items() if host == known or host.endswith(f".{known}")), None)
