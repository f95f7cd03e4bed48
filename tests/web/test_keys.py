"""API keys: create, find, list and revoke them, and cache them briefly."""

from datetime import timedelta

import pytest
from sqlalchemy import LargeBinary, cast, func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.access import keys_store
from showup.access.keyring import CACHED_FOR, Keyring
from showup.access.keys import digest, make_key
from showup.access.permission import SCOPES, Permission, Scope
from showup.database.engine import transaction
from showup.database.tables import api_keys
from tests.web.sample_data import NOW, full_sample_data, id_of


@pytest.mark.parametrize(("key_scope", "covers"), [("read", 1), ("write", 2), ("admin", 3)])
def test_each_scope_includes_those_before_it(key_scope: Scope, covers: int) -> None:
    permission = Permission(actor="key:x", scope=key_scope, workspace_id=None)
    assert [permission.allows(scope) for scope in SCOPES] == [index < covers for index in range(3)]


def test_a_permission_for_one_workspace_sees_no_other() -> None:
    ours, theirs = id_of("ours"), id_of("theirs")
    everywhere = Permission(actor="admin", scope="admin", workspace_id=None)
    assert everywhere.can_see(ours)
    assert everywhere.limited_to(ours).can_see(ours)
    assert not everywhere.limited_to(ours).can_see(theirs)


def test_keys_are_random_after_the_prefix() -> None:
    keys = {make_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(key.startswith("showup_") and len(key) == len("showup_") + 43 for key in keys)
    assert {len(digest(key)) for key in keys} == {32}


async def test_a_key_is_stored_as_its_digest_only(engine: AsyncEngine) -> None:
    async with transaction(engine) as tx:
        key = await keys_store.create(tx, name="ci", scope="write", workspace_id=None, now=NOW)
        assert await keys_store.find(tx, digest(key)) == Permission(actor="key:ci", scope="write", workspace_id=None)
        row = (await tx.execute(select(api_keys))).one()
        assert key not in str(row)
        hashed = func.sha256(cast(key.encode(), LargeBinary))
        assert await tx.scalar(select(hashed)) == row.digest


async def test_a_key_name_is_unique(engine: AsyncEngine) -> None:
    async with transaction(engine) as tx:
        await keys_store.create(tx, name="ci", scope="read", workspace_id=None, now=NOW)
        await keys_store.revoke(tx, "ci", now=NOW)
        with pytest.raises(keys_store.KeyNameTaken, match="Choose another"):
            await keys_store.create(tx, name="ci", scope="read", workspace_id=None, now=NOW)
        assert [key.name for key in await keys_store.list_keys(tx)] == ["ci"]


async def test_a_revoked_key_opens_nothing_after_a_moment(engine: AsyncEngine) -> None:
    await full_sample_data().insert_into(engine)
    now = NOW
    keyring = Keyring(engine, lambda: now, admin_key=None)
    async with transaction(engine) as tx:
        key = await keys_store.create(tx, name="ci", scope="read", workspace_id=id_of("ours"), now=NOW)
    assert (permission := await keyring.find_permission(key)) is not None
    assert permission.workspace_id == id_of("ours")
    async with transaction(engine) as tx:
        assert await keys_store.revoke(tx, "ci", now=NOW)
        assert not await keys_store.revoke(tx, "ci", now=NOW)
    now += CACHED_FOR + timedelta(seconds=1)
    assert await keyring.find_permission(key) is None


async def test_an_empty_admin_key_is_none(engine: AsyncEngine) -> None:
    assert await Keyring(engine, lambda: NOW, admin_key="").find_permission("") is None
