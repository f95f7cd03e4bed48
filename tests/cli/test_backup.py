"""R7: `showup backup` and `showup restore`, as a person moves to another machine or folder."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from tests.cli.conftest import Showup
from tests.conftest import RUN_FOLDER


@pytest.fixture
def folder(request: pytest.FixtureRequest) -> Path:
    """A folder that PostgreSQL's account can enter too."""
    folder = request.config.stash[RUN_FOLDER] / uuid4().hex[:8]
    folder.mkdir()
    return folder


def test_r7_a_backup_of_the_embedded_database_moves_everything(showup: Showup, folder: Path) -> None:
    old = {"DATABASE_URL": "", "SHOWUP_SECRET_KEY": "", "SHOWUP_DATA_DIR": str(folder / "old")}
    new = old | {"SHOWUP_DATA_DIR": str(folder / "new")}
    added = showup("accounts", "add", "acme", **old)
    assert added.code == 0, added.error
    made = showup("backup", str(folder / "showup.backup"), **old)
    assert (made.code, "not encrypted" in made.out) == (0, True), made.error
    again = showup("backup", str(folder / "showup.backup"), **old)
    assert (again.code, "Choose another name" in again.error) == (1, True)
    restored = showup("restore", str(folder / "showup.backup"), **new)
    assert (restored.code, restored.out.startswith("Restored the state of ")) == (0, True), restored.error
    assert (folder / "new" / "secret.key").read_text() == (folder / "old" / "secret.key").read_text()
    assert "acme" in showup("accounts", "list", **new).out
    twice = showup("restore", str(folder / "showup.backup"), **new)
    assert (twice.code, "already contains data" in twice.error) == (1, True)


def test_r7_the_key_of_another_database_stays_with_its_operator(ready: Showup, folder: Path) -> None:
    path = str(folder / "showup.backup")
    made = ready("backup", path, "--json", SHOWUP_BACKUP_PASSPHRASE="a passphrase")
    assert (made.code, made.json["encrypted"]) == (0, True), made.error
    assert "SHOWUP_BACKUP_PASSPHRASE" in ready("restore", path).error
    refused = ready("restore", path, SHOWUP_BACKUP_PASSPHRASE="a passphrase")
    assert (refused.code, "already contains data" in refused.error) == (1, True)
    new = {"DATABASE_URL": "", "SHOWUP_SECRET_KEY": "", "SHOWUP_DATA_DIR": str(folder / "new")}
    keyless = ready("restore", path, SHOWUP_BACKUP_PASSPHRASE="a passphrase", **new)
    assert (keyless.code, "Set SHOWUP_SECRET_KEY" in keyless.error) == (1, True)


def test_r7_a_missing_file_is_reported(showup: Showup) -> None:
    result = showup("restore", "missing.backup")
    assert (result.code, result.error) == (1, "Nothing was restored. There is no file missing.backup.\n")


def test_r7_the_doctor_knows_the_newest_scheduled_backup(ready: Showup, tmp_path: Path) -> None:
    config = tmp_path / "showup.toml"
    config.write_text(f'[backup]\nfolder = "{tmp_path}"\n')
    now = datetime.now(UTC)

    def state() -> list[str]:
        results = ready("doctor", "--json", SHOWUP_CONFIG=str(config)).json
        return [row["state"] for row in results if row["subject"] == "backups"]

    assert state() == ["warn"]
    (tmp_path / f"showup-{now - timedelta(hours=26):%Y-%m-%dT%H%M%SZ}.backup").touch()
    assert state() == ["warn"]
    (tmp_path / f"showup-{now - timedelta(hours=2):%Y-%m-%dT%H%M%SZ}.backup").touch()
    assert state() == ["ok"]
