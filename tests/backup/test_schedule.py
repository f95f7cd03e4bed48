"""R7: scheduled backups are made when they are due, and the oldest are removed."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.testing import capture_logs

from showup.backup.archive import open_archive
from showup.backup.create import BackupPlan
from showup.backup.schedule import Schedule, ScheduledBackups, backups, is_due

NOW = datetime(2026, 9, 7, 12, tzinfo=UTC)


class _Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def scheduled(engine: AsyncEngine, clock: _Clock, url: str, folder: Path, *, keep: int = 2) -> ScheduledBackups:
    schedule = Schedule(folder=folder, every=timedelta(hours=24), keep=keep)
    return ScheduledBackups(engine, clock, schedule, BackupPlan(url=url, key=None, passphrase=None, version="0.1.0"))


async def test_r7_a_backup_is_made_once_a_day_and_only_the_newest_are_kept(
    engine: AsyncEngine, database_url: str, tmp_path: Path
) -> None:
    clock = _Clock()
    task = scheduled(engine, clock, database_url, tmp_path / "backups")
    (tmp_path / "backups").mkdir()
    (tmp_path / "backups" / "showup-by-hand.backup").touch()
    for hours in (0, 1, 23, 24, 30, 48, 72):
        clock.now = NOW + timedelta(hours=hours)
        await task.run_due()
    names = [path.name for path in backups(tmp_path / "backups")]
    assert names == ["showup-2026-09-10T120000Z.backup", "showup-2026-09-09T120000Z.backup"]
    assert (tmp_path / "backups" / "showup-by-hand.backup").exists()
    with open_archive(tmp_path / "backups" / names[0], None) as archive:
        assert archive.manifest.created_at == NOW + timedelta(hours=72)


async def test_r7_two_workers_make_one_backup(engine: AsyncEngine, database_url: str, tmp_path: Path) -> None:
    tasks = [scheduled(engine, _Clock(), database_url, tmp_path) for _ in range(3)]
    await asyncio.gather(*(task.run_due() for task in tasks))
    assert len(backups(tmp_path)) == 1


async def test_r7_a_failed_backup_is_logged_and_tried_again(
    engine: AsyncEngine, database_url: str, tmp_path: Path
) -> None:
    folder = tmp_path / "backups"
    folder.write_text("a file where the folder should be")
    task = scheduled(engine, _Clock(), database_url, folder)
    with capture_logs() as logs:
        await task.run_due()
    assert [one["event"] for one in logs] == ["backup failed"]
    folder.unlink()
    await task.run_due()
    assert len(backups(folder)) == 1


def test_r7_a_backup_is_due_without_one_and_after_the_interval(tmp_path: Path) -> None:
    schedule = Schedule(folder=tmp_path, every=timedelta(hours=24), keep=1)
    assert is_due(schedule, NOW)
    (tmp_path / f"showup-{NOW:%Y-%m-%dT%H%M%SZ}.backup").touch()
    assert not is_due(schedule, NOW + timedelta(hours=23))
    assert is_due(schedule, NOW + timedelta(hours=24))
