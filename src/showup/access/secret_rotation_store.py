"""Encrypts all stored secrets with the newest key; old keys are accepted until every secret has been."""

from collections.abc import Callable, Mapping
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.access.secrets_at_rest import Seal
from showup.database.engine import transaction
from showup.database.tables import metadata

ENCRYPTED: Final[Mapping[str, str]] = {
    "connections": "credentials",
    "webhook_tokens": "secrets",
    "endpoints": "secrets",
    "calcom_profiles": "credentials",
    "calcom_authorizations": "verifier",
    "erasure_keys": "key",
    "requested_erasures": "email",
}
"""The column of each table that holds encrypted bytes. Each table has a primary key of one column."""

_PAGE_SIZE: Final = 100


async def rotate(engine: AsyncEngine, seal: Seal, on_progress: Callable[[int], None] = lambda _: None) -> int:
    """Returns how many secrets were encrypted again. Each page is a transaction, so an interrupted run continues.

    Raises DecryptionError if a secret needs a key that `seal` doesn't have; what came before it stays changed.
    """
    changed = 0
    for name, column in ENCRYPTED.items():
        table = metadata.tables[name]
        (key,) = table.primary_key.columns
        secret = table.columns[column]
        query = select(key, secret).where(secret.is_not(None)).order_by(key).limit(_PAGE_SIZE).with_for_update()
        page = query
        while True:
            async with transaction(engine) as tx:
                rows = (await tx.execute(page)).all()
                for row_key, ciphertext in rows:
                    if (again := seal.encrypt_again(ciphertext)) is not None:
                        await tx.execute(update(table).where(key == row_key).values({column: again}))
                        changed += 1
            if not rows:
                break
            on_progress(len(rows))
            page = query.where(key > rows[-1][0])
    return changed
