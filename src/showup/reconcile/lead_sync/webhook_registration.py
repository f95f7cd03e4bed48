"""Creates, repairs and checks the webhook at EmailBison; a valid secret exists at every moment."""

from typing import Final, Literal, TypeAlias

import httpx2
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.access import webhook_tokens_store
from showup.access.secrets_at_rest import Seal
from showup.clock import Clock
from showup.database.engine import transaction
from showup.destinations.contract import GaveUp
from showup.destinations.emailbison.client import EmailBisonClient
from showup.destinations.emailbison.objects import Webhook
from showup.destinations.vendor_api import VendorError
from showup.reconcile.lead_sync.source import LeadSource

EVENTS: Final = ("email_bounced", "lead_interested", "lead_replied", "lead_unsubscribed")
"""The events that say something new about a lead; sent mails are counted by the statistics."""

_NAME: Final = "Showup"
# EmailBison's own types are others, so Showup stores this one and ignores it.
_TEST: Final = b'{"event": {"type": "SHOWUP_TEST"}, "data": {}}'

WebhookState: TypeAlias = Literal["registered", "outdated", "missing"]


class LeadWebhook(Struct, frozen=True, kw_only=True):
    """The result: `created` is False where an existing webhook was changed. `url` contains the secret."""

    webhook_id: int
    url: str
    created: bool
    created_variable: str | None = None


class WebhookRegistration:
    """The webhook of one source, which leads to `public_url`."""

    def __init__(
        self,
        client: EmailBisonClient,
        source: LeadSource,
        *,
        engine: AsyncEngine,
        seal: Seal,
        clock: Clock,
        public_url: str,
    ) -> None:
        self._client = client
        self._source = source
        self._engine = engine
        self._seal = seal
        self._clock = clock
        self._base = f"{public_url}/webhooks/emailbison/"

    async def register(self) -> LeadWebhook:
        """Creates the webhook, or repairs it, either way with a new secret. Raises VendorError.

        The custom variable of the status is created too, if it is missing.
        """
        created_variable = await self._ensure_variable()
        existing = await self._own_webhooks()
        async with transaction(self._engine) as tx:
            token = await webhook_tokens_store.add_token(tx, self._seal, self._source.id, self._clock())
        try:
            webhook = await self._upsert(existing[0] if existing else None, f"{self._base}{token}")
        except VendorError as fault:
            # Refused, so EmailBison can't have the secret. A call without an answer may have succeeded.
            if isinstance(fault.outcome, GaveUp):
                async with transaction(self._engine) as tx:
                    await webhook_tokens_store.remove_token(tx, self._seal, self._source.id, token, self._clock())
            raise
        async with transaction(self._engine) as tx:
            await webhook_tokens_store.expire_older(tx, self._seal, self._source.id, token, self._clock())
        for repeated in existing[1:]:
            await self._client.delete_webhook(repeated.id)
        return LeadWebhook(
            webhook_id=webhook.id,
            url=f"{self._base}{token}",
            created=not existing,
            created_variable=created_variable,
        )

    async def state(self) -> WebhookState:
        """Returns whether EmailBison sends all events to a valid address. Raises VendorError."""
        async with transaction(self._engine) as tx:
            tokens = await webhook_tokens_store.list_tokens(tx, self._seal, self._source.id, self._clock())
        webhooks = await self._own_webhooks()
        if not webhooks:
            return "missing"
        addresses = {f"{self._base}{token}" for token in tokens}
        is_current = any(one.url in addresses and set(EVENTS) <= set(one.events) for one in webhooks)
        return "registered" if is_current else "outdated"

    async def _own_webhooks(self) -> list[Webhook]:
        prefix = f"{self._base}{self._source.id.hex}"
        return [one async for one in self._client.list_webhooks() if one.url.startswith(prefix)]

    async def _upsert(self, existing: Webhook | None, url: str) -> Webhook:
        if existing is None:
            return await self._client.create_webhook(_NAME, url, EVENTS)
        return await self._client.update_webhook(existing.id, existing.name or _NAME, url, EVENTS)

    async def _ensure_variable(self) -> str | None:
        """Creates the custom variable of the status if it is missing; returns its name then."""
        name = self._source.settings.status_variable
        if not name or any([one.is_named(name) async for one in self._client.list_variables()]):
            return None
        await self._client.create_variable(name)
        return name


async def send_test(client: httpx2.AsyncClient, url: str) -> str | None:
    """Sends a test to our own public address; returns the error, or None when Showup stored it."""
    try:
        answer = await client.post(url, content=_TEST, headers={"Content-Type": "application/json"})
    except httpx2.HTTPError as fault:
        return f"no response ({type(fault).__name__})"
    return None if answer.status_code == httpx2.codes.OK else f"it responded with HTTP status {answer.status_code}"
