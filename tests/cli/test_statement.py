"""`showup statement` prints the daily statement, and the worker logs it (RU6)."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.testing import capture_logs

from showup.cli.statement import statement_task
from showup.database.engine import transaction
from showup.database.tables import workspaces
from tests.cli.conftest import Showup


def test_a_day_without_webhooks_is_not_complete_until_its_account_is_compared(ready: Showup) -> None:
    result = ready("statement", "--day", "2026-11-29")
    assert result.code == 0
    assert result.out == (
        "default, 2026-11-29: 0 webhooks received: 0 projected, 0 duplicate, 0 ignored, 0 unreadable, 0 open, "
        "0 erased. Compared with Cal.com: 0 repaired, missing: unknown, never compared. "
        "Not compared on that day: default.\n"
    )
    checked = ready("statement", "--day", "2026-11-29", "--check")
    assert (checked.code, checked.out) == (1, result.out)
    assert checked.error.startswith("Not complete: default.")
    [row] = ready("statement", "--workspace", "default", "--json").json
    assert (row["received"], row["missing"], row["is_complete"]) == (0, None, False)


def test_an_unknown_workspace_or_day_is_refused(ready: Showup) -> None:
    assert "There is no workspace 'acme'" in ready("statement", "--workspace", "acme").error
    assert ready("statement", "--day", "yesterday").code == 2


@pytest.mark.parametrize(("hour", "days"), [(17, []), (18, ["2026-11-29"]), (19, [])])
async def test_it_is_logged_once_in_the_first_hour_of_the_next_day(
    engine: AsyncEngine, workspace: UUID, hour: int, days: list[str]
) -> None:
    async with transaction(engine) as tx:
        await tx.execute(update(workspaces).values(time_zone="Asia/Kathmandu").where(workspaces.c.id == workspace))
    # It is 5:45 hours later there, so that the day ends at 18:15.
    task = statement_task(engine, lambda: datetime(2026, 11, 29, hour, 50, tzinfo=UTC))
    with capture_logs() as logs:
        await task.run()
    lines = [line for line in logs if line["event"] == "daily statement"]
    assert [str(line["day"]) for line in lines] == days
    assert [line["log_level"] for line in lines] == ["info"] * len(days)
    assert task.cron == "50 * * * *"
