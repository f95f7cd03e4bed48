"""Outgoing webhooks: signed as Cal.com signs, addressed to one account's webhook endpoint."""

import hashlib
import hmac
from dataclasses import dataclass

WEBHOOK_VERSION = "2021-10-20"


@dataclass(frozen=True, slots=True)
class TargetEndpoint:
    """The URL for one Cal.com account's webhooks, and the shared secret."""

    url: str
    secret: str


@dataclass(frozen=True, slots=True)
class OutgoingWebhook:
    """The exact bytes of one webhook and its endpoint."""

    endpoint: TargetEndpoint
    body: bytes


def signed_headers(webhook: OutgoingWebhook) -> dict[str, str]:
    """Returns the headers as Cal.com sends them: the signature is hex, over exactly these bytes, with no prefix."""
    signature = hmac.new(webhook.endpoint.secret.encode(), webhook.body, hashlib.sha256).hexdigest()
    return {
        "Content-Type": "application/json",
        "X-Cal-Signature-256": signature,
        "X-Cal-Webhook-Version": WEBHOOK_VERSION,
    }
