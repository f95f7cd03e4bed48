"""Verifies Resend's signatures: Standard Webhooks, with the header names of Svix or the standard."""

import binascii
from collections.abc import Mapping
from typing import Final

from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook, WebhookVerificationError

SIGNATURE_HEADERS: Final = ("svix-signature", "webhook-signature")
_PARTS: Final = ("id", "timestamp", "signature")
_MAX_ID_LENGTH: Final = 255


def is_usable_secret(secret: str) -> bool:
    """Returns whether the text is a usable signing secret: `whsec_` and Base64."""
    return _webhook(secret) is not None


def signed_id(body: bytes, headers: Mapping[str, str], secret: str) -> str | None:
    """Returns Resend's message id if the secret signed exactly these bytes; None otherwise.

    A signature is valid for five minutes before and after its time, and a repeat has the same id. The names of
    `headers` are in lower case.
    """
    signature_headers = _signature_headers(headers)
    if signature_headers is None or len(signature_headers["webhook-id"]) > _MAX_ID_LENGTH:
        return None
    return signature_headers["webhook-id"] if _is_signed(secret, body, signature_headers) else None


def _signature_headers(headers: Mapping[str, str]) -> dict[str, str] | None:
    for prefix in ("svix", "webhook"):
        found = {f"webhook-{part}": headers.get(f"{prefix}-{part}", "") for part in _PARTS}
        if all(found.values()):
            return found
    return None


def _is_signed(secret: str, body: bytes, headers: dict[str, str]) -> bool:
    webhook = _webhook(secret)
    if webhook is None:
        return False
    try:
        webhook.verify(body, headers, json_parse=False)
    except (WebhookVerificationError, ValueError, TypeError):
        # The library also raises ValueError for signatures that are not Base64 and bodies that are not UTF-8.
        return False
    return True


def _webhook(secret: str) -> Webhook | None:
    try:
        return Webhook(secret)
    except (EmptyWebhookSecretError, binascii.Error, ValueError):
        return None
