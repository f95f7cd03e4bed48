"""Adds Cal.com accounts and rotates their webhook secrets, for the command line and for the dashboard."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access import accounts_store
from showup.access.account import SECRET_OVERLAP, Credentials, WebhookSecret, rotate_credentials
from showup.access.secrets_at_rest import Seal
from showup.access.settings_log_store import COMMAND_LINE, SettingsChange, add


async def add_account(  # one row's columns
    tx: AsyncConnection,
    seal: Seal,
    *,
    name: str,
    workspace_id: UUID,
    secret: str,
    now: datetime,
    actor: str = COMMAND_LINE,
) -> bool:
    """Add an account with this webhook secret; return False if the name is taken in any workspace."""
    credentials = Credentials(webhook_secrets=(WebhookSecret(secret),))
    account_id = await accounts_store.add(tx, seal, name=name, workspace_id=workspace_id, credentials=credentials)
    if account_id is None:
        return False
    await add(tx, SettingsChange(workspace_id=workspace_id, at=now, actor=actor, what="account.added", about=name))
    return True


async def rotate_secret(  # each by its name
    tx: AsyncConnection,
    seal: Seal,
    *,
    name: str,
    secret: str,
    now: datetime,
    overlap: timedelta = SECRET_OVERLAP,
    actor: str = COMMAND_LINE,
) -> bool:
    """Give the account a new webhook secret; older ones stay valid for `overlap`. Return False if there is none."""
    account = await accounts_store.find_for_update(tx, name)
    if account is None:
        return False
    credentials = rotate_credentials(account.credentials(seal), secret, now=now, overlap=overlap)
    await accounts_store.set_credentials(tx, seal, account.id, credentials)
    await add(
        tx,
        SettingsChange(
            workspace_id=account.workspace_id, at=now, actor=actor, what="account.secret_rotated", about=name
        ),
    )
    return True
