"""Credentials are sealed with a key that rotates and that the database never sees (AP6)."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from showup.access.secrets_at_rest import KEY_FILE, DecryptionError, Seal, load_or_create_key

OLD, NEW = "o" * 32, "n" * 32


def test_what_was_sealed_is_opened_and_looks_like_nothing_in_between() -> None:
    sealed = Seal.from_setting(OLD).encrypt(b"very secret")
    assert b"secret" not in sealed
    assert Seal.from_setting(OLD).decrypt(sealed) == b"very secret"


def test_after_a_rotation_the_first_key_seals_and_the_second_still_opens() -> None:
    rotated = Seal.from_setting(f"{NEW}, {OLD}")
    assert rotated.decrypt(Seal.from_setting(OLD).encrypt(b"x")) == b"x"
    assert Seal.from_setting(NEW).decrypt(rotated.encrypt(b"x")) == b"x"


def test_without_its_key_nothing_opens_and_the_fault_says_what_to_do() -> None:
    with pytest.raises(DecryptionError, match="SHOWUP_SECRET_KEY"):
        Seal.from_setting(NEW).decrypt(Seal.from_setting(OLD).encrypt(b"x"))


def test_the_folders_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    key = load_or_create_key(tmp_path)
    assert len(key) >= 32
    assert load_or_create_key(tmp_path) == key
    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600


def test_several_that_ask_at_once_get_the_same_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(load_or_create_key, [tmp_path] * 8))
    assert len(keys) == 1
    assert [path.name for path in tmp_path.iterdir()] == [KEY_FILE]
