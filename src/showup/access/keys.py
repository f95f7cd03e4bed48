"""Create and hash API keys."""

import hashlib
import secrets

PREFIX = "showup_"


def make_key() -> str:
    """Return a new key: 256 random bits after a prefix that secret scanners can recognise."""
    return PREFIX + secrets.token_urlsafe(32)


def digest(key: str) -> bytes:
    """Return the SHA-256 of a key, 32 bytes: 256 random bits cannot be guessed, so a slow hash adds nothing."""
    return hashlib.sha256(key.encode()).digest()
