"""Secrets as the database keeps them: sealed with a key that the database never sees."""

import base64
import os
import secrets
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_FILE = "secret.key"


class Unsealable(Exception):
    """Something sealed can't be opened with the keys at hand; the text says what to do."""


class Seal:
    """Seals and opens bytes. Of several keys the first one seals, and each of them opens."""

    def __init__(self, keys: Iterable[str]) -> None:
        """`keys` are texts of any length and alphabet; one at least."""
        self._fernet = MultiFernet([Fernet(_fernet_key(key)) for key in keys])

    @classmethod
    def of(cls, keys: str) -> "Seal":
        """From comma-separated keys, as the setting gives them."""
        return cls(key.strip() for key in keys.split(",") if key.strip())

    def close(self, plain: bytes) -> bytes:
        """The sealed bytes; different ones each time."""
        return self._fernet.encrypt(plain)

    def open(self, sealed: bytes) -> bytes:
        """What was sealed. Raises Unsealable."""
        try:
            return self._fernet.decrypt(sealed)
        except InvalidToken:
            raise Unsealable(
                "it was sealed with a key that is not at hand; add that key to SHOWUP_SECRET_KEY "
                "after a comma, or set the credentials anew"
            ) from None


def kept_key(folder: Path) -> str:
    """The key that the data folder keeps, made at the first asking and readable by its owner alone.

    Raises OSError.
    """
    path = folder / KEY_FILE
    with suppress(FileNotFoundError):
        return path.read_text(encoding="ascii").strip()
    draft = folder / f"{KEY_FILE}.{os.getpid()}.{secrets.token_hex(4)}"
    draft.touch(mode=0o600, exist_ok=False)
    with draft.open("w", encoding="ascii") as file:
        file.write(f"{secrets.token_urlsafe(32)}\n")
        file.flush()
        os.fsync(file.fileno())
    # Whoever links first decides; unlike a rename it never replaces a key that has sealed something.
    try:
        with suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        draft.unlink()
    return path.read_text(encoding="ascii").strip()


def _fernet_key(key: str) -> bytes:
    derived = HKDF(SHA256(), length=32, salt=None, info=b"showup secrets at rest").derive(key.encode())
    return base64.urlsafe_b64encode(derived)
