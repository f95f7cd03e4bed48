"""A Cal.com account: who signs webhooks with which secret, and where their bookings go."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

DEFAULT = "default"
KEPT_FOR = timedelta(hours=24)
"""How long an old secret stays good after a rotation, unless said otherwise."""


class WebhookSecret(Struct, frozen=True):
    """One secret; `valid_until` of None means until it is rotated."""

    value: str
    valid_until: datetime | None = None


class Credentials(Struct, frozen=True, kw_only=True):
    """What the account's connection keeps sealed."""

    webhook_secrets: tuple[WebhookSecret, ...] = ()
    api_key: str | None = None


class Account(Struct, frozen=True, kw_only=True):
    """What the door asks of an account. `secrets` are those good at this moment, newest first.

    With routes, now or once, the workspace is found when the booking is read; `workspace_id` is where the rest goes.
    """

    id: UUID
    name: str
    workspace_id: UUID
    secrets: tuple[bytes, ...]
    has_routes: bool


def make_secret() -> str:
    """A new webhook secret: 256 bits of chance, safe to paste into any form."""
    return secrets.token_urlsafe(32)


def valid_secrets(among: Sequence[WebhookSecret], now: datetime) -> tuple[bytes, ...]:
    """Those good at `now`, in their order; never an empty one, by which anybody could sign."""
    good = (secret for secret in among if secret.valid_until is None or now < secret.valid_until)
    return tuple(secret.value.encode() for secret in good if secret.value.strip())


def rotated(before: Credentials, secret: str, *, now: datetime, kept_for: timedelta = KEPT_FOR) -> Credentials:
    """The same with a new secret first; older ones stay good for `kept_for` at most."""
    end = now + kept_for
    ends = [(old.value, min(old.valid_until or end, end)) for old in before.webhook_secrets]
    older = (WebhookSecret(value, until) for value, until in ends if value != secret and now < until)
    return Credentials(webhook_secrets=(WebhookSecret(secret), *older), api_key=before.api_key)
