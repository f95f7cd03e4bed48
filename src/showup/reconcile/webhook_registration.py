"""Creates, repairs and checks the webhook at Cal.com through its API; a valid secret exists at every moment."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final, Protocol
from uuid import UUID

import httpx2
import msgspec
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.access import accounts_store
from showup.access.account import DEFAULT, SECRET_OVERLAP, Credentials, WebhookSecret, make_secret, rotate_credentials
from showup.access.directory import MAX_AGE
from showup.access.secrets_at_rest import Seal
from showup.clock import Clock
from showup.database.engine import driver_connection, transaction
from showup.sources.calcom.api_errors import CalcomRefused
from showup.sources.calcom.api_webhooks import RegisteredWebhook, WebhookScope, WebhookSpec
from showup.sources.calcom.registration import (
    NEWER_TRIGGERS,
    WebhookStatus,
    build_webhook_spec,
    check_webhook,
    without_newer_triggers,
)
from showup.sources.calcom.signature import sign

_PING_TIMEOUT: Final = timedelta(seconds=10)
_POLL_INTERVAL: Final = 0.25


class WebhookApi(Protocol):
    """The calls of Cal.com's API that the registration needs."""

    async def webhooks(self, scope: WebhookScope) -> list[RegisteredWebhook]: ...
    async def create_webhook(self, spec: WebhookSpec, scope: WebhookScope) -> RegisteredWebhook: ...
    async def change_webhook(self, webhook_id: str, spec: WebhookSpec, scope: WebhookScope) -> RegisteredWebhook: ...


class WebhookSecrets:
    """The webhook secrets of one account. Only the environment changes `environment_secrets`."""

    def __init__(
        self, engine: AsyncEngine, seal: Seal, clock: Clock, *, account: str, environment_secrets: tuple[str, ...]
    ) -> None:
        self._engine = engine
        self._seal = seal
        self._clock = clock
        self._account = account
        self._environment_secrets = environment_secrets if account == DEFAULT else ()

    async def in_force(self) -> tuple[str, ...]:
        """Returns the secrets that are valid now, newest first."""
        return (
            *self._environment_secrets,
            *(one.value for one in (await self._read()).webhook_secrets if self._is_valid(one)),
        )

    async def create_secret(self) -> str:
        """Creates a secret for Cal.com, valid beside all others from now on; only `expire_older` ends those.

        A process that dies between the two leaves one secret too many, and none too few.
        """
        if self._environment_secrets:
            return self._environment_secrets[0]
        secret = make_secret()
        await self._change(
            lambda before: msgspec.structs.replace(
                before, webhook_secrets=(WebhookSecret(secret), *before.webhook_secrets)
            )
        )
        return secret

    async def expire_older(self, secret: str) -> None:
        """Lets older secrets expire a day after Cal.com has the new one, for webhooks that are still on their way."""
        if not self._environment_secrets:
            now = self._clock()
            await self._change(lambda before: rotate_credentials(before, secret, now=now, overlap=SECRET_OVERLAP))

    async def remove_secret(self, secret: str) -> None:
        """Removes a secret that Cal.com did not accept."""
        if not self._environment_secrets:
            await self._change(
                lambda before: msgspec.structs.replace(
                    before, webhook_secrets=tuple(one for one in before.webhook_secrets if one.value != secret)
                )
            )

    def _is_valid(self, secret: WebhookSecret) -> bool:
        return secret.valid_until is None or self._clock() < secret.valid_until

    async def _read(self) -> Credentials:
        async with transaction(self._engine) as tx:
            found = await accounts_store.list_accounts(tx, [self._account])
        return found[0].credentials(self._seal) if found else Credentials()

    async def _change(self, change: Callable[[Credentials], Credentials]) -> None:
        async with transaction(self._engine) as tx:
            account = await accounts_store.find_for_update(tx, self._account)
            if account is not None:
                after = change(account.credentials(self._seal))
                await accounts_store.set_credentials(tx, self._seal, account.id, after)


