"""An endpoint: the URL for a workspace's outgoing webhooks, its signing secrets, and why it may be paused."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from msgspec import Struct

from showup.outbox.delivery import DestinationQueue

_PREFIX: Final = "webhook:"
OLD_SECRET_SIGNS_FOR: Final = timedelta(hours=24)
"""How long the old secret still signs outgoing webhooks, beside the new one, after a rotation."""


class Endpoint(Struct, frozen=True, kw_only=True):
    """An endpoint. It has been paused since `paused_at`, and `because` is the reason; deliveries wait meanwhile."""

    id: UUID
    workspace_id: UUID
    url: str
    kinds: tuple[str, ...]
    description: str = ""
    paused_at: datetime | None = None
    because: str | None = None

    @property
    def queue(self) -> DestinationQueue:
        """Returns the endpoint's queue."""
        return DestinationQueue(workspace_id=self.workspace_id, destination=destination_of(self.id))


class Secret(Struct, frozen=True, kw_only=True):
    """A secret in plain text: shown only at creation. It is valid until `until`; None: it is the newest."""

    text: str
    until: datetime | None = None


def destination_of(endpoint_id: UUID) -> str:
    """Returns the endpoint's name as a destination."""
    return f"{_PREFIX}{endpoint_id}"


def is_endpoint(destination: str) -> bool:
    """Returns whether a destination is an endpoint."""
    return destination.startswith(_PREFIX)


def endpoint_id_of(destination: str) -> UUID:
    """Returns the endpoint id of a destination. Raises ValueError if it is not an endpoint."""
    return UUID(destination.removeprefix(_PREFIX))


def active_secrets(secrets: Sequence[Secret], now: datetime) -> list[str]:
    """Returns the secrets that sign now, the newest first."""
    return [one.text for one in secrets if one.until is None or now < one.until]


def rotated(secrets: Sequence[Secret], new_secret: str, now: datetime) -> list[Secret]:
    """Puts a new secret first; the previous one stays valid for a while, and expired ones are removed."""
    until = now + OLD_SECRET_SIGNS_FOR
    previous = [
        Secret(text=one.text, until=one.until or until) for one in secrets if one.until is None or now < one.until
    ]
    return [Secret(text=new_secret), *previous]
