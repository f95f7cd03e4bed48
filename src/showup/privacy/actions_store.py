"""The record of exports, erasures, retention and key rotations: who, when and how much, never whose data."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID

import asyncpg
import msgspec
from uuid_utils.compat import uuid7

PrivacyActionKind: TypeAlias = Literal["exported", "erasure_requested", "erased", "retention", "secrets_rotated"]


async def add(  # each by its name
    connection: asyncpg.Connection,
    what: PrivacyActionKind,
    *,
    workspace_id: UUID | None,
    actor: str,
    at: datetime,
    counts: Mapping[str, int],
) -> None:
    """Records one action."""
    await connection.execute(
        "INSERT INTO privacy_actions (id, workspace_id, at, actor, what, counts) "
        "VALUES ($1, $2, $3, $4, $5, $6::jsonb)",
        uuid7(),
        workspace_id,
        at,
        actor,
        what,
        msgspec.json.encode(counts).decode(),
    )
