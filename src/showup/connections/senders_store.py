"""Stores the senders of workspaces: the addresses that their mail comes from, and their brands."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

from msgspec import Struct
from sqlalchemy import RowMapping, delete, exists, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.connections.quotas import MAX_SENDERS, check_quota
from showup.database.tables import senders
from showup.destinations.email.settings import SenderRule

_FIELDS: Final = SenderRule.__struct_fields__
_TAKEN: Final = "uq_senders_workspace_id_host_domain"


class SenderTaken(Exception):
    """The workspace has a sender for these meetings already."""


class StoredSender(Struct, frozen=True, kw_only=True):
    """A sender of a workspace, and who saved it last."""

    id: UUID
    rule: SenderRule
    updated_by: str
    updated_at: datetime

    @property
    def values(self) -> dict[str, str | None]:
        """Returns its fields by name."""
        return {name: getattr(self.rule, name) for name in _FIELDS}


async def list_senders(tx: AsyncConnection, workspace_id: UUID) -> list[StoredSender]:
    """Returns the senders of a workspace in the order in which they are tried: the most exact first."""
    query = (
        select(senders)
        .where(senders.c.workspace_id == workspace_id)
        .order_by(senders.c.host.is_(None), senders.c.domain.is_(None), senders.c.host, senders.c.domain)
    )
    return [_stored(row) for row in (await tx.execute(query)).mappings()]


async def sender_rules(tx: AsyncConnection, workspace_id: UUID) -> Sequence[SenderRule]:
    """Returns the rules of a workspace's senders, which go before those of showup.toml."""
    return [one.rule for one in await list_senders(tx, workspace_id)]


async def have_any(tx: AsyncConnection) -> bool:
    """Returns whether any workspace has a sender."""
    return bool(await tx.scalar(select(exists(select(senders.c.id)))))


async def find(tx: AsyncConnection, workspace_id: UUID, sender_id: UUID, *, lock: bool = False) -> StoredSender | None:
    """Returns a sender of the workspace; with `lock`, it is locked until the transaction ends."""
    query = select(senders).where(senders.c.id == sender_id, senders.c.workspace_id == workspace_id)
    row = (await tx.execute(query.with_for_update() if lock else query)).mappings().one_or_none()
    return None if row is None else _stored(row)


async def add(tx: AsyncConnection, workspace_id: UUID, rule: SenderRule, *, actor: str, now: datetime) -> UUID:
    """Adds a sender. Raises SenderTaken and QuotaReached."""
    check_quota("senders", len(await list_senders(tx, workspace_id)), MAX_SENDERS)
    sender_id = uuid4()
    row = {"id": sender_id, "workspace_id": workspace_id} | _row(rule, actor, now)
    await _write(tx, insert(senders).values(row))
    return sender_id


async def change(tx: AsyncConnection, sender_id: UUID, rule: SenderRule, *, actor: str, now: datetime) -> None:
    """Replaces a sender's values. Raises SenderTaken."""
    await _write(tx, update(senders).where(senders.c.id == sender_id).values(_row(rule, actor, now)))


async def remove(tx: AsyncConnection, sender_id: UUID) -> None:
    """Removes a sender."""
    await tx.execute(delete(senders).where(senders.c.id == sender_id))


async def _write(tx: AsyncConnection, statement: Any) -> None:
    try:
        async with tx.begin_nested():
            await tx.execute(statement)
    except IntegrityError as error:
        if _TAKEN not in str(error.orig):
            raise
        raise SenderTaken from error


def _row(rule: SenderRule, actor: str, now: datetime) -> dict[str, Any]:
    return {name: getattr(rule, name) for name in _FIELDS} | {"updated_by": actor, "updated_at": now}


def _stored(row: RowMapping) -> StoredSender:
    rule = SenderRule(**{name: row[name] for name in _FIELDS})
    return StoredSender(id=row["id"], rule=rule, updated_by=row["updated_by"], updated_at=row["updated_at"])
