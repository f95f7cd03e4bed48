"""Recognises erased addresses: the database has a hash of each, with a random key that is itself encrypted."""

import hashlib
import hmac
import secrets
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
from msgspec import Struct

from showup.access.secrets_at_rest import Seal
from showup.values.redaction import Pseudonym

_KEY_BYTES: Final = 32


class ErasedAddress(Struct, frozen=True, kw_only=True):
    """What stands for an erased address and for its person's name."""

    address: str
    name: str


async def has_any(connection: asyncpg.Connection, workspace_id: UUID) -> bool:
    """Returns whether anybody was erased from the workspace: nearly always, nobody was."""
    found = await connection.fetchval("SELECT true FROM erased_addresses WHERE workspace_id = $1 LIMIT 1", workspace_id)
    return bool(found)


async def add(
    connection: asyncpg.Connection, seal: Seal, workspace_id: UUID, pseudonym: Pseudonym, *, at: datetime
) -> None:
    """Remembers the erased addresses of one person by their hashes."""
    key = await _key(connection, seal, workspace_id)
    rows = [
        (workspace_id, _hash(key, email), address, pseudonym.name, at) for email, address in pseudonym.addresses.items()
    ]
    await connection.executemany(
        "INSERT INTO erased_addresses (workspace_id, hash, address, name, erased_at) VALUES ($1, $2, $3, $4, $5) "
        "ON CONFLICT DO NOTHING",
        rows,
    )


async def find(
    connection: asyncpg.Connection, seal: Seal, workspace_id: UUID, emails: Collection[str]
) -> Mapping[str, list[ErasedAddress]]:
    """Returns which of these normalized addresses were erased, newest erasure first; one may have been erased twice."""
    if not emails or not await has_any(connection, workspace_id):
        return {}
    key = await _key(connection, seal, workspace_id)
    hashes = {_hash(key, email): email for email in emails}
    rows = await connection.fetch(
        "SELECT hash, address, name FROM erased_addresses WHERE workspace_id = $1 AND hash = ANY($2::bytea[]) "
        "ORDER BY erased_at DESC",
        workspace_id,
        list(hashes),
    )
    found: dict[str, list[ErasedAddress]] = {}
    for row in rows:
        erased = ErasedAddress(address=row["address"], name=row["name"])
        found.setdefault(hashes[row["hash"]], []).append(erased)
    return found


async def without_erased(
    connection: asyncpg.Connection, seal: Seal, workspace_id: UUID, emails: Iterable[str]
) -> set[str]:
    """Returns those of the addresses that were not erased, or whose person came back and books again."""
    asked = set(emails)
    erased = await find(connection, seal, workspace_id, asked)
    if not erased:
        return asked
    back = await connection.fetch(
        "SELECT email FROM people WHERE workspace_id = $1 AND email = ANY($2::text[])", workspace_id, list(erased)
    )
    return asked - set(erased) | {row["email"] for row in back}


async def _key(connection: asyncpg.Connection, seal: Seal, workspace_id: UUID) -> bytes:
    """Returns the workspace's key, and creates it with the first erasure."""
    stored = await connection.fetchval("SELECT key FROM erasure_keys WHERE workspace_id = $1", workspace_id)
    if stored is None:
        stored = await connection.fetchval(
            "INSERT INTO erasure_keys (workspace_id, key) VALUES ($1, $2) "
            "ON CONFLICT (workspace_id) DO UPDATE SET workspace_id = excluded.workspace_id RETURNING key",
            workspace_id,
            seal.encrypt(secrets.token_bytes(_KEY_BYTES)),
        )
    return seal.decrypt(stored)


def _hash(key: bytes, email: str) -> bytes:
    return hmac.digest(key, email.encode(), hashlib.sha256)
