"""A webhook on the wire: signed as Cal.com signs, addressed to one account's door."""

import hashlib
import hmac
from dataclasses import dataclass

WEBHOOK_VERSION = "2021-10-20"


@dataclass(frozen=True, slots=True)
class Door:
    """Where one Cal.com account's webhooks go, and the secret that both sides know."""

    url: str
    secret: str


@dataclass(frozen=True, slots=True)
class Outgoing:
    """The exact bytes of one webhook and the door that they go to."""

    door: Door
    body: bytes


def headers(outgoing: Outgoing) -> dict[str, str]:
    """As Cal.com sends them: the signature is hex, over exactly these bytes, with no prefix."""
    signature = hmac.new(outgoing.door.secret.encode(), outgoing.body, hashlib.sha256).hexdigest()
    return {
        "Content-Type": "application/json",
        "X-Cal-Signature-256": signature,
        "X-Cal-Webhook-Version": WEBHOOK_VERSION,
    }
