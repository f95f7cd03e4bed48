"""Tokens of the links with which attendees say that they will come (TE14)."""

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from showup.access.link_tokens import make_link_token, read_link_token
from showup.access.secrets_at_rest import Seal

_PURPOSE: Final = b"confirm "


class Invitation(Struct, frozen=True, kw_only=True, array_like=True):
    """The subject of a link: an attendee of a booking, at the time that the mail named."""

    workspace_id: UUID
    booking_id: UUID
    start_time: datetime
    email: str


_decoder: Final = msgspec.msgpack.Decoder(Invitation)


def make_confirm_token(seal: Seal, invitation: Invitation) -> str:
    """Returns a token for a link to `/r/TOKEN`."""
    return make_link_token(seal, _PURPOSE, msgspec.msgpack.encode(invitation))


def read_confirm_token(seal: Seal, token: str) -> Invitation | None:
    """Returns the token's invitation; None for a token that `make_confirm_token` did not make."""
    payload = read_link_token(seal, _PURPOSE, token)
    return None if payload is None else _decoder.decode(payload)
