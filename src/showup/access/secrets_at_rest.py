"""Encrypt secrets for the database with a key that is not stored in the database."""

import base64
import os
import secrets
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_FILE = "secret.key"


class DecryptionError(Exception):
    """Encrypted data cannot be decrypted with the available keys; the text says what to do."""


class Seal:
    """Encrypts and decrypts bytes. The first key encrypts; every key can decrypt."""

    def __init__(self, keys: Iterable[str]) -> None:
        """Create a seal. `keys` are texts of any length and alphabet; at least one is required."""
        fernets = [Fernet(_derive_fernet_key(key)) for key in keys]
        self._newest = fernets[0] if fernets else None
        self._fernet = MultiFernet(fernets)

    @classmethod
    def from_setting(cls, keys: str) -> "Seal":
        """Create a seal from comma-separated keys, as given in the setting."""
        return cls(key.strip() for key in keys.split(",") if key.strip())

    def encrypt(self, plaintext: bytes) -> bytes:
        """Return the encrypted bytes; they differ with each call."""
        return self._fernet.encrypt(plaintext)

    def decrypt(self, ciphertext: bytes) -> bytes:
        """Return the decrypted bytes. Raises DecryptionError."""
        try:
            return self._fernet.decrypt(ciphertext)
        except InvalidToken:
            raise DecryptionError(
                "the credentials were encrypted with a key that Showup does not have; "
                "add that key to SHOWUP_SECRET_KEY after a comma, or set the credentials again"
            ) from None

    def encrypt_again(self, ciphertext: bytes) -> bytes | None:
        """Return the bytes encrypted with the first key; None if they are. Raises DecryptionError."""
        assert self._newest is not None, "MultiFernet refuses an empty list"
        with suppress(InvalidToken):
            self._newest.decrypt(ciphertext)
            return None
        return self.encrypt(self.decrypt(ciphertext))


def replace_keys(folder: Path, keys: Sequence[str]) -> None:
    """Write these keys into the data folder, the newest first, all at once or not at all. Raises OSError."""
    draft = _write_draft(folder, ",".join(keys))
    draft.replace(folder / KEY_FILE)


def load_or_create_key(folder: Path, new_key: str | None = None) -> str:
    """Return the key in the data folder; create it if missing, readable only by its owner: `new_key`, or a random one.

    Raises OSError.
    """
    path = folder / KEY_FILE
    with suppress(FileNotFoundError):
        return path.read_text(encoding="ascii").strip()
    draft = _write_draft(folder, new_key or secrets.token_urlsafe(32))
    # The process that links first wins; unlike a rename, a link never replaces a key that has encrypted something.
    try:
        with suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        draft.unlink()
    return path.read_text(encoding="ascii").strip()


def _write_draft(folder: Path, keys: str) -> Path:
    draft = folder / f"{KEY_FILE}.{os.getpid()}.{secrets.token_hex(4)}"
    draft.touch(mode=0o600, exist_ok=False)
    with draft.open("w", encoding="ascii") as file:
        file.write(f"{keys}\n")
        file.flush()
        os.fsync(file.fileno())
    return draft


def _derive_fernet_key(key: str) -> bytes:
    derived = HKDF(SHA256(), length=32, salt=None, info=b"showup secrets at rest").derive(key.encode())
    return base64.urlsafe_b64encode(derived)
