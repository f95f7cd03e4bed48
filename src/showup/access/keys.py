"""API keys: how one is made, and what is kept of it."""

import hashlib
import secrets

PREFIX = "showup_"


def make_key() -> str:
    """A new key, 256 bits of chance behind a prefix that secret scanners can recognise."""
    return PREFIX + secrets.token_urlsafe(32)


def digest(key: str) -> bytes:
    """SHA-256 of a key, 32 bytes: nobody guesses 256 bits, so a slow hash would protect no better."""
    return hashlib.sha256(key.encode()).digest()
