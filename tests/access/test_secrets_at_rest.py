"""Credentials are encrypted with a key that can be rotated and that the database does not contain (AP6)."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from showup.access.secrets_at_rest import KEY_FILE, DecryptionError, Seal, load_or_create_key

OLD, NEW = "o" * 32, "n" * 32


def test_an_encrypted_secret_is_unreadable_until_it_is_decrypted() -> None:
    sealed = Seal.from_setting(OLD).encrypt(b"very secret")
    assert b"secret" not in sealed
    assert Seal.from_setting(OLD).decrypt(sealed) == b"very secret"


def test_after_a_rotation_the_first_key_encrypts_and_the_second_still_decrypts() -> None:
    rotated = Seal.from_setting(f"{NEW}, {OLD}")
    assert rotated.decrypt(Seal.from_setting(OLD).encrypt(b"x")) == b"x"
    assert Seal.from_setting(NEW).decrypt(rotated.encrypt(b"x")) == b"x"


def test_a_missing_key_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(DecryptionError, match="SHOWUP_SECRET_KEY"):
        Seal.from_setting(NEW).decrypt(Seal.from_setting(OLD).encrypt(b"x"))


def test_the_folders_key_is_created_once_and_readable_only_by_its_owner(tmp_path: Path) -> None:
    key = load_or_create_key(tmp_path)
    assert len(key) >= 32
    assert load_or_create_key(tmp_path) == key
    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600


def test_concurrent_callers_get_the_same_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(load_or_create_key, [tmp_path] * 8))
    assert len(keys) == 1
    assert [path.name for path in tmp_path.iterdir()] == [KEY_FILE]
