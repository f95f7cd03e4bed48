"""Secrets and signatures of outgoing webhooks, in the form of Standard Webhooks."""

import secrets
from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from standardwebhooks.webhooks import Webhook

_PREFIX: Final = "whsec_"
_BYTES: Final = 32


def make_secret() -> str:
    """Returns a new secret: `whsec_` and 32 random bytes in Base64."""
    return f"{_PREFIX}{b64encode(secrets.token_bytes(_BYTES)).decode()}"


def sign_headers(active_secrets: Sequence[str], message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """Returns the signature headers, with the time; one signature for each secret, the newest first."""
    text = body.decode()
    signatures = " ".join(Webhook(secret).sign(message_id, at, text) for secret in active_secrets)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signatures,
    }
