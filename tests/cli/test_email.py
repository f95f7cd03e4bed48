"""`showup email preview` shows a mail as Showup would send it now (TE1)."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from showup.clock import system_clock
from showup.container import build_projection_worker
from showup.database.engine import connect
from tests.cli.conftest import Showup

KINDS = (
    *("confirmation", "series", "rescheduled", "cancelled", "reschedule_request", "new_host"),
    *("reminder", "reminder_2h", "no_show"),
)


@pytest.fixture
def booking_id(ready: Showup, database_url: str) -> str:
    """The id of a booking from the sample."""
    assert ready("sample").code == 0

    async def apply_events() -> str:
        engine = connect(database_url)
        await build_projection_worker(engine, system_clock).drain()
        await engine.dispose()
        driver = await asyncpg.connect(database_url)
        first_booking_id = await driver.fetchval(
            "SELECT id FROM bookings WHERE person_id IS NOT NULL ORDER BY start_time LIMIT 1"
        )
        await driver.close()
        return str(first_booking_id)

    return asyncio.run(apply_events())


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_booking_a_sample_is_rendered_without_a_database(showup: Showup, kind: str) -> None:
    nowhere = {"DATABASE_URL": "postgresql://me@127.0.0.1:1/d"}
    assert showup("email", "preview", kind, **nowhere).out.startswith("<!DOCTYPE html>")
    text = showup("email", "preview", kind, "--text", **nowhere).out
    assert text.startswith("From: ")
    assert "\nTo: Ann Lee <ann@acme.example>\n" in text
    assert "Ann" in text.partition("\n\n")[2]


def test_a_booking_mail_uses_the_current_booking(ready: Showup, booking_id: str) -> None:
    booking = ready("email", "preview", "confirmation", "--booking", booking_id, "--json").json
    assert "ann@acme.example" not in booking["to"]
    assert booking["text"] in ready("email", "preview", "confirmation", "--booking", booking_id, "--text").out
    rescheduled = ready("email", "preview", "rescheduled", "--booking", booking_id, "--text")
    assert "(Was" not in rescheduled.out


def test_a_rescheduled_mail_has_the_old_time(ready: Showup, booking_id: str, database_url: str) -> None:
    async def move() -> None:
        driver = await asyncpg.connect(database_url)
        uids = """[{"start_time": "2026-05-05T10:00:00Z"}, {"start_time": "2026-05-06T10:00:00Z"}]"""
        await driver.execute("UPDATE bookings SET uids = $1", uids)
        await driver.close()

    asyncio.run(move())
    assert "(Was " in (result := ready("email", "preview", "rescheduled", "--booking", booking_id, "--text")).out
    assert "May 5" in result.out or "5 May" in result.out


def test_a_mail_is_written_to_a_file_with_custom_templates(showup: Showup, tmp_path: Path) -> None:
    (tmp_path / "own" / "default").mkdir(parents=True)
    (tmp_path / "own" / "default" / "reminder.html").write_text("<p>Soon: {{ title }}</p>")
    result = showup("email", "preview", "reminder", "--templates", "own", "--out", "reminder.html")
    assert (result.code, result.out) == (0, "Wrote reminder.html.\n")
    assert "<p>Soon: Intro call" in (tmp_path / "reminder.html").read_text()
    (tmp_path / "own" / "default" / "reminder.html").write_text("{{ typo }}")
    result = showup("email", "preview", "reminder", "--templates", "own")
    assert (result.code, result.error) == (1, "own/default/reminder.html, line 1: 'typo' is undefined\n")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--booking", "00000000-0000-0000-0000-000000000001"], "There is no booking"),
        (["--templates", "missing"], "The template folder missing does not exist"),
        (["--out", "missing/mail.html"], "can't be written"),
    ],
)
def test_an_impossible_preview_is_refused_with_a_message(ready: Showup, options: list[str], message: str) -> None:
    result = ready("email", "preview", "confirmation", *options)
    assert (result.code, result.out) == (1, "")
    assert message in result.error
    assert "Traceback" not in result.error
