"""CA1: an import that is killed continues, and ends as an undisturbed one; `make torture` takes 1,000,000 rows."""

from pathlib import Path

from tests.cli.conftest import SECRET_KEY
from tests.torture.lead_import import Plan, run_plan
from tests.torture.programs import Program


async def test_a_killed_import_continues_without_a_duplicate(tmp_path: Path, database_url: str) -> None:
    variables = {"DATABASE_URL": database_url, "SHOWUP_SECRET_KEY": SECRET_KEY}
    first = Program(tmp_path / "migrate.log", "migrate", **variables)
    assert first.process.wait(60) == 0, first.output()
    result = await run_plan(tmp_path, database_url, variables, Plan(rows=40_000, seed=3, kills=2))
    assert result.faults == []
    assert all(0 < position < 40_000 for position in result.killed_at)
