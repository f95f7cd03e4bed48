"""The token of an unsubscribe link: whose mail it stops, sealed, so that it tells others nothing and is nobody's guess.

It has no end. Whoever takes a key out of SHOWUP_SECRET_KEY takes the links out of use that were made with it.
"""

from typing import Final
from uuid import UUID

from msgspec import Struct

from showup.access.secrets_at_rest import Seal, Unsealable

# Other things are sealed with the same key, and none of them may pass for a link.
_MARK: Final = b"unsubscribe "
_WORKSPACE_BYTES: Final = 16


class Subscriber(Struct, frozen=True, kw_only=True):
    """Whom a link is for: an address, in one workspace."""

    workspace_id: UUID
    email: str


def make_token(seal: Seal, workspace_id: UUID, email: str) -> str:
    """The token for a link to `/unsubscribe/TOKEN`: letters, digits, `-` and `_`; another one each time."""
    plain = _MARK + workspace_id.bytes + email.strip().lower().encode()
    return seal.close(plain).decode().rstrip("=")


def read_token(seal: Seal, token: str) -> Subscriber | None:
    """Whom the token is for; None for anything that `make_token` has not made with a key that is still there."""
    if not token.isascii():
        return None
    padding = "=" * (-len(token) % 4)
    try:
        plain = seal.open(f"{token}{padding}".encode())
    except Unsealable:
        return None
    if not plain.startswith(_MARK):
        return None
    named = plain[len(_MARK) :]
    return Subscriber(workspace_id=UUID(bytes=named[:_WORKSPACE_BYTES]), email=named[_WORKSPACE_BYTES:].decode())
