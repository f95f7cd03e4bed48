"""R7: the present code upgrades the database of every release, and loses nothing.

CONTRIBUTING.md says how the file of a release is made.
"""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from showup.backup.archive import open_archive
from showup.backup.restore import restore_backup
from showup.database.engine import connect
from showup.database.migrate import find_drift
from tests.database.release_backup import FOLDER, WORKSPACE, counts
from tests.database_pool import with_database
from tests.privacy.conftest import assert_consistent

BACKUPS = sorted(FOLDER.glob("*.backup"))


@pytest.fixture(params=BACKUPS, ids=lambda path: path.stem)
async def upgraded(request: pytest.FixtureRequest, postgres: str) -> AsyncIterator[tuple[Path, str]]:
    """The file of a release, and the database that was restored from it and migrated."""
    name = f"upgraded_{uuid4().hex}"
    driver = await asyncpg.connect(postgres)
    await driver.execute(f"CREATE DATABASE {name}")
    url = with_database(postgres, name)
    with open_archive(request.param, None) as archive:
        await restore_backup(url, archive, now=None, on_bytes=lambda _: None)
    yield request.param, url
    await driver.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await driver.close()


async def test_a_release_is_upgraded_with_all_its_data(upgraded: tuple[Path, str]) -> None:
    path, url = upgraded
    assert await find_drift(url) == []
    engine = connect(url)
    try:
        expected = json.loads(path.with_suffix(".json").read_text())
        actual = await counts(engine)
        assert {name: actual.get(name) for name in expected} == expected
        # `verify` and `rebuild --check`.
        await assert_consistent(engine, WORKSPACE)
    finally:
        await engine.dispose()
