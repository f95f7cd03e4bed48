"""IN6: every payload of tests/payloads means what its row in meanings.json says, and none is without a row.

In a row `at` is when it happened by its source, `who` the attendees by email, or by phone where there is none, and
`so` what is special about this file, by the path of the field in the event.
"""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from showup.events import BookingRescheduled
from showup.sources.calcom.translate import Ignored, Translated, Unreadable, translate

FOLDER = Path(__file__).parents[1] / "payloads"
FILES = {path.name: path for path in FOLDER.iterdir() if path.name != "README.md"}
MEANINGS: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("meanings.json").read_text("utf-8"))


def _only(key: str) -> list[str]:
    return [name for name, row in MEANINGS.items() if key in row]


def _at(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text is not None else None


def _field(value: Any, path: str) -> Any:
    """What stands at a path such as `booking.attendees.0.name`; None where it ends early."""
    for step in path.split("."):
        value = value[int(step)] if isinstance(value, list) else (value or {}).get(step)
    return sorted(value) if path == "booking.hosts" else value


def test_every_file_has_its_row() -> None:
    assert len(FILES) == 98
    assert set(FILES) == set(MEANINGS)


@pytest.mark.parametrize("name", _only("is"))
def test_it_tells_of_an_event(name: str) -> None:
    row, said = MEANINGS[name], translate(FILES[name].read_bytes())
    assert isinstance(said, Translated), said
    booking = said.event.booking
    assert type(said.event).__name__ == row["is"]
    assert (said.uid, booking.uid) == (row["uid"], row["uid"])
    assert (said.source_at, booking.start_time) == (_at(row["at"]), _at(row["start"]))
    assert [one.email or one.phone for one in booking.attendees] == row["who"]
    assert booking.organizer_email == row["host"]


@pytest.mark.parametrize("name", _only("is"))
def test_what_is_special_about_it(name: str) -> None:
    said = translate(FILES[name].read_bytes())
    assert isinstance(said, Translated)
    plain = json.loads(msgspec.json.encode(said.event))
    assert {path: _field(plain, path) for path in MEANINGS[name]["so"]} == MEANINGS[name]["so"]


@pytest.mark.parametrize("name", _only("ignored"))
def test_it_means_nothing_to_the_pipeline(name: str) -> None:
    said = translate(FILES[name].read_bytes())
    assert isinstance(said, Ignored), said
    assert said.trigger == MEANINGS[name]["ignored"]
    assert MEANINGS[name]["words"] in said.because


@pytest.mark.parametrize("name", _only("unreadable"))
def test_it_cannot_be_read(name: str) -> None:
    said = translate(FILES[name].read_bytes())
    assert isinstance(said, Unreadable), said
    assert said.trigger == MEANINGS[name]["unreadable"]
    assert MEANINGS[name]["words"] in said.because


@pytest.mark.parametrize("name", [name for name in _only("so") if MEANINGS[name]["so"].get("replaces.start_time")])
def test_a_reschedule_names_the_old_times_not_the_new_ones(name: str) -> None:
    """`rescheduleStartTime` is the time that was given up; whoever wrote it the other way round misread it."""
    raw = json.loads(FILES[name].read_text("utf-8"))
    fields = raw[0] if isinstance(raw, list) else raw["payload"]
    said = translate(FILES[name].read_bytes())
    assert isinstance(said, Translated)
    assert isinstance(said.event, BookingRescheduled)
    assert said.event.booking.start_time == datetime.fromisoformat(fields["startTime"])
    old = fields.get("rescheduleStartTime") or fields["previousStartTime"]
    assert said.event.replaces.start_time == datetime.fromisoformat(old)
