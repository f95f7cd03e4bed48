"""TE11: what follow-ups of missed meetings were good for."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.access.permit import Permit
from showup.database import tables
from showup.database.engine import transaction
from showup.reads.follow_ups import follow_ups
from tests.web.cast import EMAILS, Stage, at, booking, id_of, people_with_keys, person

SENT = at("2026-03-09T09:00")


def stage_of(*, missed_by: str = "gina") -> Stage:
    """Somebody missed a meeting on 8 March, and was written to a day later."""
    stage = Stage()
    people_with_keys(stage)
    for who in ("gina", "pat"):
        person(stage, "ours", who, EMAILS[who], None, None)
    booking(stage, "ours", "missed", "2026-03-08T10:00", person_=missed_by, showed=False, company_id=None)
    follow_up(stage, "first", missed_by)
    return stage


def follow_up(stage: Stage, key: str, to: str, **more: Any) -> None:
    row = {
        "id": f"ours.{key}",
        "workspace_id": "ours",
        "booking_id": "ours.missed",
        "event_id": "ours.report",
        "key": key,
        "destination": "email",
        "kind": "follow_up",
        "recipient": EMAILS[to],
        "booking_version": 1,
        "state": "delivered",
        "delivered_at": SENT,
    }
    times = dict.fromkeys(("due_at", "wake_at", "created_at", "updated_at"), SENT)
    stage.add(tables.deliveries, **row | times | more)


def books(stage: Stage, noun: str, after: timedelta, who: str = "gina") -> None:
    booking(stage, "ours", noun, "2026-05-01T10:00", person_=who, company_id=None, booked_at=SENT + after)


async def counted(engine: AsyncEngine, stage: Stage, workspace: str = "ours") -> tuple[int, int]:
    await stage.play(engine)
    permit = Permit(actor="key:reader", scope="read", workspace_id=id_of(workspace))
    async with transaction(engine) as tx:
        found = await follow_ups(tx, permit)
    return found["sent"], found["recovered"]


async def test_whoever_books_anew_after_it_is_recovered(engine: AsyncEngine) -> None:
    stage = stage_of()
    books(stage, "anew", timedelta(days=2))
    books(stage, "and_again", timedelta(days=3))
    assert await counted(engine, stage) == (1, 1)


@pytest.mark.parametrize(("days", "recovered"), [(-1, 0), (2, 1), (31, 0)])
async def test_who_moves_the_meeting_that_they_missed_is_too(engine: AsyncEngine, days: int, recovered: int) -> None:
    stage = stage_of()
    place = next(place for place, (table, _) in enumerate(stage.rows) if table is tables.bookings)
    row = stage.rows[place][1]
    moved = {"uid": "other", "since": f"{SENT + timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}"}
    stage.rows[place] = (tables.bookings, row | {"version": 2, "uids": [{"uid": "uid-missed", "since": None}, moved]})
    assert await counted(engine, stage) == (1, recovered)


async def test_who_booked_before_it_or_long_after_it_is_not(engine: AsyncEngine) -> None:
    stage = stage_of()
    books(stage, "before", timedelta(seconds=-1))
    books(stage, "late", timedelta(days=30, seconds=1))
    books(stage, "somebody_else", timedelta(days=2), who="pat")
    assert await counted(engine, stage) == (1, 0)


async def test_under_another_address_of_theirs_they_are(engine: AsyncEngine) -> None:
    """PI12: people who were merged are one."""
    stage = stage_of()
    books(stage, "anew", timedelta(days=2))
    table, row = stage.rows[-1]
    stage.rows[-1] = (table, row | {"email": "gina@home.example"})
    assert await counted(engine, stage) == (1, 1)


async def test_what_was_not_sent_does_not_count(engine: AsyncEngine) -> None:
    stage = stage_of()
    for state in ("scheduled", "sending", "failed", "withdrawn", "skipped"):
        follow_up(stage, state, "gina", state=state, delivered_at=None)
    follow_up(stage, "of_another_kind", "gina", kind="confirm")
    assert await counted(engine, stage) == (1, 0)


async def test_nothing_of_another_workspace_counts(engine: AsyncEngine) -> None:
    stage = stage_of()
    books(stage, "anew", timedelta(days=2))
    assert await counted(engine, stage, "theirs") == (0, 0)
