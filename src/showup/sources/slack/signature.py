"""Verifies Slack's signatures: HMAC-SHA256 over time and exact body, with the app's signing secret."""

import hmac
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

SIGNATURE_TOLERANCE: Final = timedelta(minutes=5)
"""The largest allowed difference between the signed time and now: an older request may be a replay attack."""

_MAX_TIMESTAMP_LENGTH: Final = 12


def is_signed(body: bytes, timestamp: str, signature: str, secret: str, now: datetime) -> bool:
    """Returns whether the secret signed exactly these bytes recently; `timestamp` is in Unix seconds."""
    if not secret or not timestamp.isdecimal() or not timestamp.isascii() or len(timestamp) > _MAX_TIMESTAMP_LENGTH:
        return False
    if abs(now.timestamp() - int(timestamp)) > SIGNATURE_TOLERANCE.total_seconds():
        return False
    expected = hmac.new(secret.encode(), b"v0:" + timestamp.encode() + b":" + body, sha256).hexdigest()
    return hmac.compare_digest(f"v0={expected}".encode(), signature.encode())
