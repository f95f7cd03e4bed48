"""`showup email preview`: a mail as it would be sent now (TE1)."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from showup.clock import system_clock
from showup.database.engine import connect
from showup.inbox.applier import Applier
from tests.commands.conftest import Showup

KINDS = ("confirm", "tell_rescheduled", "tell_cancelled", "tell_new_place", "remind", "follow_up")


@pytest.fixture
def booked(ready: Showup, database_url: str) -> str:
    """The id of a booking of the sample's."""
    assert ready("sample").code == 0

    async def apply() -> str:
        engine = connect(database_url)
        await Applier(engine, system_clock).drain()
        await engine.dispose()
        driver = await asyncpg.connect(database_url)
        found = await driver.fetchval("SELECT id FROM bookings WHERE person_id IS NOT NULL ORDER BY start_time LIMIT 1")
        await driver.close()
        return str(found)

    return asyncio.run(apply())


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_booking_it_is_an_invented_one_and_no_database_is_needed(showup: Showup, kind: str) -> None:
    nowhere = {"DATABASE_URL": "postgresql://me@127.0.0.1:1/d"}
    assert showup("email", "preview", kind, **nowhere).out.startswith("<!DOCTYPE html>")
    text = showup("email", "preview", kind, "--text", **nowhere).out
    assert text.startswith("From: ")
    assert "\nTo: Ann Lee <ann@acme.example>\n" in text
    assert "Hello Ann Lee," in text


def test_a_bookings_mail_goes_to_its_booker_as_things_stand(ready: Showup, booked: str) -> None:
    booking = ready("email", "preview", "confirm", "--booking", booked, "--json").json
    assert "ann@acme.example" not in booking["to"]
    assert booking["text"] in ready("email", "preview", "confirm", "--booking", booked, "--text").out
    never_moved = ready("email", "preview", "tell_rescheduled", "--booking", booked, "--text")
    assert "Old time" not in never_moved.out


def test_a_moved_bookings_old_time_is_told(ready: Showup, booked: str, database_url: str) -> None:
    async def move() -> None:
        driver = await asyncpg.connect(database_url)
        held = """[{"start_time": "2026-05-05T10:00:00Z"}, {"start_time": "2026-05-06T10:00:00Z"}]"""
        await driver.execute("UPDATE bookings SET uids = $1", held)
        await driver.close()

    asyncio.run(move())
    assert "\nOld time: " in (said := ready("email", "preview", "tell_rescheduled", "--booking", booked, "--text")).out
    assert "2026-05-05, " in said.out


def test_it_is_written_to_a_file_with_templates_of_ones_own(showup: Showup, tmp_path: Path) -> None:
    (tmp_path / "own" / "default").mkdir(parents=True)
    (tmp_path / "own" / "default" / "remind.html").write_text("<p>Soon: {{ title }}</p>")
    said = showup("email", "preview", "remind", "--templates", "own", "--out", "remind.html")
    assert (said.code, said.out) == (0, "Wrote remind.html.\n")
    assert "<p>Soon: Intro call" in (tmp_path / "remind.html").read_text()
    (tmp_path / "own" / "default" / "remind.html").write_text("{{ typo }}")
    said = showup("email", "preview", "remind", "--templates", "own")
    assert (said.code, said.error) == (1, "own/default/remind.html, line 1: 'typo' is undefined\n")


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--booking", "00000000-0000-0000-0000-000000000001"], "There is no booking"),
        (["--templates", "missing"], "no folder missing"),
        (["--out", "missing/mail.html"], "can't be written"),
    ],
)
def test_what_cannot_be_shown_is_refused_in_a_sentence(ready: Showup, more: list[str], says: str) -> None:
    said = ready("email", "preview", "confirm", *more)
    assert (said.code, said.out) == (1, "")
    assert says in said.error
    assert "Traceback" not in said.error
