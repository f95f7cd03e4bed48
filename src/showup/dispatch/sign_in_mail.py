"""Sends the link that somebody asked for on the sign-in page. No delivery stores it: its readers could sign in."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final
from uuid import UUID, uuid4

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.access import connections_store, workspaces_store
from showup.access.teammate import Teammate
from showup.access.workspace import DEFAULT
from showup.connections import senders_store
from showup.database.engine import transaction
from showup.destinations.contract import CannotRender, Delivered, TryAgain
from showup.destinations.email.destination import MailPreview
from showup.destinations.email.sign_in import sign_in_mail
from showup.destinations.email.templates import Templates
from showup.dispatch.destination_context import Clients
from showup.dispatch.destination_resolver import MAIL_KINDS, DestinationResolver

_PAUSES: Final = (2.0, 10.0)
_TIMEOUT: Final = 20.0

_log = structlog.get_logger()


class SignInMailer:
    """Sends mails to teammates over the mail of one of their workspaces.

    `sender` is the address that they come from, None if showup.toml names none: then the workspace's own sender is
    used. `environment_carrier`: the environment has a mail account.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        open_clients: Callable[[], AbstractAsyncContextManager[Clients]],
        build_resolver: Callable[[Clients], DestinationResolver],
        *,
        sender: str | None,
        environment_carrier: bool,
    ) -> None:
        self._engine = engine
        self._open_clients = open_clients
        self._build_resolver = build_resolver
        self._sender = sender
        self._has_environment_carrier = environment_carrier

    async def can_send(self) -> bool:
        """Return whether there is a sender, and a workspace has a mail account."""
        async with transaction(self._engine) as tx:
            if self._sender is None and not await senders_store.have_any(tx):
                return False
            if self._has_environment_carrier:
                return True
            found = await connections_store.list_connections(tx)
        return any(one.kind in MAIL_KINDS and one.has_credentials for one in found)

    async def send(self, teammate: Teammate, workspace_ids: Sequence[UUID], url: str, *, minutes: int) -> None:
        """Send the link, by the first of the workspaces that has mail, or by the default one; log a failure."""
        try:
            async with self._open_clients() as clients:
                because = await self._send(self._build_resolver(clients), teammate, workspace_ids, url, minutes)
        except (CannotRender, ValueError) as fault:
            because = str(fault)
        if because is not None:
            _log.warning("sign-in link not sent", because=because)

    async def _send(
        self, resolver: DestinationResolver, teammate: Teammate, workspace_ids: Sequence[UUID], url: str, minutes: int
    ) -> str | None:
        """Return why the mail was not sent; None if it was."""
        async with transaction(self._engine) as tx:
            workspaces = [await workspaces_store.get(tx, one) for one in workspace_ids]
            default = await workspaces_store.find(tx, DEFAULT)
            # The last one is for all other meetings.
            own = {
                one.id: rules[-1].address
                for one in (*workspaces, default)
                if one is not None and (rules := await senders_store.sender_rules(tx, one.id))
            }
        for workspace in (*workspaces, default):
            mail = None if workspace is None else await resolver.mail(workspace)
            if mail is not None and not isinstance(mail.transport, MailPreview):
                break
        else:
            return "no workspace of the teammate has a mail account"
        # The sender of the workspace whose mail account is used, else another one of the teammate's.
        own_sender = next((own[one.id] for one in (workspace, *workspaces) if one is not None and one.id in own), None)
        sender = self._sender or own_sender
        if sender is None:
            return "there is no sender: add one in Settings, Senders"
        content = sign_in_mail(
            Templates(), sender=sender, email=teammate.email, name=teammate.name, url=url, minutes=minutes
        )
        mail_id = uuid4()
        for pause in (*_PAUSES, None):
            try:
                async with asyncio.timeout(_TIMEOUT):
                    outcome = await mail.transport.send(mail_id, content)
            except TimeoutError:
                outcome = TryAgain(because=f"the mail server did not answer within {_TIMEOUT:.0f} seconds")
            if isinstance(outcome, Delivered):
                return None
            if pause is None or not isinstance(outcome, TryAgain):
                return outcome.because
            await asyncio.sleep(pause)
        return None