class RegistrationResult(Struct, frozen=True, kw_only=True):
    """The result: `created` is False where an existing webhook was changed.

    `omitted_triggers` are triggers that this Cal.com does not know.
    """

    webhook: RegisteredWebhook
    created: bool
    omitted_triggers: tuple[str, ...] = ()


async def get_webhook_status(
    calcom: WebhookApi, url: str, secrets: WebhookSecrets, scope: WebhookScope
) -> WebhookStatus:
    """Returns the status of our webhook at Cal.com."""
    return check_webhook(await calcom.webhooks(scope), url, await secrets.in_force(), scope)


async def register(
    calcom: WebhookApi,
    url: str,
    secrets: WebhookSecrets,
    scope: WebhookScope,
    *,
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> RegistrationResult:
    """Creates our webhook, or repairs the one with our address; either way with a new secret."""
    existing = (await get_webhook_status(calcom, url, secrets, scope)).webhook
    secret = await secrets.create_secret()
    # Every process that receives webhooks knows the secret before Cal.com does.
    await pause(MAX_AGE.total_seconds())
    try:
        registered = await _upsert(calcom, build_webhook_spec(url, secret, scope), scope, existing)
    except CalcomRefused:
        # Cal.com refused, so it can't have the secret. A call without an answer may have succeeded.
        await secrets.remove_secret(secret)
        raise
    await secrets.expire_older(secret)
    return registered


async def _upsert(
    calcom: WebhookApi, spec: WebhookSpec, scope: WebhookScope, existing: RegisteredWebhook | None
) -> RegistrationResult:
    async def upsert(variant: WebhookSpec) -> RegisteredWebhook:
        if existing is None:
            return await calcom.create_webhook(variant, scope)
        return await calcom.change_webhook(existing.id, variant, scope)

    try:
        return RegistrationResult(webhook=await upsert(spec), created=existing is None)
    except CalcomRefused as refusal:
        if refusal.status not in (400, 422):
            raise
    return RegistrationResult(
        webhook=await upsert(without_newer_triggers(spec)), created=existing is None, omitted_triggers=NEWER_TRIGGERS
    )


async def ping(client: httpx2.AsyncClient, url: str, secret: str, now: datetime) -> str | None:
    """Sends Cal.com's own test to our public address, signed; returns the error, or None when it was accepted."""
    sent_at = f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}Z"
    payload = {"type": "Test", "title": "Test trigger event", "description": "Showup tests its own webhook endpoint"}
    body = msgspec.json.encode({"triggerEvent": "PING", "createdAt": sent_at, "payload": payload})
    headers = {
        "Content-Type": "application/json",
        "X-Cal-Signature-256": sign(secret.encode(), body),
        "X-Cal-Webhook-Version": "2021-10-20",
    }
    try:
        answer = await client.post(url, content=body, headers=headers)
    except httpx2.HTTPError as fault:
        return f"no response ({type(fault).__name__})"
    return None if answer.status_code == 200 else f"it responded with HTTP status {answer.status_code}"


async def wait_for_ping(
    engine: AsyncEngine,
    account_id: UUID,
    since: datetime,
    *,
    time_limit: timedelta = _PING_TIMEOUT,
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> datetime | None:
    """Returns when a test of the webhook reached the log after `since`; None when none arrives in time."""
    for _ in range(max(1, round(time_limit.total_seconds() / _POLL_INTERVAL))):
        async with transaction(engine) as tx:
            at: datetime | None = await (await driver_connection(tx)).fetchval(
                """
                SELECT max(received_at) FROM inbox_events
                WHERE account_id = $1 AND trigger = 'PING' AND origin = 'webhook' AND received_at >= $2
                """,
                account_id,
                since,
            )
        if at is not None:
            return at
        await pause(_POLL_INTERVAL)
    return None
