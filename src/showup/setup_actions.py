"""What the first run and the page Connections do beyond the database: they call Cal.com, and load the sample."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Final
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.access.account import make_secret
from showup.access.secrets_at_rest import Seal
from showup.clock import Clock
from showup.web.http.setup_actions import CalcomConnected, MailTest, SetupActions, SimulatedKind, WebhookConnected

if TYPE_CHECKING:
    from showup.dispatch.destination_context import Clients
    from showup.dispatch.destination_resolver import DestinationResolver
    from showup.reconcile.account import ReconciledAccount
    from showup.reconcile.webhook_registration import WebhookSecrets
    from showup.sources.calcom.client import CalcomClient

# A person waits for it.
_TIMEOUT_SECONDS: Final = 15.0


class SetupContext(Struct, frozen=True, kw_only=True):
    """What the actions need. `environment_secrets` are the default account's webhook secrets from the environment.

    `calcom_key` is its API key there. `sender`: the address that mails come from, None if showup.toml names none.
    """

    engine: AsyncEngine
    seal: Seal
    clock: Clock
    open_clients: "Callable[[], AbstractAsyncContextManager[Clients]]"
    public_url: str
    calcom_url: str
    environment_secrets: tuple[str, ...]
    carrier: str | None
    calcom_key: str | None = None
    sender: str | None = None
    build_resolver: "Callable[[Clients], DestinationResolver] | None" = None


def build_setup_actions(context: SetupContext) -> SetupActions:
    """Builds the actions of one process."""

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
        connect_calcom=partial(_connect_calcom, context),
        register_webhook=partial(_register_webhook, context),
        check_webhook=partial(_check_webhook, context),
        send_test_mail=partial(_send_test_mail, context),
        create_secret=partial(_create_secret, context),
        warn_of_address=_warn_of_address,
        load_sample=load_sample,
        count_simulated=count_simulated,
        remove_simulated=remove_simulated,
        carrier=context.carrier,
        environment_secret=bool(context.environment_secrets),
    )


async def _connect_calcom(context: SetupContext, account: str, api_key: str) -> CalcomConnected:
    """Tests the key, stores it and registers the webhook. Without a public address, Showup only asks Cal.com."""
    from showup.reconcile import webhook_registration
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
        try:
            registered = await webhook_registration.register(
                calcom, url, _webhook_secrets(context, account), WebhookScope()
            )
        except (CalcomRefused, CalcomUnavailable) as fault:
            return CalcomConnected(user=name, warning=fault.because)
    return CalcomConnected(user=name, triggers=len(registered.webhook.triggers))


async def _register_webhook(context: SetupContext, account: str) -> WebhookConnected:
    """Creates the account's webhook at Cal.com with the stored key, or repairs it."""
    from showup.reconcile import webhook_registration
    from showup.sources.calcom.api_errors import CalcomRefused, CalcomUnavailable
    from showup.sources.calcom.api_webhooks import WebhookScope

    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS), _open_calcom(context, account) as (found, calcom):
            url = f"{context.public_url}/webhooks/calcom/{account}"
            if (warning := _warn_of_address(url)) is not None and _warn_of_address(found.url) is None:
                return WebhookConnected(fault=warning)
            result = await webhook_registration.register(
                calcom, url, _webhook_secrets(context, account), WebhookScope()
            )
    except (CalcomRefused, CalcomUnavailable) as fault:
        return WebhookConnected(fault=fault.because)
    except LookupError as fault:
        return WebhookConnected(fault=str(fault))
    except TimeoutError:
        return WebhookConnected(fault=_too_slow("Cal.com"))
    return WebhookConnected(created=result.created, triggers=len(result.webhook.triggers))


async def _check_webhook(context: SetupContext, account: str) -> list[str]:
    """Asks Cal.com about the account's webhook; without an API key, there is nothing to ask."""
    from showup.reconcile import webhook_registration
    from showup.sources.calcom.api_errors import CalcomRefused, CalcomUnavailable
    from showup.sources.calcom.api_webhooks import WebhookScope

    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS), _open_calcom(context, account) as (_, calcom):
            url = f"{context.public_url}/webhooks/calcom/{account}"
            status = await webhook_registration.get_webhook_status(
                calcom, url, _webhook_secrets(context, account), WebhookScope()
            )
    except (CalcomRefused, CalcomUnavailable) as fault:
        return [fault.because]
    except LookupError:
        return []
    except TimeoutError:
        return [_too_slow("Cal.com")]
    return list(status.faults)


@asynccontextmanager
async def _open_calcom(context: SetupContext, name: str) -> "AsyncIterator[tuple[ReconciledAccount, CalcomClient]]":
    """Opens Cal.com's API with the account's key. Raises LookupError, with a sentence, if there is none."""
    from showup.database.engine import transaction
    from showup.reconcile.account import ApiAccess, list_accounts_with_key
    from showup.sources.calcom.client import CalcomClient

    access = ApiAccess(seal=context.seal, url=context.calcom_url, key=context.calcom_key)
    async with transaction(context.engine) as tx:
        found = next((one for one in await list_accounts_with_key(tx, access) if one.name == name), None)
    if found is None:
        raise LookupError("Showup has no API key of this account. Enter one in the first steps, and try again.")
    if found.is_v1:
        raise LookupError("API v1 can't set webhooks. Create the webhook in Cal.com's settings.")
    async with context.open_clients() as clients:
        client = clients.client_to(is_untrusted=found.is_own_url)
        yield found, CalcomClient(client, url=found.url, key=found.key, clock=context.clock)


def _webhook_secrets(context: SetupContext, account: str) -> "WebhookSecrets":
    from showup.reconcile.webhook_registration import WebhookSecrets

    return WebhookSecrets(
        context.engine,
        context.seal,
        context.clock,
        account=account,
        environment_secrets=context.environment_secrets,
    )


async def _send_test_mail(context: SetupContext, workspace_id: UUID, address: str) -> MailTest:
    from showup.access import workspaces_store
    from showup.connections import senders_store
    from showup.database.engine import transaction
    from showup.dispatch.mail_test import send_test_mail

    async with transaction(context.engine) as tx:
        workspace = await workspaces_store.get(tx, workspace_id)
        own_senders = await senders_store.sender_rules(tx, workspace_id)
    # The last one is for all other meetings.
    sender = own_senders[-1].address if own_senders else context.sender
    if sender is None or context.build_resolver is None:
        return MailTest(because="no sender is set: without one, each mail fails. Add one in Settings, Senders")
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS), context.open_clients() as clients:
            resolver = context.build_resolver(clients)
            result = await send_test_mail(resolver, workspace, sender=sender, address=address)
    except TimeoutError:
        return MailTest(sender=sender, because=_too_slow("the mail provider"))
    return MailTest(sender=sender, provider=result.provider, because=result.because)


def _too_slow(who: str) -> str:
    return f"{who} did not answer within {_TIMEOUT_SECONDS:.0f} seconds. Try again later"


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
