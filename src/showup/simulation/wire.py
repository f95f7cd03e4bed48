"""Outgoing webhooks: signed as Cal.com signs, addressed to one account's webhook endpoint."""

import hashlib
import hmac
from dataclasses import dataclass

from showup.sources.calcom.signature import sign_as_simulated

WEBHOOK_VERSION = "2021-10-20"


@dataclass(frozen=True, slots=True)
class TargetEndpoint:
    """The URL for one Cal.com account's webhooks, and the shared secret."""

    url: str
    secret: str


@dataclass(frozen=True, slots=True)
class OutgoingWebhook:
    """The exact bytes of one webhook and its endpoint; `simulated`: marked, so that Showup notifies nobody about it."""

    endpoint: TargetEndpoint
    body: bytes
    simulated: bool = False


def signed_headers(webhook: OutgoingWebhook) -> dict[str, str]:
    """Returns the headers as Cal.com sends them: the signature is hex, over exactly these bytes, with no prefix.

    A simulated webhook has a header more, which only the owner of the secret can write.
    """
    secret = webhook.endpoint.secret.encode()
    signature = hmac.new(secret, webhook.body, hashlib.sha256).hexdigest()
    mark = {"X-Showup-Simulated": sign_as_simulated(secret, webhook.body)} if webhook.simulated else {}
    return {
        "Content-Type": "application/json",
        "X-Cal-Signature-256": signature,
        "X-Cal-Webhook-Version": WEBHOOK_VERSION,
        **mark,
    }
