"""Passwords are hashed so that a sign-in takes as long for an unknown address as for a known one."""

from argon2 import PasswordHasher, extract_parameters

from showup.access.passwords import UNKNOWN_HASH, PasswordHashes


async def test_an_unknown_address_costs_as_much_as_a_known_one() -> None:
    hashes = PasswordHashes()
    new = await hashes.make("a password of a teammate")
    assert extract_parameters(UNKNOWN_HASH) == extract_parameters(new)
    assert not PasswordHasher().check_needs_rehash(UNKNOWN_HASH)
    assert await hashes.is_correct(new, "a password of a teammate")
    assert not await hashes.is_correct(None, "a password of a teammate")
    # Even the password of this hash opens no account.
    assert not await hashes.is_correct(None, "no teammate has this password")
