"""Verifies Cal.com's signatures: lower-case hex HMAC-SHA256 of the exact body, without a prefix.

Source: Cal.com's `sendPayload.ts`, `createWebhookSignature`; recomputed on captured deliveries.
"""

import hmac
import re
from collections.abc import Iterable

_HEX = re.compile(rb"[0-9a-f]{64}")


def sign(secret: bytes, body: bytes) -> str:
    """Returns the signature that Cal.com sends for `body`: 64 lower-case hex digits."""
    return hmac.digest(secret, body, "sha256").hex()


def sign_as_simulated(secret: bytes, body: bytes) -> str:
    """Returns the mark that `body` is simulated, for the header `X-Showup-Simulated`.

    Cal.com never sends it, and cannot be made to: the key is derived from the secret, not the secret itself.
    """
    return sign(hmac.digest(secret, b"showup: simulated", "sha256"), body)


def is_signed_as_simulated(body: bytes, mark: bytes, secrets: Iterable[bytes]) -> bool:
    """Returns whether any of `secrets` made this mark for exactly these bytes."""
    matches = [hmac.compare_digest(sign_as_simulated(secret, body).encode(), mark) for secret in secrets if secret]
    return any(matches)


def is_signed(body: bytes, signature: bytes | None, secrets: Iterable[bytes]) -> bool:
    """Returns whether `signature` matches any of `secrets` for exactly these bytes.

    Everything that Cal.com never sends fails: no header, a `sha256=` prefix, upper-case digits, and its literal for "no
    secret". All secrets are always tried, so that the duration reveals nothing.
    """
    if signature is None or _HEX.fullmatch(signature) is None:
        return False
    matches = [hmac.compare_digest(sign(secret, body).encode(), signature) for secret in secrets if secret]
    return any(matches)
