"""What the first run does beyond the database: it connects Cal.com with an API key, and loads or removes the sample."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.access.account import make_secret
from showup.access.secrets_at_rest import Seal
from showup.clock import Clock
from showup.web.http.setup_actions import CalcomConnected, SetupActions, SimulatedKind

if TYPE_CHECKING:
    from showup.dispatch.destination_context import Clients


class SetupContext(Struct, frozen=True, kw_only=True):
    """What the actions need. `environment_secrets` are the default account's webhook secrets from the environment."""

    engine: AsyncEngine
    seal: Seal
    clock: Clock
    open_clients: "Callable[[], AbstractAsyncContextManager[Clients]]"
    public_url: str
    calcom_url: str
    environment_secrets: tuple[str, ...]
    carrier: str | None


def build_setup_actions(context: SetupContext) -> SetupActions:
    """Builds the actions of one process."""

    async def connect(account: str, api_key: str) -> CalcomConnected:
        return await _connect_calcom(context, account, api_key)

    async def create_secret(account: str, actor: str) -> str | None:
        return await _create_secret(context, account, actor)

    async def load_sample(workspace_id: UUID) -> None:
        from showup.access import workspaces_store
        from showup.database.engine import transaction
        from showup.simulation.sample_loader import load_sample

        async with transaction(context.engine) as tx:
            workspace = await workspaces_store.get(tx, workspace_id)
            await load_sample(tx, context.seal, workspace, context.clock())

    async def remove_simulated(workspace_id: UUID, kind: SimulatedKind) -> Mapping[str, int]:
        from showup.simulation.removal import remove_simulated

        removed = await remove_simulated(context.engine, workspace_id, kind, on_start=_ignore, on_progress=_ignore)
        return {name: getattr(removed, name) for name in removed.__struct_fields__}

    async def count_simulated(workspace_id: UUID, kind: SimulatedKind) -> Mapping[str, int]:
        from showup.database.engine import driver_connection, transaction
        from showup.simulation.removal_store import find_simulated, has_simulated

        async with transaction(context.engine) as tx:
            connection = await driver_connection(tx)
            # Most workspaces have none, and then the search through all records is spared.
            if not await has_simulated(connection, workspace_id):
                return {}
            found = await find_simulated(connection, workspace_id, kind)
        return {name: len(getattr(found, name)) for name in found.__struct_fields__}

    return SetupActions(
        connect_calcom=connect,
        create_secret=create_secret,
        warn_of_address=_warn_of_address,
        load_sample=load_sample,
        remove_sample=lambda workspace_id: remove_simulated(workspace_id, "sample"),
        count_simulated=count_simulated,
        remove_simulated=remove_simulated,
        carrier=context.carrier,
        environment_secret=bool(context.environment_secrets),
    )


async def _connect_calcom(context: SetupContext, account: str, api_key: str) -> CalcomConnected:
    """Tests the key, stores it and registers the webhook. Without a public address, Showup only asks Cal.com."""
    from showup.reconcile import webhook_registration
    from showup.reconcile.webhook_registration import WebhookSecrets
    from showup.sources.calcom.api_errors import CalcomRefused, CalcomUnavailable
    from showup.sources.calcom.api_webhooks import WebhookScope
    from showup.sources.calcom.client import CalcomClient

    async with context.open_clients() as clients:
        calcom = CalcomClient(clients.trusted, url=context.calcom_url, key=api_key, clock=context.clock)
        try:
            user = await calcom.me()
        except CalcomRefused as fault:
            return CalcomConnected(fault=fault.because)
        except CalcomUnavailable as fault:
            return CalcomConnected(fault=f"The key is neither tried nor stored: {fault.because}. Try again.")
        name = user.username or user.email
        await _store_key(context, account, api_key)
        url = f"{context.public_url}/webhooks/calcom/{account}"
        if (warning := _warn_of_address(url)) is not None and _warn_of_address(context.calcom_url) is None:
            return CalcomConnected(user=name, warning=warning)
        secrets = WebhookSecrets(
            context.engine,
            context.seal,
            context.clock,
            account=account,
            environment_secrets=context.environment_secrets,
        )
        try:
            registered = await webhook_registration.register(calcom, url, secrets, WebhookScope())
        except (CalcomRefused, CalcomUnavailable) as fault:
            return CalcomConnected(user=name, warning=fault.because)
    return CalcomConnected(user=name, triggers=len(registered.webhook.triggers))


async def _store_key(context: SetupContext, account: str, api_key: str) -> None:
    """Stores the key, and asks for the bookings of the last 90 days: a worker reads them, and they notify nobody."""
    from showup.access import accounts_store
    from showup.database.engine import driver_connection, transaction
    from showup.reconcile.requested_backfills import request_backfill

    async with transaction(context.engine) as tx:
        stored = await accounts_store.find_for_update(tx, account)
        assert stored is not None, "the page found the account"
        credentials = msgspec.structs.replace(stored.credentials(context.seal), api_key=api_key)
        await accounts_store.set_credentials(tx, context.seal, stored.id, credentials)
        await request_backfill(await driver_connection(tx), stored.id, context.clock())


async def _create_secret(context: SetupContext, account: str, actor: str) -> str | None:
    """Creates a webhook secret; older ones stay valid for a day. None if the environment sets the secret."""
    from showup.access.account import DEFAULT
    from showup.commands.accounts import rotate_secret
    from showup.database.engine import transaction

    if account == DEFAULT and context.environment_secrets:
        return None
    secret = make_secret()
    async with transaction(context.engine) as tx:
        is_rotated = await rotate_secret(
            tx, context.seal, name=account, secret=secret, now=context.clock(), actor=actor
        )
    assert is_rotated, "the page found the account"
    return secret


def _warn_of_address(url: str) -> str | None:
    from urllib.parse import urlsplit

    from showup.destinations.public_addresses import is_local

    host = urlsplit(url).hostname or ""
    if is_local(host):
        return (
            f"Cal.com can't reach {host}, which is an address of this machine or network. Set SHOWUP_URL to the public"
            " address of this server, or of a tunnel to it."
        )
    return None


def _ignore(*_progress: object) -> None:
    """Ignores progress: the page waits for the result."""
