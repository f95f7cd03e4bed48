"""A rendered text message."""

from datetime import datetime

from msgspec import Struct


class TextMessage(Struct, frozen=True, kw_only=True):
    """A text message; `to` is in E.164 form.

    No earlier message counts as this one if it is older than `due_at`; from `expires_at` on, the message is useless.
    """

    to: str
    body: str
    due_at: datetime
    expires_at: datetime
