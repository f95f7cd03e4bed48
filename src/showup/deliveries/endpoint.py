"""An endpoint: where outgoing webhooks of a workspace go, what they are signed with, and why they may be held back."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from msgspec import Struct

from showup.deliveries.delivery import Lane

_PREFIX: Final = "webhook:"
GOOD_AFTER_ROTATION: Final = timedelta(hours=24)
"""How long a secret still signs, beside the new one, after it was rotated."""


class Endpoint(Struct, frozen=True, kw_only=True):
    """`paused_at`: since when nothing is sent, and `because` says why; what comes meanwhile waits."""

    id: UUID
    workspace_id: UUID
    url: str
    kinds: tuple[str, ...]
    description: str = ""
    paused_at: datetime | None = None
    because: str | None = None

    @property
    def lane(self) -> Lane:
        """What it is told."""
        return Lane(workspace_id=self.workspace_id, destination=destination_of(self.id))


class Secret(Struct, frozen=True, kw_only=True):
    """In the clear: never shown but when it is made. `until`: it is good until then; None: it is the newest."""

    text: str
    until: datetime | None = None


def destination_of(endpoint_id: UUID) -> str:
    """What the endpoint is called as a destination."""
    return f"{_PREFIX}{endpoint_id}"


def is_endpoint(destination: str) -> bool:
    """Whether a destination is an endpoint."""
    return destination.startswith(_PREFIX)


def endpoint_id_of(destination: str) -> UUID:
    """Which endpoint a destination is, if it is one. Raises ValueError."""
    return UUID(destination.removeprefix(_PREFIX))


def in_force(secrets: Sequence[Secret], now: datetime) -> list[str]:
    """Those that sign now, the newest first."""
    return [one.text for one in secrets if one.until is None or now < one.until]


def rotated(secrets: Sequence[Secret], fresh: str, now: datetime) -> list[Secret]:
    """With a fresh one in front; the one that was the newest stays good for a while, and what is over goes."""
    until = now + GOOD_AFTER_ROTATION
    kept = [Secret(text=one.text, until=one.until or until) for one in secrets if one.until is None or now < one.until]
    return [Secret(text=fresh), *kept]
