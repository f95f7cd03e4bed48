"""Registering endpoints for outgoing webhooks, changing them, and taking them away."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
from msgspec.structs import replace

from showup.access.secrets_at_rest import Seal, Unsealable
from showup.deliveries import endpoints_store, lane_store, sequels
from showup.deliveries.endpoint import Endpoint, rotated
from showup.deliveries.subscribing import subscribe
from showup.deliveries.waking import wake_lanes
from showup.destinations.webhook.kinds import PING
from showup.destinations.webhook.secrets import make_secret

_PAUSED_BY_HAND: Final = "{} paused it"


async def register(connection: asyncpg.Connection, seal: Seal, endpoint: Endpoint, now: datetime) -> str:
    """Makes the endpoint, which from now on is told its kinds; its secret, which nobody is shown again."""
    secret = make_secret()
    await endpoints_store.add(connection, seal, endpoint, secret, now)
    await _subscribe(connection, endpoint, now)
    return secret


async def change(
    connection: asyncpg.Connection, endpoint: Endpoint, said: Mapping[str, Any], actor: str, now: datetime
) -> None:
    """Changes `url`, `kinds` and `description` of an endpoint that is held; `paused` stops it, or lets it go on."""
    given = {name: said[name] for name in ("url", "kinds", "description") if name in said}
    after = replace(endpoint, **given)
    match said.get("paused"):
        case True if endpoint.paused_at is None:
            after = replace(after, paused_at=now, because=_PAUSED_BY_HAND.format(actor))
        case False if endpoint.paused_at is not None:
            after = replace(after, paused_at=None, because=None)
        case _:
            pass
    await endpoints_store.save(connection, after, now)
    await _subscribe(connection, after, now)
    if after.paused_at is None and (endpoint.paused_at is not None or after.url != endpoint.url):
        # What it did before says nothing of how it is now.
        await lane_store.forgive(connection, after.lane)
        await wake_lanes(connection, [(after.lane, now)], now)


async def rotate(connection: asyncpg.Connection, seal: Seal, endpoint: Endpoint, now: datetime) -> str:
    """Gives an endpoint that is held another secret, which is shown once; the last one stays good for a day."""
    secret = make_secret()
    try:
        known = await endpoints_store.secrets(connection, seal, endpoint.id)
    except Unsealable:
        # They sign nothing any more: a new one is how that is put right.
        known = []
    await endpoints_store.replace_secrets(connection, seal, endpoint.id, rotated(known, secret, now), now)
    return secret


async def delete(connection: asyncpg.Connection, endpoint: Endpoint, actor: str, now: datetime) -> None:
    """Deletes an endpoint that is held, with what was still to be sent there."""
    await subscribe(connection, endpoint.workspace_id, endpoint.lane.destination, (), now)
    await endpoints_store.delete(connection, endpoint, actor, now)


async def ping(connection: asyncpg.Connection, endpoint: Endpoint, actor: str, now: datetime) -> UUID:
    """Sends it a ping, whatever it is registered for; the id of that delivery."""
    asked = sequels.Sequel(kind=PING, key=f"{PING}:{uuid4()}", details={"sent_by": actor})
    return await sequels.tell(connection, endpoint.lane, asked, now)


async def _subscribe(connection: asyncpg.Connection, endpoint: Endpoint, now: datetime) -> None:
    await subscribe(connection, endpoint.workspace_id, endpoint.lane.destination, endpoint.kinds, now)
