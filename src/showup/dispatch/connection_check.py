"""Tests a connection with the other system: its credentials, and that everything its settings name exists."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import httpx2
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.access import connections_store, workspaces_store
from showup.access.account import DEFAULT
from showup.access.connection import CALCOM, Connection
from showup.access.secrets_at_rest import DecryptionError, Seal
from showup.access.workspace import Workspace
from showup.clock import Clock
from showup.connections.catalogue import KINDS
from showup.database.engine import transaction
from showup.destinations.email.destination import EmailDestination, MailPreview
from showup.destinations.public_http import PrivateAddress
from showup.dispatch import connection_health
from showup.dispatch.destination_context import Clients
from showup.dispatch.destination_resolver import DestinationResolver, MailKind

# Longer than each check's own timeouts, and short enough that a person waits for all of them, which run side by side.
_TIMEOUT_SECONDS: Final = 12.0


class ConnectionCheck(Struct, frozen=True, kw_only=True):
    """The result of a test: a sentence for each fault, with what to do; `message` says what works if there is none.

    `is_sent`: whether mail leaves this Showup, and is not only stored.
    """

    message: str = ""
    faults: list[str] = []
    is_sent: bool = False


class ConnectionChecker(Struct, frozen=True, kw_only=True):
    """Asks other systems, for the API and for the command line alike.

    `calcom_url` and `calcom_key` are those of the environment, for the default account; None for no such key.
    `check_webhook` asks Cal.com about an account's webhook, and returns its faults.
    """

    engine: AsyncEngine
    seal: Seal
    clock: Clock
    clients: Clients
    resolver: DestinationResolver
    calcom_url: str
    calcom_key: str | None
    check_webhook: Callable[[str], Awaitable[list[str]]]

    async def check(self, connection: Connection) -> ConnectionCheck:
        """Asks the other system; returns within _TIMEOUT_SECONDS, whatever the other system does."""
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                match connection.kind:
                    case kind if kind in KINDS:
                        return await self._check_destination(connection)
                    case "resend" | "smtp" as mail_kind:
                        return await self._check_mail_connection(connection, mail_kind)
                    case kind if kind == CALCOM:
                        return await self._check_calcom(connection)
                    case _:
                        return await self._check_credentials(connection)
        except DecryptionError as fault:
            return ConnectionCheck(faults=[f"its credentials can't be decrypted: {fault}"])
        except ValueError as fault:
            return ConnectionCheck(faults=[str(fault)])
        except TimeoutError:
            return ConnectionCheck(faults=[_too_slow(connection.kind)])

    async def check_mail(self, workspace: Workspace) -> ConnectionCheck:
        """Asks the provider of a workspace's mail, of the environment or of a connection. It sends no mail."""
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                return await _ask_provider(await self.resolver.mail(workspace))
        except DecryptionError as fault:
            return ConnectionCheck(faults=[f"the credentials can't be decrypted: {fault}"])
        except ValueError as fault:
            return ConnectionCheck(faults=[str(fault)])
        except TimeoutError:
            return ConnectionCheck(faults=[_too_slow("the mail provider")])

    async def _check_destination(self, connection: Connection) -> ConnectionCheck:
        faults = await connection_health.check_connection(self.engine, self.seal, self.clients, connection, self.clock)
        message = f"{connection.kind} accepts the credentials, and everything that the settings name exists"
        return ConnectionCheck(message=message, faults=faults)

    async def _check_mail_connection(self, connection: Connection, kind: MailKind) -> ConnectionCheck:
        async with transaction(self.engine) as tx:
            workspace = await workspaces_store.find(tx, connection.workspace)
        if workspace is None:
            return ConnectionCheck(faults=[f"the workspace {connection.workspace} no longer exists"])
        mail = await self.resolver.mail(workspace, kind)
        if isinstance(mail.transport, MailPreview):
            return ConnectionCheck(message="It has no credentials")
        return await _ask_provider(mail)

    async def _check_credentials(self, connection: Connection) -> ConnectionCheck:
        async with transaction(self.engine) as tx:
            found = await connections_store.credentials(tx, self.seal, connection.id)
        return ConnectionCheck(message="Its credentials can be decrypted" if found else "It has no credentials")

    async def _check_calcom(self, account: Connection) -> ConnectionCheck:
        async with transaction(self.engine) as tx:
            credentials = await connections_store.credentials(tx, self.seal, account.id) or {}
        key = credentials.get("api_key") or (self.calcom_key if account.name == DEFAULT else None)
        if key is None:
            return ConnectionCheck(message="no API key, so Showup can't compare its bookings with Cal.com's API")
        # A key is sent only to the Cal.com instance that it belongs to.
        own_url = account.settings.get("api_url")
        url = str(own_url or self.calcom_url).rstrip("/")
        fault = await _ask_calcom(self.clients, f"{url}/me", key, is_untrusted=bool(own_url))
        if fault is not None:
            return ConnectionCheck(faults=[fault])
        webhook_faults = [
            f"{one.rstrip('.')}: set the webhook on the page Connections, or run `showup calcom register`"
            for one in await self.check_webhook(account.name)
        ]
        return ConnectionCheck(message="Cal.com accepts the API key", faults=webhook_faults)


async def _ask_provider(mail: EmailDestination) -> ConnectionCheck:
    if isinstance(mail.transport, MailPreview):
        message = "not sent, but stored in the mail preview at /mail: set RESEND_API_KEY or SMTP_URL to send it"
        return ConnectionCheck(message=message)
    faults = await mail.transport.check_health()
    return ConnectionCheck(message=f"{mail.transport} accepts mail", faults=faults, is_sent=True)


async def _ask_calcom(clients: Clients, url: str, key: str, *, is_untrusted: bool) -> str | None:
    """Returns why Cal.com's API doesn't accept the key; None if it does."""
    headers = {"Authorization": f"Bearer {key}", "cal-api-version": "2024-06-14"}
    try:
        response = await clients.client_to(is_untrusted=is_untrusted).get(url, headers=headers)
    except PrivateAddress as refusal:
        return f"Cal.com's API can't be called: {refusal}"
    except httpx2.HTTPError as fault:
        return f"Cal.com's API did not respond ({type(fault).__name__}). Try again later"
    if response.status_code in (401, 403):
        return "Cal.com rejects the API key. Create another key there, and set it with `showup connections set`"
    return f"Cal.com's API responded with status {response.status_code}. Try again later" if response.is_error else None


def _too_slow(who: str) -> str:
    return f"{who} did not answer within {_TIMEOUT_SECONDS:.0f} seconds"
