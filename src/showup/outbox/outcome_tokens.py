"""Tokens of the links with which a host says how a meeting went (AP2)."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from showup.access.link_tokens import make_link_token, read_link_token
from showup.access.secrets_at_rest import Seal

_PURPOSE: Final = b"outcome "
VALID_FOR: Final = timedelta(days=14)
"""How long after the end of its meeting a link works."""


class OutcomeLink(Struct, frozen=True, kw_only=True, array_like=True):
    """The subject of a link: the host of a booking (their address), at the time that the message named."""

    workspace_id: UUID
    booking_id: UUID
    start_time: datetime
    host: str
    expires_at: datetime


_decoder: Final = msgspec.msgpack.Decoder(OutcomeLink)


def make_outcome_token(seal: Seal, request: OutcomeLink) -> str:
    """Return a token for a link to `/o/TOKEN`."""
    return make_link_token(seal, _PURPOSE, msgspec.msgpack.encode(request))


def read_outcome_token(seal: Seal, token: str) -> OutcomeLink | None:
    """Return the token's request, expired or not; None for a token that `make_outcome_token` did not make."""
    payload = read_link_token(seal, _PURPOSE, token)
    return None if payload is None else _decoder.decode(payload)
