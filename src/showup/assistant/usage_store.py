"""The kill switch and the budgets of assistants: read from the database in every call, so that they hold at once."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from msgspec import Struct
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.assistant.tool_context import ToolFailed
from showup.database.tables import assistant_settings, assistant_usage

MAX_BUDGET: Final = 10_000_000
_settings, _usage = assistant_settings.c, assistant_usage.c
BUDGETS: Final = ("calls_per_day", "changes_per_day", "tokens_per_day")
_FIELDS: Final = ("is_on", *BUDGETS, "changed_by", "changed_at")
_LIMITS: Final = {
    "calls": "calls of tools",
    "changes": "changes asked for",
    "tokens": "tokens of the chat",
}


class AssistantSettings(Struct, frozen=True, kw_only=True):
    """What a workspace's assistants may do: the kill switch, and the budgets of each key or teammate and day (UTC)."""

    is_on: bool = True
    calls_per_day: int = 2_000
    changes_per_day: int = 200
    tokens_per_day: int = 2_000_000
    changed_by: str | None = None
    changed_at: datetime | None = None


async def load_settings(tx: AsyncConnection, workspace_id: UUID) -> AssistantSettings:
    """Return the workspace's settings."""
    query = select(*(_settings[name] for name in _FIELDS)).where(_settings.workspace_id == workspace_id)
    row = (await tx.execute(query)).mappings().one_or_none()
    return AssistantSettings() if row is None else AssistantSettings(**row)


async def save_settings(tx: AsyncConnection, workspace_id: UUID, settings: AssistantSettings) -> None:
    """Store the workspace's settings."""
    values = {name: getattr(settings, name) for name in _FIELDS}
    query = insert(assistant_settings).values(workspace_id=workspace_id, **values)
    await tx.execute(query.on_conflict_do_update(index_elements=["workspace_id"], set_=values))


async def require_on(tx: AsyncConnection, workspace_id: UUID) -> AssistantSettings:
    """Return the settings. Raises ToolFailed if a person switched the assistant off."""
    settings = await load_settings(tx, workspace_id)
    if not settings.is_on:
        raise ToolFailed(
            "The assistant is switched off in this workspace. An admin can switch it on again in Settings."
        )
    return settings


async def spend(
    tx: AsyncConnection, settings: AssistantSettings, workspace_id: UUID, actor: str, now: datetime, **amounts: int
) -> None:
    """Count what a call uses. Raises ToolFailed if a budget of the day was used up before it."""
    used = await _add(tx, workspace_id, actor, now, amounts)
    for name, amount in amounts.items():
        limit: int = getattr(settings, f"{name}_per_day")
        if used[name] - amount >= limit:
            raise ToolFailed(
                f"The budget of {limit:,} {_LIMITS[name]} a day is used up. It begins again at 00:00 UTC;"
                " an admin can change it in Settings."
            )


async def _add(
    tx: AsyncConnection, workspace_id: UUID, actor: str, now: datetime, amounts: dict[str, int]
) -> dict[str, Any]:
    row = {"workspace_id": workspace_id, "actor": actor, "day": now.date()}
    query = insert(assistant_usage).values(**row, **amounts)
    query = query.on_conflict_do_update(
        index_elements=["workspace_id", "actor", "day"],
        set_={name: _usage[name] + amount for name, amount in amounts.items()},
    )
    found = await tx.execute(query.returning(*(_usage[name] for name in _LIMITS)))
    return dict(found.mappings().one())


async def usage_of_actor(tx: AsyncConnection, workspace_id: UUID, actor: str, now: datetime) -> dict[str, int]:
    """Return what somebody's assistant used today (UTC): calls, changes and tokens."""
    query = select(*(_usage[name] for name in _LIMITS))
    query = query.where(_usage.workspace_id == workspace_id, _usage.day == now.date(), _usage.actor == actor)
    row = (await tx.execute(query)).mappings().one_or_none()
    return dict.fromkeys(_LIMITS, 0) if row is None else dict(row)


async def usage_of_day(tx: AsyncConnection, workspace_id: UUID, now: datetime) -> list[dict[str, Any]]:
    """Return what each key or teammate used today (UTC), by name."""
    query = select(_usage.actor, *(_usage[name] for name in _LIMITS))
    query = query.where(_usage.workspace_id == workspace_id, _usage.day == now.date()).order_by(_usage.actor)
    return [dict(row) for row in (await tx.execute(query.limit(100))).mappings()]
