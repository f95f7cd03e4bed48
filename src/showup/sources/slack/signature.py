"""How Slack signs a request: HMAC-SHA256 over its time and its exact body, with the app's signing secret."""

import hmac
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

GOOD_FOR: Final = timedelta(minutes=5)
"""How far the time that was signed may be from ours: what is older may be a copy that somebody kept."""

_LONGEST_STAMP: Final = 12


def is_signed(body: bytes, stamp: str, signature: str, secret: str, now: datetime) -> bool:
    """Whether the secret signed exactly these bytes, of late; `stamp` is the request's own time, in unix seconds."""
    if not secret or not stamp.isdecimal() or not stamp.isascii() or len(stamp) > _LONGEST_STAMP:
        return False
    if abs(now.timestamp() - int(stamp)) > GOOD_FOR.total_seconds():
        return False
    wanted = hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, sha256).hexdigest()
    return hmac.compare_digest(f"v0={wanted}".encode(), signature.encode())
