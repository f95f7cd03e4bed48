"""RU5: the commands `showup export`, `erase`, `retention` and `secrets rotate`, as a person runs them."""

import asyncio
import json
from pathlib import Path
from typing import Any

from showup.access.secrets_at_rest import Seal
from showup.container import build_projection_worker
from showup.database.engine import connect, driver_connection, transaction
from showup.inbox import store
from showup.inbox.inbox_event import IncomingEvent
from tests.cli.conftest import SECRET_KEY, Showup
from tests.cli.conftest import ready as ready
from tests.cli.conftest import restore_logging as restore_logging
from tests.cli.conftest import showup as showup
from tests.privacy.conftest import EMAIL, NAME, NOW, fetch, first_booking


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    async def run() -> list[tuple[Any, ...]]:
        engine = connect(url, pool_size=1)
        try:
            return await fetch(engine, query)
        finally:
            await engine.dispose()

    return asyncio.run(run())


async def book(url: str) -> None:
    engine = connect(url, pool_size=2)
    accounts = "SELECT id, workspace_id FROM connections WHERE kind = 'calcom'"
    ((account, workspace),) = await fetch(engine, accounts)
    async with transaction(engine) as tx:
        incoming = [
            IncomingEvent(account_id=account, workspace_id=workspace, body=body, received_at=NOW)
            for body in first_booking()
        ]
        await store.insert_events(await driver_connection(tx), incoming)
    await build_projection_worker(engine, lambda: NOW, Seal.from_setting(SECRET_KEY)).drain()
    await engine.dispose()


def test_ru5_export_and_erase(ready: Showup, database_url: str, tmp_path: Path) -> None:
    asyncio.run(book(database_url))
    path = tmp_path / "person.json"
    assert ready("export", EMAIL.upper(), "--output", str(path)).code == 0
    found = json.loads(path.read_text())["workspaces"]["default"]
    assert [event["trigger"] for event in found["events"]] == [
        "BOOKING_CREATED",
        "BOOKING_RESCHEDULED",
        "MEETING_STARTED",
    ]
    assert {"people", "bookings", "booking_attendees"} <= set(found["tables"])
    assert NAME in {row["name"] for row in found["tables"]["people"]}
    assert (path.stat().st_mode & 0o777, ready("export", EMAIL, "--output", str(path)).code) == (0o600, 1)
    wrong = ready("erase", EMAIL, stdin="somebody@else.example\n")
    assert (wrong.code, "Nothing was erased" in wrong.error) == (1, True)
    erased = ready("erase", EMAIL, stdin=f"{EMAIL}\n")
    assert erased.code == 0, erased.error
    assert "1 bookings" in erased.out
    assert ready("erase", EMAIL, "--yes", "--json").json == {"workspaces": {}}
    assert ready("export", EMAIL).error.strip() == "Showup has nothing about this address."
    assert ready("export", "nobody").code == 1
    actions = rows(database_url, "SELECT what, actor FROM privacy_actions ORDER BY at, id")
    assert actions == [("exported", "cli"), ("erased", "cli")]


def test_ru5_retention_and_rotation(ready: Showup, database_url: str, tmp_path: Path) -> None:
    assert "no [retention]" in ready("retention").out
    (tmp_path / "showup.toml").write_text('[retention]\nsign_ins = "30d"\n')
    rows(
        database_url,
        "INSERT INTO sign_in_log (id, at, email, what) "
        "VALUES (gen_random_uuid(), '2020-01-01', 'ola@host.example', 'signed_in') RETURNING 1",
    )
    expected = [{"kind": "sign_ins", "rows": 1, "is_complete": True}]
    assert ready("retention", "--dry-run", "--json").json == {"dry_run": True, "kinds": expected}
    assert ready("retention", "--json").json["kinds"] == expected
    assert ready("retention", "--json").json["kinds"][0]["rows"] == 0
    one_key = ready("secrets", "rotate")
    assert (one_key.code, "Put a new one" in one_key.error) == (1, True)
    rotated = ready("secrets", "rotate", "--json", SHOWUP_SECRET_KEY=f"{'n' * 40},{SECRET_KEY}").json
    assert rotated["state"] == "rotated"
    assert "none needs an older one" in rotated["next"]
