"""Store the audit of sign-ins: who signed in or failed to, when and from where, and who changed whose access."""

from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias
from uuid import uuid4

from msgspec import Struct
from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.database.tables import sign_in_log

SignInEvent: TypeAlias = Literal[
    "signed_in",
    "sign_in_failed",
    "signed_out",
    "signed_out_everywhere",
    "link_created",
    "invited",
    "password_set",
    "role_changed",
    "removed",
]
RETENTION: Final = timedelta(days=365)
_EXPIRED_AT_ONCE: Final = 20


class SignInLogEntry(Struct, frozen=True, kw_only=True):
    """One entry. `actor`: who did it, None for the teammate."""

    at: datetime
    email: str
    what: SignInEvent
    actor: str | None
    source_address: str | None


async def add(tx: AsyncConnection, entry: SignInLogEntry) -> None:
    """Add an entry; a few that are too old go."""
    expired = select(sign_in_log.c.id).where(sign_in_log.c.at < entry.at - RETENTION).limit(_EXPIRED_AT_ONCE)
    await tx.execute(delete(sign_in_log).where(sign_in_log.c.id.in_(expired)))
    row = {name: getattr(entry, name) for name in SignInLogEntry.__struct_fields__}
    await tx.execute(insert(sign_in_log).values(id=uuid4(), **row))


async def list_newest(tx: AsyncConnection, emails: list[str], *, limit: int) -> list[SignInLogEntry]:
    """Return the newest entries about these addresses, latest first."""
    columns = [sign_in_log.c[name] for name in SignInLogEntry.__struct_fields__]
    query = select(*columns).where(sign_in_log.c.email.in_(emails)).order_by(sign_in_log.c.at.desc(), sign_in_log.c.id)
    return [SignInLogEntry(**row) for row in (await tx.execute(query.limit(limit))).mappings()]
