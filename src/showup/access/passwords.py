"""Passwords of teammates: hashed with argon2id, with the parameters of RFC 9106 that argon2-cffi chooses."""

import asyncio
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_LENGTH: Final = 10
MAX_LENGTH: Final = 200
# Each hash takes 64 MiB: more at a time would let strangers take the machine's memory.
_AT_ONCE: Final = 2
_hasher: Final = PasswordHasher()
# Nobody's password. It is written here because hashing one at each start would take longer than all of this package.
UNKNOWN_HASH: Final = (
    "$argon2id$v=19$m=65536,t=3,p=4$L4scOXM/UeLr980Yrt/8Mw$jnX3LBDLBQt+Ic2My3Lqtshc74NynJCNDHT6LhRgEXk"
)


class PasswordHashes:
    """Hashes and verifies passwords in threads, a few at a time. One for each process."""

    def __init__(self) -> None:
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def make(self, password: str) -> str:
        """Return the encoded hash of a new password."""
        async with self._slots:
            return await asyncio.to_thread(_hasher.hash, password)

    async def is_correct(self, encoded: str | None, password: str) -> bool:
        """Return whether the password is that of the hash; without a hash, False after the same time.

        So the time of the answer does not tell whether an address has an account.
        """
        async with self._slots:
            is_correct = await asyncio.to_thread(_verify, encoded or UNKNOWN_HASH, password)
        return is_correct and encoded is not None


def password_fault(password: str, *, email: str, name: str) -> str | None:
    """Return how to write a password that is not accepted; None for one that is (NIST SP 800-63B, 3.1.1.2)."""
    if len(password) < MIN_LENGTH:
        return f"Use at least {MIN_LENGTH} characters. Four unrelated words are easy to remember."
    if len(password) > MAX_LENGTH:
        return f"Use at most {MAX_LENGTH} characters."
    lower = password.lower()
    if len(set(lower)) < 4 or lower in (email.lower(), name.lower(), email.partition("@")[0].lower()):
        return "This is too easy to guess. Use words that have nothing to do with you."
    return None


def _verify(encoded: str, password: str) -> bool:
    try:
        return _hasher.verify(encoded, password)
    except (VerificationError, InvalidHashError):
        return False
