"""Find the teammate for whom a permission acts: the one who signed in, or the owner of the API key."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.sessions_store import TEAMMATE_COLUMNS
from showup.access.teammate import ACTOR_PREFIX, Teammate
from showup.database.tables import api_keys, teammates

_KEY_PREFIX = "key:"


async def find_owner(tx: AsyncConnection, actor: str) -> Teammate | None:
    """Return the teammate of an actor of the audit log; None for a key of nobody in particular."""
    owner = select(api_keys.c.teammate_id).where(api_keys.c.name == actor.removeprefix(_KEY_PREFIX))
    if actor.startswith(ACTOR_PREFIX):
        condition = teammates.c.email == actor.removeprefix(ACTOR_PREFIX)
    elif actor.startswith(_KEY_PREFIX):
        condition = teammates.c.id.in_(owner)
    else:
        return None
    row = (await tx.execute(select(*TEAMMATE_COLUMNS).where(condition))).mappings().one_or_none()
    return None if row is None else Teammate(**row)
