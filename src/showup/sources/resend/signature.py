"""How Resend signs a webhook: Standard Webhooks, under the header names of Svix or the standard's own."""

import binascii
from collections.abc import Mapping
from typing import Final

from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook, WebhookVerificationError

_PARTS: Final = ("id", "timestamp", "signature")
_LONGEST_ID: Final = 255


def usable(secret: str) -> bool:
    """Whether the text is a secret that anybody can sign with: `whsec_` and Base64."""
    return _webhook(secret) is not None


def signed_id(body: bytes, headers: Mapping[str, str], secret: str) -> str | None:
    """Resend's id of what it sent, if the secret signed exactly these bytes; None otherwise.

    A signature is good for five minutes before and after its time, and what is sent again has the same id. The names of
    `headers` are in lower case.
    """
    given = _named(headers)
    if given is None or len(given["webhook-id"]) > _LONGEST_ID:
        return None
    return given["webhook-id"] if _signs(secret, body, given) else None


def _named(headers: Mapping[str, str]) -> dict[str, str] | None:
    for prefix in ("svix", "webhook"):
        found = {f"webhook-{part}": headers.get(f"{prefix}-{part}", "") for part in _PARTS}
        if all(found.values()):
            return found
    return None


def _signs(secret: str, body: bytes, headers: dict[str, str]) -> bool:
    webhook = _webhook(secret)
    if webhook is None:
        return False
    try:
        webhook.verify(body, headers, json_parse=False)
    except (WebhookVerificationError, ValueError, TypeError):
        # The library raises ValueError, too, for signatures that are not Base64 and bodies that are not UTF-8.
        return False
    return True


def _webhook(secret: str) -> Webhook | None:
    try:
        return Webhook(secret)
    except (EmptyWebhookSecretError, binascii.Error, ValueError):
        return None
