"""An inbox event: the exact bytes as they arrived, and their outcome."""

import hashlib
from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID

from msgspec import Struct

Source: TypeAlias = Literal["calcom", "manual", "resend", "emailbison"]
"""Who speaks in the body: Cal.com, a person, Resend, or EmailBison. It decides how the body is read."""

Origin: TypeAlias = Literal["webhook", "reconcile", "backfill", "sample", "simulation", "manual"]
"""How the body came: sent to us, fetched from Cal.com's API, loaded as sample data, simulated, or by a person."""


class IncomingEvent(Struct, frozen=True, kw_only=True):
    """An event to be stored. `workspace_id` is None where the account's delivery routes decide first."""

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
        """Returns the SHA-256 of the exact bytes, by which two copies of a body count as one event."""
        return hashlib.sha256(self.body).digest()


class Stored(Struct, frozen=True, kw_only=True):
    """An inbox event that is stored in PostgreSQL. `duplicate_of`: the id of the first copy of a known body."""

    id: UUID
    duplicate_of: UUID | None = None
