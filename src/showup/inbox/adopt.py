"""showup.toml as one more who changes rules: what is new in it becomes a command, like what a person says."""

from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from showup.inbox import rules
from showup.inbox.act import act
from showup.inbox.apply import lock_key
from showup.pipeline.rules import Rules, differences, rule_book
from showup.sources.hand.command import ChangeRules

ACTOR: Final = "showup.toml"


async def adopt(connection: asyncpg.Connection, workspace_id: UUID, policy: Rules, now: datetime) -> None:
    """Changes the rules in what differs from the file as it was adopted last, so that what was changed elsewhere since
    stands. The first file holds for the whole history, each later change from now on.

    Several processes that start at once take turns until the transaction ends.
    """
    await connection.execute("SELECT pg_advisory_xact_lock($1)", lock_key(workspace_id))
    adopted = await rules.amendments(connection, workspace_id, actor=ACTOR)
    changes = differences(rule_book(adopted).newest, policy)
    if changes:
        command = ChangeRules(at=now, actor=ACTOR, changes=changes, since=now if adopted else None)
        await act(connection, workspace_id, [command], now)


async def adopt_as_elsewhere(connection: asyncpg.Connection, workspace_id: UUID, now: datetime) -> None:
    """Gives a new workspace what showup.toml said when `showup serve` read it last.

    The caller's folder may have another file, or none.
    """
    elsewhere = await rules.last_changed_by(connection, ACTOR)
    if elsewhere is not None:
        adopted = await rules.amendments(connection, elsewhere, actor=ACTOR)
        await adopt(connection, workspace_id, rule_book(adopted).newest, now)
