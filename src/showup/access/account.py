"""A Cal.com account: its webhook secrets, and the workspace of its bookings."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

DEFAULT = "default"
SECRET_OVERLAP = timedelta(hours=24)
"""How long an old secret stays valid after a rotation by default."""


class WebhookSecret(Struct, frozen=True):
    """One secret; `valid_until` of None means until it is rotated."""

    value: str
    valid_until: datetime | None = None


class Credentials(Struct, frozen=True, kw_only=True):
    """The encrypted credentials of the account's connection."""

    webhook_secrets: tuple[WebhookSecret, ...] = ()
    api_key: str | None = None


class Account(Struct, frozen=True, kw_only=True):
    """An account as the webhook endpoint uses it. `secrets` are those valid now, newest first.

    If the account has or had routes, the booking's workspace is determined when the booking is read; all other events
    go to `workspace_id`.
    """

    id: UUID
    name: str
    workspace_id: UUID
    secrets: tuple[bytes, ...]
    has_routes: bool


MIN_SECRET_LENGTH = 16
"""A shorter webhook secret can be guessed offline by anyone who has seen one signed webhook."""


def make_secret() -> str:
    """Return a new webhook secret: 256 random bits, safe to paste into any form."""
    return secrets.token_urlsafe(32)


def valid_secrets(candidates: Sequence[WebhookSecret], now: datetime) -> tuple[bytes, ...]:
    """Return the secrets valid at `now`, in their order; never an empty one, with which anybody could sign."""
    valid = (secret for secret in candidates if secret.valid_until is None or now < secret.valid_until)
    return tuple(secret.value.encode() for secret in valid if secret.value.strip())


def rotate_credentials(
    current: Credentials, secret: str, *, now: datetime, overlap: timedelta = SECRET_OVERLAP
) -> Credentials:
    """Return the credentials with a new secret first; older ones stay valid for `overlap` at most."""
    end = now + overlap
    end_times = [(previous.value, min(previous.valid_until or end, end)) for previous in current.webhook_secrets]
    older_secrets = (
        WebhookSecret(value, valid_until) for value, valid_until in end_times if value != secret and now < valid_until
    )
    return Credentials(webhook_secrets=(WebhookSecret(secret), *older_secrets), api_key=current.api_key)
