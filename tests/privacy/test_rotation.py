"""RU5: all stored secrets get a new key; an interrupted rotation continues, and the old key works until it is done."""

from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.access.secret_rotation_store import ENCRYPTED, rotate
from showup.access.secrets_at_rest import DecryptionError, Seal, load_or_create_key, replace_keys
from showup.database.engine import transaction
from showup.database.tables import connections

OLD, NEW = "o" * 40, "n" * 40


async def secrets_of(engine: AsyncEngine) -> list[bytes]:
    async with transaction(engine) as tx:
        query = select(connections.c.credentials).where(connections.c.credentials.is_not(None))
        return [row[0] for row in await tx.execute(query.order_by(connections.c.id))]


async def test_ru5_a_rotation_encrypts_everything_again_and_continues(engine: AsyncEngine, workspace: UUID) -> None:
    old, both, new = Seal([OLD]), Seal([NEW, OLD]), Seal([NEW])
    async with transaction(engine) as tx:
        for number in range(150):
            row = {"id": uuid4(), "workspace_id": workspace, "kind": "resend", "name": f"mail-{number}"}
            await tx.execute(insert(connections).values(row | {"credentials": old.encrypt(b"secret")}))

    def die(_: int) -> None:
        raise RuntimeError("the process dies after the first page")

    with pytest.raises(RuntimeError):
        await rotate(engine, both, die)
    assert {both.decrypt(one) for one in await secrets_of(engine)} == {b"secret"}
    assert await rotate(engine, both) == 50
    assert {new.decrypt(one) for one in await secrets_of(engine)} == {b"secret"}
    assert await rotate(engine, both) == 0
    with pytest.raises(DecryptionError):
        await rotate(engine, Seal(["another key of the wrong server " * 2]))


def test_ru5_every_encrypted_table_has_one_key_column() -> None:
    from showup.database.tables import metadata

    for name in ENCRYPTED:
        assert len(metadata.tables[name].primary_key.columns) == 1, name


def test_the_key_file_is_replaced_at_once(tmp_path: Path) -> None:
    old = load_or_create_key(tmp_path)
    replace_keys(tmp_path, [NEW, old])
    assert load_or_create_key(tmp_path) == f"{NEW},{old}"
    assert [path.name for path in tmp_path.iterdir()] == ["secret.key"]
    assert (tmp_path / "secret.key").stat().st_mode & 0o777 == 0o600
