"""R7: a backup that is restored into an empty database gives the same state, and sends nothing twice."""

import shutil
import stat
import zipfile
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.backup.archive import BackupUnusable, open_archive
from showup.backup.create import BackupPlan, create_backup, read_manifest
from showup.backup.held_deliveries_store import NOT_SENT
from showup.backup.postgres_tools import ProgramFailed
from showup.backup.restore import finish_restore, restore_backup
from showup.database.migrate import upgrade
from tests.database_pool import with_database
from tests.histories.calcom_week import SAM, SARAH, Meeting, Week
from tests.histories.rebuild_check import rebuild_differences
from tests.histories.table_contents import WORKSPACE, apply_history

NOW = datetime(2026, 9, 7, 12, tzinfo=UTC)
KEY = "the key of the credentials, 40 characters"


@pytest.fixture
async def sample(engine: AsyncEngine) -> AsyncEngine:
    """A database with two bookings and their deals, mails and reminders."""
    week = Week()
    for name, email in (("alpha", SARAH), ("beta", SAM)):
        meeting = Meeting(week, name, [email], 2)
        meeting.create()
        meeting.reschedule()
    await apply_history(engine, week.received_bodies([]))
    return engine


@pytest.fixture
async def empty_url(postgres: str) -> AsyncIterator[str]:
    """The address of an empty database."""
    name = f"empty_{uuid4().hex}"
    driver = await asyncpg.connect(postgres)
    await driver.execute(f"CREATE DATABASE {name}")
    yield with_database(postgres, name)
    await driver.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await driver.close()


def plan(url: str, *, passphrase: str | None = None) -> BackupPlan:
    return BackupPlan(url=url, key=KEY, passphrase=passphrase, version="0.1.0")


async def back_up(engine: AsyncEngine, made_by: BackupPlan, path: Path) -> None:
    create_backup(made_by, await read_manifest(engine, made_by, NOW), path, ignore)


async def restore(path: Path, url: str, *, passphrase: str | None = None, now: datetime | None = None) -> None:
    with open_archive(path, passphrase) as archive:
        await restore_backup(url, archive, now=now, on_bytes=ignore)


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def ignore(_: int) -> None:
    pass


async def contents(url: str) -> dict[str, list[str]]:
    """Returns the rows of each table."""
    driver = await asyncpg.connect(url)
    try:
        names = await driver.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'showup' ORDER BY 1")
        return {
            name: [row[0] for row in await driver.fetch(f'SELECT t::text FROM showup."{name}" t ORDER BY 1')]  # noqa: S608
            for (name,) in names
        }
    finally:
        await driver.close()


@pytest.mark.parametrize("passphrase", [None, "correct horse battery staple"])
async def test_r7_a_restored_backup_has_equal_state(
    sample: AsyncEngine, database_url: str, empty_url: str, tmp_path: Path, passphrase: str | None
) -> None:
    path = tmp_path / "showup.backup"
    await back_up(sample, plan(database_url, passphrase=passphrase), path)
    await restore(path, empty_url, passphrase=passphrase)
    restored, original = await contents(empty_url), await contents(database_url)
    assert len(original["deliveries"]) > 3
    assert restored == original
    with open_archive(path, passphrase) as archive:
        assert archive.read_key() == KEY


async def test_r7_an_encrypted_backup_reveals_nothing(sample: AsyncEngine, database_url: str, tmp_path: Path) -> None:
    path = tmp_path / "showup.backup"
    await back_up(sample, plan(database_url, passphrase="secret"), path)
    content = path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert KEY.encode() not in content
    with zipfile.ZipFile(path) as archive:
        assert archive.read("database.dump.age").startswith(b"age-encryption.org/v1")
        assert b"PGDMP" not in archive.read("database.dump.age")
    for wrong in (None, "Secret", ""):
        with pytest.raises(BackupUnusable, match="SHOWUP_BACKUP_PASSPHRASE"), open_archive(path, wrong):
            pass


async def _deliveries(url: str) -> dict[str, set[str | None]]:
    driver = await asyncpg.connect(url)
    try:
        rows = await driver.fetch("SELECT state, because FROM showup.deliveries")
        return {state: {row["because"] for row in rows if row["state"] == state} for state, _ in rows}
    finally:
        await driver.close()


