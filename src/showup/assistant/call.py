"""The one way to call a tool: kill switch, budget, scope and arguments are checked, and text from outside is marked."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final
from uuid import UUID

import structlog
from msgspec import Struct
from sqlalchemy.exc import DBAPIError

from showup.assistant import usage_store
from showup.assistant.catalogue import TOOLS
from showup.assistant.outside_text import mark
from showup.assistant.tool import Tool
from showup.assistant.tool_context import AssistantServices, Caller, ToolContext, ToolFailed
from showup.database.fault import POSSIBLE_OUTAGES, describe_error
from showup.reads.rows import Item

_AT_ONCE: Final = 6
_AT_ONCE_OF_WORKSPACE: Final = 4
_log = structlog.get_logger()


class ToolAnswer(Struct, frozen=True, kw_only=True):
    """The answer of a tool as JSON, or what went wrong: then it has only a `note`."""

    content: Item
    is_error: bool = False


def allowed_tools(caller: Caller) -> Sequence[Tool]:
    """Return the tools that the caller may use."""
    return [tool for tool in TOOLS if tool.is_allowed(caller.permission)]


async def call_tool(services: AssistantServices, caller: Caller, name: str, arguments: dict[str, Any]) -> ToolAnswer:
    """Call a tool for somebody, and return its answer; no exception but a fault of ours leaves it."""
    now = services.clock()
    try:
        with _slot(services, caller.workspace.id):
            tool = next((one for one in allowed_tools(caller) if one.name == name), None)
            await _check_budget(services, caller)
            if tool is None:
                names = ", ".join(one.name for one in allowed_tools(caller))
                raise ToolFailed(f"You have no tool of this name. Use one of: {names}.")
            context = ToolContext(services=services, caller=caller, now=now)
            result = await tool.run(context, tool.parse(arguments))
    except ToolFailed as failed:
        return ToolAnswer(content={"note": str(failed)}, is_error=True)
    except (DBAPIError, *POSSIBLE_OUTAGES) as fault:
        _log.warning("a tool of the assistant failed", tool=name[:60], because=describe_error(fault))
        return ToolAnswer(
            content={"note": "The database is busy or unreachable. Try again in a moment."}, is_error=True
        )
    _log.info("tool called", tool=tool.name, actor=caller.actor, workspace=caller.workspace.slug)
    return ToolAnswer(content={"as_of": now.isoformat(), "workspace": caller.workspace.slug, "result": mark(result)})


@contextmanager
def _slot(services: AssistantServices, workspace_id: UUID) -> Iterator[None]:
    """Run a call while the block runs: few at a time, so that webhooks and other workspaces find a connection."""
    if services.running[workspace_id] >= _AT_ONCE_OF_WORKSPACE or services.running.total() >= _AT_ONCE:
        raise ToolFailed("Too many calls of tools run at the same time. Try again in a moment, one call at a time.")
    services.running[workspace_id] += 1
    try:
        yield
    finally:
        services.running[workspace_id] -= 1


async def _check_budget(services: AssistantServices, caller: Caller) -> None:
    async with services.write() as tx:
        settings = await usage_store.require_on(tx, caller.workspace.id)
        await usage_store.spend(tx, settings, caller.workspace.id, caller.actor, services.clock(), calls=1)
