"""A raw event: the exact bytes that reached us, and what became of them."""

import hashlib
from datetime import datetime
from typing import Final, Literal, TypeAlias
from uuid import UUID

from msgspec import Struct

Origin: TypeAlias = Literal["webhook", "reconcile", "backfill", "sample", "hand", "resend"]
# What people did here, and what Resend says of our mails; all others come from a Cal.com account.
BY_HAND: Final = "hand"
FROM_RESEND: Final = "resend"


class Incoming(Struct, frozen=True, kw_only=True):
    """What is to be kept. `workspace_id` is None where the account's routes have to decide first."""

    account_id: UUID
    workspace_id: UUID | None
    body: bytes
    received_at: datetime
    origin: Origin = "webhook"
    content_type: str | None = None
    webhook_version: str | None = None
    source_address: str | None = None

    @property
    def digest(self) -> bytes:
        """What makes two copies of a body one event: the SHA-256 of the exact bytes."""
        return hashlib.sha256(self.body).digest()


class Kept(Struct, frozen=True, kw_only=True):
    """A raw event that is in PostgreSQL. `duplicate_of`: the id of the first copy, for a body we had already."""

    id: UUID
    duplicate_of: UUID | None = None
