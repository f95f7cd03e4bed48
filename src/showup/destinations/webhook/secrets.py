"""The secrets that outgoing webhooks are signed with, as Standard Webhooks writes them, and what they sign."""

import secrets
from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from standardwebhooks.webhooks import Webhook

_PREFIX: Final = "whsec_"
_BYTES: Final = 32


def make_secret() -> str:
    """A new one: `whsec_` and 32 bytes of chance in Base64."""
    return f"{_PREFIX}{b64encode(secrets.token_bytes(_BYTES)).decode()}"


def signed(secrets_in_force: Sequence[str], message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The headers that prove who sent the body, and when; one signature for each secret, the newest first."""
    text = body.decode()
    signatures = " ".join(Webhook(secret).sign(message_id, at, text) for secret in secrets_in_force)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signatures,
    }
