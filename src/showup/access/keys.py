"""Create and hash API keys."""

import hashlib
import re
import secrets

PREFIX = "showup_"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._@+-]{0,62}")


def make_key() -> str:
    """Return a new key: 256 random bits after a prefix that secret scanners can recognise."""
    return PREFIX + secrets.token_urlsafe(32)


def is_key_name(text: str) -> bool:
    """Return whether a key can have this name, which logs and the audit log show: 63 plain characters at most."""
    return _NAME.fullmatch(text) is not None and text == text.strip()


def digest(key: str) -> bytes:
    """Return the SHA-256 of a key, 32 bytes: 256 random bits cannot be guessed, so a slow hash adds nothing."""
    return hashlib.sha256(key.encode()).digest()
