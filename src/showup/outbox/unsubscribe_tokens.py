"""Tokens of unsubscribe links."""

from typing import Final
from uuid import UUID

from msgspec import Struct

from showup.access.link_tokens import make_link_token, read_link_token
from showup.access.secrets_at_rest import Seal
from showup.values.email_address import normalize_email

_PURPOSE: Final = b"unsubscribe "
_WORKSPACE_BYTES: Final = 16


class Subscriber(Struct, frozen=True, kw_only=True):
    """The subject of a link: an address, in one workspace."""

    workspace_id: UUID
    email: str


def make_token(seal: Seal, workspace_id: UUID, email: str) -> str:
    """Returns a token for a link to `/unsubscribe/TOKEN`."""
    return make_link_token(seal, _PURPOSE, workspace_id.bytes + normalize_email(email).encode())


def read_token(seal: Seal, token: str) -> Subscriber | None:
    """Returns the token's subscriber; None for a token that `make_token` did not make."""
    payload = read_link_token(seal, _PURPOSE, token)
    if payload is None:
        return None
    return Subscriber(workspace_id=UUID(bytes=payload[:_WORKSPACE_BYTES]), email=payload[_WORKSPACE_BYTES:].decode())
