"""Scheduled backups: a file each time they are due, of which only the newest are kept."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import structlog
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.backup import lock_store
from showup.backup.archive import BackupUnusable
from showup.backup.create import BackupPlan, create_backup, read_manifest
from showup.backup.postgres_tools import ProgramFailed
from showup.clock import Clock

_SUFFIX: Final = ".backup"
_TIME: Final = "%Y-%m-%dT%H%M%SZ"
_log = structlog.get_logger()


class Schedule(Struct, frozen=True, kw_only=True):
    """Where backups go, how often they are made, and how many are kept."""

    folder: Path
    every: timedelta
    keep: int


class ScheduledBackups:
    """Makes a backup whenever one is due."""

    def __init__(self, engine: AsyncEngine, clock: Clock, schedule: Schedule, plan: BackupPlan) -> None:
        self._engine = engine
        self._clock = clock
        self._schedule = schedule
        self._plan = plan

    async def run_due(self) -> None:
        """Make a backup if the newest one is too old, and remove the oldest ones. A failure is logged, and retried."""
        now = self._clock()
        if not is_due(self._schedule, now):
            return
        async with lock_store.only_here(self._engine) as is_here:
            if is_here:
                await self._make(now)

    async def _make(self, now: datetime) -> None:
        path = self._schedule.folder / f"showup-{now.astimezone(UTC).strftime(_TIME)}{_SUFFIX}"
        manifest = await read_manifest(self._engine, self._plan, now)
        try:
            self._schedule.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            await asyncio.to_thread(create_backup, self._plan, manifest, path, _ignore)
        except (OSError, ProgramFailed, BackupUnusable) as fault:
            _log.error("backup failed", path=str(path), because=str(fault))
            return
        _log.info("backup made", path=str(path), size=path.stat().st_size)
        for old in backups(self._schedule.folder)[self._schedule.keep :]:
            old.unlink(missing_ok=True)


def _ignore(_: int) -> None:
    pass


def backups(folder: Path) -> list[Path]:
    """Return the scheduled backups in the folder, newest first."""
    return sorted((path for path in folder.glob(f"showup-*{_SUFFIX}") if made_at(path) is not None), reverse=True)


def made_at(path: Path) -> datetime | None:
    """Return when a scheduled backup was made, by its name; None for another file."""
    try:
        return datetime.strptime(path.name.removesuffix(_SUFFIX).removeprefix("showup-"), _TIME).replace(tzinfo=UTC)
    except ValueError:
        return None


def is_due(schedule: Schedule, now: datetime) -> bool:
    """Return whether the newest backup is older than the schedule says, or there is none."""
    newest = next(iter(backups(schedule.folder)), None)
    made = made_at(newest) if newest is not None else None
    return made is None or now - made >= schedule.every
