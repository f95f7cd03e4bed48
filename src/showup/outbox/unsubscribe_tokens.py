"""Tokens of unsubscribe links: sealed, so that they reveal no address and can't be guessed.

A token does not expire. Removing a key from SHOWUP_SECRET_KEY invalidates the links that were made with it.
"""

from typing import Final
from uuid import UUID

from msgspec import Struct

from showup.access.secrets_at_rest import DecryptionError, Seal
from showup.values.email_address import normalize_email

# Other values are sealed with the same key, and none of them must be accepted as a link.
_PREFIX: Final = b"unsubscribe "
_WORKSPACE_BYTES: Final = 16


class Subscriber(Struct, frozen=True, kw_only=True):
    """The subject of a link: an address, in one workspace."""

    workspace_id: UUID
    email: str


def make_token(seal: Seal, workspace_id: UUID, email: str) -> str:
    """Returns a token for a link to `/unsubscribe/TOKEN`: letters, digits, `-` and `_`; a different one each time."""
    plaintext = _PREFIX + workspace_id.bytes + normalize_email(email).encode()
    return seal.encrypt(plaintext).decode().rstrip("=")


def read_token(seal: Seal, token: str) -> Subscriber | None:
    """Returns the token's subscriber; None unless `make_token` made it with a key that still exists."""
    if not token.isascii():
        return None
    padding = "=" * (-len(token) % 4)
    try:
        plaintext = seal.decrypt(f"{token}{padding}".encode())
    except DecryptionError:
        return None
    if not plaintext.startswith(_PREFIX):
        return None
    payload = plaintext[len(_PREFIX) :]
    return Subscriber(workspace_id=UUID(bytes=payload[:_WORKSPACE_BYTES]), email=payload[_WORKSPACE_BYTES:].decode())
