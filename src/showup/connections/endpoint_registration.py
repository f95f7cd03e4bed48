"""Registers, changes and deletes endpoints for outgoing webhooks."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
from msgspec.structs import replace

from showup.access.secrets_at_rest import DecryptionError, Seal
from showup.connections import endpoints_store
from showup.connections.endpoint import Endpoint, rotated
from showup.connections.quotas import MAX_ENDPOINTS, check_quota
from showup.destinations.webhook.settings import PING, make_secret
from showup.outbox import system_notifications
from showup.outbox.subscriptions import subscribe
from showup.outbox.wakeups import reopen_queue

_PAUSED_BY: Final = "paused by {}"


async def register(connection: asyncpg.Connection, seal: Seal, endpoint: Endpoint, now: datetime) -> str:
    """Creates the endpoint, which receives its kinds from now on, and returns its secret; it is never shown again.

    The caller holds the workspace's lock. Raises QuotaReached.
    """
    check_quota("endpoints", await endpoints_store.count(connection, endpoint.workspace_id), MAX_ENDPOINTS)
    secret = make_secret()
    await endpoints_store.add(connection, seal, endpoint, secret, now)
    await _subscribe(connection, endpoint, now)
    return secret


async def change(
    connection: asyncpg.Connection, endpoint: Endpoint, changes: Mapping[str, Any], actor: str, now: datetime
) -> None:
    """Changes `url`, `kinds` and `description` of a locked endpoint; `paused` pauses or resumes it."""
    values = {name: changes[name] for name in ("url", "kinds", "description") if name in changes}
    after = replace(endpoint, **values)
    match changes.get("paused"):
        case True if endpoint.paused_at is None:
            after = replace(after, paused_at=now, because=_PAUSED_BY.format(actor))
        case False if endpoint.paused_at is not None:
            after = replace(after, paused_at=None, because=None)
        case _:
            pass
    await endpoints_store.save(connection, after, now)
    await _subscribe(connection, after, now)
    if after.paused_at is None and (endpoint.paused_at is not None or after.url != endpoint.url):
        # Its earlier failures say nothing about the new URL.
        await reopen_queue(connection, after.queue, now)


async def rotate(connection: asyncpg.Connection, seal: Seal, endpoint: Endpoint, now: datetime) -> str:
    """Gives a locked endpoint a new secret and returns it once; the last one stays valid for a day."""
    secret = make_secret()
    try:
        current_secrets = await endpoints_store.secrets(connection, seal, endpoint.id)
    except DecryptionError:
        # The old secrets can't be decrypted and sign nothing; a new secret repairs that.
        current_secrets = []
    await endpoints_store.replace_secrets(connection, seal, endpoint.id, rotated(current_secrets, secret, now), now)
    return secret


async def delete(connection: asyncpg.Connection, endpoint: Endpoint, actor: str, now: datetime) -> None:
    """Deletes a locked endpoint and withdraws its remaining deliveries."""
    await subscribe(connection, endpoint.workspace_id, endpoint.queue.destination, (), now)
    await endpoints_store.delete(connection, endpoint, actor, now)
    await reopen_queue(connection, endpoint.queue, now)


async def ping(connection: asyncpg.Connection, endpoint: Endpoint, actor: str, now: datetime) -> UUID:
    """Sends a ping to the endpoint, whatever its kinds, and returns the delivery's id."""
    notification = system_notifications.SystemNotification(
        kind=PING, key=f"{PING}:{uuid4()}", details={"sent_by": actor}
    )
    return await system_notifications.notify_destination(connection, endpoint.queue, notification, now)


async def _subscribe(connection: asyncpg.Connection, endpoint: Endpoint, now: datetime) -> None:
    await subscribe(connection, endpoint.workspace_id, endpoint.queue.destination, endpoint.kinds, now)
