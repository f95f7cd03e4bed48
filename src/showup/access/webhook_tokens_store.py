"""Store the secrets in the paths of webhooks that their sender does not sign, such as EmailBison's.

The path ends with a token: the connection's id and one of its secrets, without which nothing is accepted there.
"""

from collections.abc import Callable
from datetime import datetime
from hmac import compare_digest
from typing import Final
from uuid import UUID

import msgspec
import structlog
from msgspec import Struct
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.account import Credentials, WebhookSecret, make_secret, rotate_credentials, valid_secrets
from showup.access.secrets_at_rest import DecryptionError, Seal
from showup.database.tables import connections, webhook_tokens

_ID_LENGTH: Final = 32
_TOKEN_LENGTH: Final = _ID_LENGTH + len(make_secret())
# An unknown connection is compared too, with a secret that nobody knows.
_NO_SECRETS: Final = (make_secret().encode(),)

_log = structlog.get_logger()


class TokenOwner(Struct, frozen=True, kw_only=True):
    """The connection that a token names. `is_valid`: whether the token's secret is one of its valid ones."""

    connection_id: UUID
    workspace_id: UUID
    name: str
    is_valid: bool


def make_token(connection_id: UUID, secret: str) -> str:
    """Return the token of a connection: 75 letters, digits, `-` and `_`."""
    return f"{connection_id.hex}{secret}"


async def find_owner(tx: AsyncConnection, seal: Seal, *, kind: str, token: str, now: datetime) -> TokenOwner | None:
    """Return the connection of this kind that the token names, whether its secret is right or not.

    The comparison takes the same time for each wrong secret.
    """
    parts = _split(token)
    if parts is None:
        return None
    connection_id, secret = parts
    query = (
        select(connections.c.workspace_id, connections.c.name, webhook_tokens.c.secrets)
        .join_from(webhook_tokens, connections)
        .where(connections.c.id == connection_id, connections.c.kind == kind)
    )
    row = (await tx.execute(query)).mappings().one_or_none()
    stored = _NO_SECRETS if row is None else valid_secrets(_read(seal, row["secrets"]).webhook_secrets, now)
    # Without a shortcut: all of them are compared.
    is_valid = any([compare_digest(secret.encode(), one) for one in stored])  # noqa: C419
    if row is None:
        return None
    return TokenOwner(
        connection_id=connection_id, workspace_id=row["workspace_id"], name=row["name"], is_valid=is_valid
    )


async def list_tokens(tx: AsyncConnection, seal: Seal, connection_id: UUID, now: datetime) -> tuple[str, ...]:
    """Return the valid tokens of a connection, the newest first."""
    secrets = valid_secrets((await _load(tx, seal, connection_id)).webhook_secrets, now)
    return tuple(make_token(connection_id, secret.decode()) for secret in secrets)


async def add_token(tx: AsyncConnection, seal: Seal, connection_id: UUID, now: datetime) -> str:
    """Return a new token, valid beside all others; only `expire_older` ends those."""
    secret = make_secret()

    def add(before: Credentials) -> Credentials:
        return Credentials(webhook_secrets=(WebhookSecret(secret), *before.webhook_secrets))

    await _change(tx, seal, connection_id, now, add)
    return make_token(connection_id, secret)


async def expire_older(tx: AsyncConnection, seal: Seal, connection_id: UUID, token: str, now: datetime) -> None:
    """Let the other tokens of the connection end after a day, for webhooks that are still on their way."""
    secret = token[_ID_LENGTH:]
    await _change(tx, seal, connection_id, now, lambda before: rotate_credentials(before, secret, now=now))


async def remove_token(tx: AsyncConnection, seal: Seal, connection_id: UUID, token: str, now: datetime) -> None:
    """Remove a token that its sender did not accept."""
    secret = token[_ID_LENGTH:]

    def remove(before: Credentials) -> Credentials:
        return Credentials(webhook_secrets=tuple(one for one in before.webhook_secrets if one.value != secret))

    await _change(tx, seal, connection_id, now, remove)


async def _change(
    tx: AsyncConnection, seal: Seal, connection_id: UUID, now: datetime, change: Callable[[Credentials], Credentials]
) -> None:
    # Two concurrent changes must not lose a secret.
    await tx.execute(select(connections.c.id).where(connections.c.id == connection_id).with_for_update(key_share=True))
    after = change(await _load(tx, seal, connection_id))
    values = {"secrets": seal.encrypt(msgspec.json.encode(after)), "updated_at": now}
    query = insert(webhook_tokens).values(connection_id=connection_id, **values)
    await tx.execute(query.on_conflict_do_update(index_elements=["connection_id"], set_=values))


async def _load(tx: AsyncConnection, seal: Seal, connection_id: UUID) -> Credentials:
    query = select(webhook_tokens.c.secrets).where(webhook_tokens.c.connection_id == connection_id)
    sealed = (await tx.execute(query)).scalar_one_or_none()
    return Credentials() if sealed is None else _read(seal, sealed)


def _read(seal: Seal, sealed: bytes) -> Credentials:
    try:
        return msgspec.json.decode(seal.decrypt(sealed), type=Credentials)
    except DecryptionError as error:
        # They accept nothing; a new token replaces them.
        _log.error("webhook_token_unusable", because=str(error))
        return Credentials()


def _split(token: str) -> tuple[UUID, str] | None:
    if len(token) != _TOKEN_LENGTH or not token.isascii():
        return None
    try:
        return UUID(hex=token[:_ID_LENGTH]), token[_ID_LENGTH:]
    except ValueError:
        return None