async def test_r7_what_was_due_before_the_restore_is_not_sent_again(
    sample: AsyncEngine, database_url: str, empty_url: str, tmp_path: Path
) -> None:
    path = tmp_path / "showup.backup"
    await back_up(sample, plan(database_url), path)
    before = await _deliveries(database_url)
    assert "scheduled" in before
    await restore(path, empty_url, now=NOW + timedelta(days=1))
    after = await _deliveries(empty_url)
    assert NOT_SENT in after["skipped"]
    # Reminders of a meeting that is still ahead stay planned.
    assert "scheduled" in after
    driver = await asyncpg.connect(empty_url)
    due = "SELECT count(*) FROM showup.deliveries WHERE state IN ('scheduled', 'sending') AND due_at <= $1"
    assert await driver.fetchval(due, NOW + timedelta(days=1)) == 0
    await driver.close()


async def test_r7_a_restore_that_dies_before_it_skips_deliveries_is_finished_by_the_next_start(
    sample: AsyncEngine, database_url: str, empty_url: str, tmp_path: Path
) -> None:
    path = tmp_path / "showup.backup"
    await back_up(sample, plan(database_url), path)
    driver = await asyncpg.connect(empty_url)
    # As it is left after a kill: the note is written, the dump is restored.
    await driver.execute("CREATE SCHEMA showup_restore; CREATE TABLE showup_restore.restores (due_before timestamptz)")
    await driver.execute("INSERT INTO showup_restore.restores VALUES ($1)", NOW + timedelta(days=1))
    with open_archive(path, None) as archive:
        await restore_backup_keeping_note(empty_url, archive)
    assert await finish_restore(empty_url) > 0
    assert await finish_restore(empty_url) == 0
    assert NOT_SENT in (await _deliveries(empty_url))["skipped"]
    await driver.close()


async def restore_backup_keeping_note(url: str, archive: object) -> None:
    from showup.backup import postgres_tools

    with postgres_tools.restore(url, ignore) as dump:
        archive.read_dump(dump)  # type: ignore[attr-defined]


async def test_r7_a_restored_log_rebuilds_to_the_restored_state(
    sample: AsyncEngine, database_url: str, tmp_path: Path
) -> None:
    path = tmp_path / "showup.backup"
    await back_up(sample, plan(database_url), path)
    driver = await asyncpg.connect(database_url)
    await driver.execute("DROP SCHEMA showup CASCADE")
    await restore(path, database_url, now=NOW + timedelta(days=1))
    assert await rebuild_differences(sample) == []
    assert await driver.fetchval("SELECT count(*) FROM showup.workspaces WHERE id = $1", WORKSPACE) == 1
    await driver.close()


async def test_r7_a_restore_replaces_nothing(sample: AsyncEngine, database_url: str, tmp_path: Path) -> None:
    path = tmp_path / "showup.backup"
    await back_up(sample, plan(database_url), path)
    before = await contents(database_url)
    with pytest.raises(BackupUnusable, match="already contains data"):
        await restore(path, database_url)
    assert await contents(database_url) == before


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 8] = bytes(255 - byte for byte in content[middle : middle + 8])
    path.write_bytes(content)


def _other_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("letter.txt", "Hello")


def _newer(path: Path) -> None:
    shutil.copy(path, path.with_suffix(".old"))
    with zipfile.ZipFile(path.with_suffix(".old")) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, content.replace(b'"revision": "0', b'"revision": "9'))


@pytest.mark.parametrize(
    ("damage", "says", "passphrase"),
    [
        (_cut, "damaged", None),
        (_flip, "damaged", None),
        (_flip, "damaged", "secret"),
        (_other_zip, "not a backup", None),
        (_newer, "newer one", None),
    ],
)
async def test_r7_a_file_that_is_not_a_whole_backup_changes_nothing(
    sample: AsyncEngine,
    database_url: str,
    empty_url: str,
    tmp_path: Path,
    damage: Callable[[Path], None],
    says: str,
    passphrase: str | None,
) -> None:
    path = tmp_path / "showup.backup"
    await back_up(sample, plan(database_url, passphrase=passphrase), path)
    damage(path)
    with pytest.raises((BackupUnusable, ProgramFailed), match=says):
        await restore(path, empty_url, passphrase=passphrase)
    assert await contents(empty_url) == {}
    # Nothing in the way: the database can still be used.
    await upgrade(empty_url)


async def test_r7_a_failed_backup_leaves_no_file(sample: AsyncEngine, database_url: str, tmp_path: Path) -> None:
    manifest = await read_manifest(sample, plan(database_url), NOW)
    with pytest.raises(ProgramFailed, match="does not exist"):
        create_backup(plan(with_database(database_url, "missing")), manifest, tmp_path / "showup.backup", ignore)
    assert names_in(tmp_path) == []
