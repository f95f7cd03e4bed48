"""A text message as it comes from a renderer."""

from datetime import datetime

from msgspec import Struct


class TextMessage(Struct, frozen=True, kw_only=True):
    """`to` as E.164. `due_at`: none of ours is older than that; from `expires_at` on nobody needs it any more."""

    to: str
    body: str
    due_at: datetime
    expires_at: datetime
