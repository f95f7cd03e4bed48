"""F03, F07: docs/CALCOM.md shows where each field of a booking is looked for, and the reader looks there, in order."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from showup.events.details import BookingDetails
from showup.events.translation import Translated
from showup.sources.calcom.api_decoder import decode_booking
from showup.sources.calcom.api_values import ApiBooking
from showup.sources.calcom.booking_details.places import PLACES
from showup.sources.calcom.client_v1 import decode_booking_v1
from showup.sources.calcom.synthetic_webhook import SyntheticWebhook, build_webhook
from showup.sources.calcom.translate import translate

DOCUMENT = Path(__file__).parents[2] / "docs" / "CALCOM.md"
ROW = re.compile(r"^\| `(\w+)` \| (.+?) \| ?(.*?) \| ?(.*?) ?\|$", re.MULTILINE)
TABLE = {
    field: (tuple(re.findall(r"`([^`]+)`", places)), v2.strip("` "), v1.strip("` "))
    for field, places, v2, v1 in ROW.findall(DOCUMENT.read_text())
}
# Two values of each field, as Cal.com writes them, and as they are read.
VALUES: dict[str, tuple[Any, Any]] = {
    "uid": ("one", "one"),
    "calcom_booking_id": (7, "7"),
    "status": ("pending", "PENDING"),
    "title": ("Intro", "Intro"),
    "organizer_email": ("Hanna@host.example", "hanna@host.example"),
    "organizer_name": ("Hanna", "Hanna"),
    "organizer_time_zone": ("Asia/Tokyo", "Asia/Tokyo"),
    "organizer_username": ("hanna", "hanna"),
    "event_type": ("intro", "intro"),
    "event_type_title": ("Intro", "Intro"),
    "calcom_event_type_id": (9, "9"),
    "team_id": (5, 5),
    "meeting_url": ("https://meet.example/1", "https://meet.example/1"),
    "ical_uid": ("one@Cal.com", "one@Cal.com"),
    "ical_sequence": (3, 3),
    "booker_url": ("https://cal.example", "https://cal.example"),
    "organizer_email_hidden": (True, True),
    "reply_to": ("Desk@host.example", "desk@host.example"),
    "rescheduling_disabled": (True, True),
    "cancelling_disabled": (True, True),
    "platform_reschedule_url": ("https://p.example/r", "https://p.example/r"),
    "platform_cancel_url": ("https://p.example/c", "https://p.example/c"),
    "platform_booking_url": ("https://p.example/b", "https://p.example/b"),
    "price": (100, 100),
    "currency": ("eur", "EUR"),
}
TIMES = {"start_time", "end_time"}
NEEDED = {"uid": "some-uid", "startTime": "2027-03-01T15:00:00Z"}
API: dict[str, dict[str, Any]] = {
    "v2": {
        "id": 7,
        "uid": "one",
        "status": "accepted",
        "title": "Intro",
        "start": "2027-03-01T15:00:00Z",
        "end": "2027-03-01T15:30:00Z",
        "recurringBookingUid": "series",
        "hosts": [{"email": "hanna@host.example", "name": "Hanna", "timeZone": "Asia/Tokyo", "username": "hanna"}],
        "eventType": {"id": 9, "slug": "intro"},
        "meetingUrl": "https://meet.example/1",
        "icsUid": "one@Cal.com",
    },
    "v1": {
        "id": 7,
        "uid": "one",
        "status": "ACCEPTED",
        "title": "Intro",
        "startTime": "2027-03-01T15:00:00Z",
        "endTime": "2027-03-01T15:30:00Z",
        "recurringEventId": "series",
        "user": {"email": "hanna@host.example", "name": "Hanna", "timeZone": "Asia/Tokyo", "username": "hanna"},
        "eventTypeId": 9,
        "eventType": {"slug": "intro"},
        "metadata": {"videoCallUrl": "https://meet.example/1"},
        "iCalUID": "one@Cal.com",
    },
}
# Without these, the API's booking can't be read at all.
REQUIRED_BY_API = {"uid", "status", "start_time"}


def with_value(body: Mapping[str, Any], place: str, value: Any) -> dict[str, Any]:
    """Returns the body with a value at a place."""
    first, _, rest = place.partition(".")
    if not rest:
        return {**body, first: value}
    if rest.startswith("0."):
        return {**body, first: [with_value({}, rest.removeprefix("0."), value)]}
    return {**body, first: with_value(body.get(first, {}), rest, value)}


def without(body: Mapping[str, Any], place: str) -> dict[str, Any]:
    """Returns the body without the value at a place."""
    first, _, rest = place.partition(".")
    if not rest:
        return {name: value for name, value in body.items() if name != first}
    if rest.startswith("0."):
        return {**body, first: [without(body[first][0], rest.removeprefix("0."))]}
    return {**body, first: without(body[first], rest)}


def read(fields: Mapping[str, Any]) -> BookingDetails:
    translation = translate(json.dumps({"triggerEvent": "BOOKING_CREATED", "payload": fields}).encode())
    assert isinstance(translation, Translated), translation
    return translation.event.booking


def read_api(version: str, body: Mapping[str, Any]) -> BookingDetails:
    decoded: ApiBooking | None = (decode_booking if version == "v2" else decode_booking_v1)(body)
    assert decoded is not None
    translation = translate(build_webhook(decoded, SyntheticWebhook(trigger="BOOKING_CREATED", at=None)))
    assert isinstance(translation, Translated), translation
    return translation.event.booking


def test_the_documented_table_is_the_readers_table() -> None:
    assert {field: places for field, (places, _, _) in TABLE.items()} == dict(PLACES)
    assert set(VALUES) == set(PLACES) - TIMES


@pytest.mark.parametrize("field", sorted(VALUES))
def test_a_field_is_read_at_each_of_its_places_and_the_first_counts(field: str) -> None:
    written, expected = VALUES[field]
    needed = NEEDED if field != "uid" else {**without(NEEDED, "uid"), "attendees": [{"email": "a@b.example"}]}
    for place in PLACES[field]:
        assert getattr(read(with_value(needed, place, written)), field) == expected
    other = f"{written}x" if isinstance(written, str) else not written if isinstance(written, bool) else written + 1
    everywhere: dict[str, Any] = {**needed}
    for place in PLACES[field]:
        everywhere = with_value(everywhere, place, written if place == PLACES[field][0] else other)
    assert getattr(read(everywhere), field) == expected


@pytest.mark.parametrize("version", API)
@pytest.mark.parametrize("field", sorted(PLACES))
def test_the_api_reports_a_field_at_its_documented_place_only(field: str, version: str) -> None:
    place = TABLE[field][1 if version == "v2" else 2]
    complete = getattr(read_api(version, API[version]), field)
    if not place:
        assert complete is None
        return
    assert complete is not None
    if field not in REQUIRED_BY_API:
        assert getattr(read_api(version, without(API[version], place)), field) != complete
