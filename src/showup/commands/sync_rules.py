"""Treats showup.toml as an actor that changes rules: its changes become commands, like a person's."""

from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
import structlog

from showup.commands.execute import execute
from showup.events.workspace import RulesChanged
from showup.inbox import rules
from showup.inbox.apply import lock_pipeline
from showup.pipeline.rules import Rules, differences, rule_book

ACTOR: Final = "showup.toml"
_log = structlog.get_logger()


async def sync_rules(connection: asyncpg.Connection, workspace_id: UUID, policy: Rules, now: datetime) -> None:
    """Changes the rules that differ from the file as last synced, so that changes made elsewhere remain.

    The first file applies to the whole history, each later change from now on. Processes that start at the same time
    wait for each other until the transaction ends.
    """
    await lock_pipeline(connection, workspace_id)
    synced = await rules.amendments(connection, workspace_id, actor=ACTOR)
    changes = differences(rule_book(synced).newest, policy)
    if "stages" in changes and (because := await rules.stages_in_use(connection, workspace_id, changes["stages"])):
        # The next start tries again; until then, the other changes apply.
        _log.warning("showup.toml: the stages were not changed", because=because, workspace_id=str(workspace_id))
        del changes["stages"]
    if changes:
        change = RulesChanged(changes=changes, since=now if synced else None)
        await execute(connection, workspace_id, [change], actor=ACTOR, at=now, handlers={})


async def sync_new_workspace(connection: asyncpg.Connection, workspace_id: UUID, now: datetime) -> None:
    """Gives a new workspace the settings of showup.toml as `showup serve` last read it.

    The caller's folder may contain another file, or none.
    """
    source_workspace_id = await rules.last_changed_by(connection, ACTOR)
    if source_workspace_id is not None:
        synced = await rules.amendments(connection, source_workspace_id, actor=ACTOR)
        await sync_rules(connection, workspace_id, rule_book(synced).newest, now)
