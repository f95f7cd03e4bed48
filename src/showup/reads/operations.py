"""Reads what operators must know: when each account's last webhook came, unreadable events and failed deliveries."""

from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.connection import CALCOM
from showup.database.tables import connections, deliveries, inbox_events, workspaces

# To find an account's last webhook, only so many of the newest events are read: the log may have millions.
NEWEST_EVENTS = 50_000


class AccountWebhooks(Struct, frozen=True, kw_only=True):
    """A Cal.com account; `last_webhook_at` is None if none of the newest events is its webhook."""

    name: str
    workspace: str
    last_webhook_at: datetime | None


class FaultCount(Struct, frozen=True, kw_only=True):
    """How many faults there are, with the newest one: when, whose (an account or destination), and why."""

    count: int
    newest_at: datetime
    whose: str | None
    because: str | None


async def list_account_webhooks(tx: AsyncConnection) -> list[AccountWebhooks]:
    """Returns every Cal.com account by name, with the time of its last accepted webhook."""
    e = inbox_events.c
    newest = select(e.account_id, e.received_at, e.origin).order_by(e.received_at.desc(), e.id.desc())
    webhooks = newest.limit(NEWEST_EVENTS).subquery()
    last = (
        select(webhooks.c.account_id, func.max(webhooks.c.received_at).label("at"))
        .where(webhooks.c.origin == "webhook")
        .group_by(webhooks.c.account_id)
        .subquery()
    )
    query = (
        select(connections.c.name, workspaces.c.slug.label("workspace"), last.c.at.label("last_webhook_at"))
        .join_from(connections, workspaces, workspaces.c.id == connections.c.workspace_id)
        .outerjoin(last, last.c.account_id == connections.c.id)
        .where(connections.c.kind == CALCOM)
        .order_by(connections.c.name)
    )
    return [AccountWebhooks(**row) for row in (await tx.execute(query)).mappings()]


async def list_unreadable_accounts(tx: AsyncConnection) -> list[str | None]:
    """Returns the accounts with events that Showup could not read, by name; None for events of no account."""
    e = inbox_events.c
    query = (
        select(connections.c.name)
        .select_from(inbox_events.outerjoin(connections, connections.c.id == e.account_id))
        .where(e.state == "unreadable")
        .distinct()
        .order_by(connections.c.name)
    )
    return list((await tx.execute(query)).scalars())


async def unreadable_events(tx: AsyncConnection, since: datetime | None, *, account: str | None) -> FaultCount | None:
    """Returns an account's events after `since` (None: all) that Showup could not read; None if there are none."""
    e = inbox_events.c
    conditions = [e.state == "unreadable", connections.c.name.is_not_distinct_from(account)]
    if since is not None:
        conditions.append(e.processed_at > since)
    query = (
        select(func.count().over().label("count"), e.processed_at.label("newest_at"), connections.c.name, e.because)
        .select_from(inbox_events.outerjoin(connections, connections.c.id == e.account_id))
        .where(*conditions)
        .order_by(e.processed_at.desc().nulls_last(), e.id.desc())
        .limit(1)
    )
    return await _fault_count(tx, query)


async def failed_deliveries(tx: AsyncConnection, since: datetime | None) -> FaultCount | None:
    """Returns the deliveries that failed for good after `since` (None: all); None if there are none."""
    d = deliveries.c
    conditions = [d.state == "failed"]
    if since is not None:
        conditions.append(d.updated_at > since)
    query = (
        select(func.count().over().label("count"), d.updated_at.label("newest_at"), d.destination, d.because)
        .where(*conditions)
        .order_by(d.updated_at.desc(), d.id.desc())
        .limit(1)
    )
    return await _fault_count(tx, query)


async def _fault_count(tx: AsyncConnection, query: Select[Any]) -> FaultCount | None:
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else FaultCount(count=row[0], newest_at=row[1], whose=row[2], because=row[3])
