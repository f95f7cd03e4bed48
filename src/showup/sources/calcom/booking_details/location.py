"""Reads where a meeting takes place, and for a phone call, who calls whom."""

import re
from collections.abc import Iterable
from typing import Final

from showup.bookings.booking import LocationKind
from showup.sources.calcom.booking_details.answers import ATTENDEE_IS_CALLED, ChosenLocation
from showup.sources.calcom.payload import Json, phone, text, url

# Cal.com's names of kinds of locations (`DefaultEventLocationTypeEnum`), in lower case; `attendeephone` is the API's.
_KINDS: Final[dict[str, LocationKind]] = {
    "inperson": "organizer_place",
    "attendeeinperson": "attendee_place",
    "phone": "organizer_calls",
    "attendeephone": "organizer_calls",
    "userphone": "attendee_calls",
    "link": "online",
    "conferencing": "online",
    "somewhereelse": "other",
}
_WITH_DETAIL: Final = frozenset((*ATTENDEE_IS_CALLED, "attendeeinperson", "somewhereelse", "userphone", "inperson"))
# How relays show a video app, instead of Cal.com's `integrations:…`.
_VIDEO_APPS: Final = frozenset(
    ("cal video", "google meet", "zoom", "zoom video", "ms teams", "microsoft teams", "jitsi video", "webex", "skype")
)
_ONLY_DIGITS: Final = re.compile(r"\D")
_NUMBER: Final = re.compile(r"\+?[\d\s().\-/\u2010-\u2015\u00a0]{5,30}")


def read_location(fields: Json, chosen: ChosenLocation) -> str | None:
    """Returns the location; the detail that the booker gave where Cal.com names only the kind of location."""
    location = text(fields.get("location"))
    if chosen.detail is not None and (location is None or location.lower() in _WITH_DETAIL):
        return chosen.detail
    return location


def read_place(value: object) -> str | None:
    """Returns a location that is a place itself, such as an address or a phone number; None for a kind or an app."""
    location = text(value)
    if location is None or location.startswith("integrations:") or location.lower() in _KINDS.keys() | _VIDEO_APPS:
        return None
    return location


def is_same_place(one: str | None, other: str) -> bool:
    """Returns whether both are the same place; a phone number may be written with other spaces."""
    if one is not None and _NUMBER.fullmatch(one) and _NUMBER.fullmatch(other):
        return _ONLY_DIGITS.sub("", one) == _ONLY_DIGITS.sub("", other)
    return one == other


def location_kind(
    location: str | None, chosen: ChosenLocation, meeting_url: str | None, phones: Iterable[str | None]
) -> LocationKind | None:
    """Returns the kind of location; None without a location. `phones`: the attendees' numbers.

    The booker's choice may be outdated, because a location can be edited. So the location's own form comes first.
    """
    by_choice = _KINDS.get(chosen.kind or "")
    if location is None:
        return by_choice or ("online" if meeting_url is not None else None)
    if location.lower() in _KINDS:
        return _KINDS[location.lower()]
    if location.startswith("integrations:") or url(location) is not None:
        return "online"
    if _NUMBER.fullmatch(location) and phone(location) is not None:
        return by_choice if by_choice in ("organizer_calls", "attendee_calls") else _by_number(location, phones)
    if meeting_url is not None or location.lower() in _VIDEO_APPS:
        return "online"
    return by_choice if by_choice in ("attendee_place", "other") else "organizer_place"


def _by_number(location: str, phones: Iterable[str | None]) -> LocationKind:
    """Returns who calls whom: a number that is an attendee's is called by the host."""
    known = {_ONLY_DIGITS.sub("", number) for number in phones if number is not None}
    if not known:
        return "other"
    return "organizer_calls" if _ONLY_DIGITS.sub("", location) in known else "attendee_calls"
