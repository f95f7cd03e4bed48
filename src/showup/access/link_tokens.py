"""Tokens of links in mails: sealed, so that they reveal nothing and can't be guessed.

A token does not expire by itself. Removing a key from SHOWUP_SECRET_KEY invalidates the links that were made with it.
"""

from showup.access.secrets_at_rest import DecryptionError, Seal


def make_link_token(seal: Seal, purpose: bytes, payload: bytes) -> str:
    """Return a token of letters, digits, `-` and `_`; a different one each time."""
    return seal.encrypt(purpose + payload).decode().rstrip("=")


def read_link_token(seal: Seal, purpose: bytes, token: str) -> bytes | None:
    """Return the token's payload; None unless it was made for this purpose with a key that still exists."""
    if not token.isascii():
        return None
    padding = "=" * (-len(token) % 4)
    try:
        plaintext = seal.decrypt(f"{token}{padding}".encode())
    except DecryptionError:
        return None
    # Other values are sealed with the same key, and none of them must be accepted as a link.
    return plaintext.removeprefix(purpose) if plaintext.startswith(purpose) else None
