"""IN6: every payload of tests/payloads has the meaning in its row of expected_events.json, and each has a row.

In a row, `at` is the source time, `who` lists the attendees by email (or by phone without an email), and `so` has the
special fields of this file, by the path of the field in the event.
"""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from showup.events.booking import BookingRescheduled
from showup.sources.calcom.translate import Ignored, Translated, Unreadable, translate

FOLDER = Path(__file__).parents[1] / "payloads"
FILES = {path.name: path for path in FOLDER.iterdir() if path.name != "README.md"}
MEANINGS: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("expected_events.json").read_text("utf-8"))


def _names_with(key: str) -> list[str]:
    return [name for name, row in MEANINGS.items() if key in row]


def _at(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text is not None else None


def _field(value: Any, path: str) -> Any:
    """Returns the value at a path such as `booking.attendees.0.name`; None if the path does not exist."""
    for step in path.split("."):
        value = value[int(step)] if isinstance(value, list) else (value or {}).get(step)
    return sorted(value) if path == "booking.hosts" else value


def test_every_payload_has_an_expectation() -> None:
    assert len(FILES) == 98
    assert set(FILES) == set(MEANINGS)


@pytest.mark.parametrize("name", _names_with("is"))
def test_a_payload_gives_its_event(name: str) -> None:
    row, translation = MEANINGS[name], translate(FILES[name].read_bytes())
    assert isinstance(translation, Translated), translation
    booking = translation.event.booking
    assert type(translation.event).__name__ == row["is"]
    assert (translation.uid, booking.uid) == (row["uid"], row["uid"])
    assert (translation.source_at, booking.start_time) == (_at(row["at"]), _at(row["start"]))
    assert [one.email or one.phone for one in booking.attendees] == row["who"]
    assert booking.organizer_email == row["host"]


@pytest.mark.parametrize("name", _names_with("is"))
def test_a_payload_has_its_special_fields(name: str) -> None:
    translation = translate(FILES[name].read_bytes())
    assert isinstance(translation, Translated)
    plain = json.loads(msgspec.json.encode(translation.event))
    assert {path: _field(plain, path) for path in MEANINGS[name]["so"]} == MEANINGS[name]["so"]


@pytest.mark.parametrize("name", _names_with("ignored"))
def test_an_ignored_payload(name: str) -> None:
    translation = translate(FILES[name].read_bytes())
    assert isinstance(translation, Ignored), translation
    assert translation.trigger == MEANINGS[name]["ignored"]
    assert MEANINGS[name]["words"] in translation.because


@pytest.mark.parametrize("name", _names_with("unreadable"))
def test_an_unreadable_payload(name: str) -> None:
    translation = translate(FILES[name].read_bytes())
    assert isinstance(translation, Unreadable), translation
    assert translation.trigger == MEANINGS[name]["unreadable"]
    assert MEANINGS[name]["words"] in translation.because


@pytest.mark.parametrize(
    "name", [name for name in _names_with("so") if MEANINGS[name]["so"].get("replaces.start_time")]
)
def test_a_reschedule_has_the_old_times(name: str) -> None:
    """`rescheduleStartTime` is the old time, not the new one."""
    raw = json.loads(FILES[name].read_text("utf-8"))
    fields = raw[0] if isinstance(raw, list) else raw["payload"]
    translation = translate(FILES[name].read_bytes())
    assert isinstance(translation, Translated)
    assert isinstance(translation.event, BookingRescheduled)
    assert translation.event.booking.start_time == datetime.fromisoformat(fields["startTime"])
    old = fields.get("rescheduleStartTime") or fields["previousStartTime"]
    assert translation.event.replaces.start_time == datetime.fromisoformat(old)
