"""The webhook at Cal.com: made, put right and looked at, by its API, with a secret that no moment is without."""

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
from showup.access.account import DEFAULT, KEPT_FOR, Credentials, WebhookSecret, make_secret, rotated
from showup.access.directory import FRESH_FOR
from showup.access.secrets_at_rest import Seal
from showup.clock import Clock
from showup.database.engine import raw, transaction
from showup.sources.calcom.api_faults import CalcomRefuses
from showup.sources.calcom.api_webhooks import Webhook, WebhookScope, WebhookWanted
from showup.sources.calcom.registration import NEWER, Standing, for_older, standing, wanted
from showup.sources.calcom.signature import sign

_HEARD_WITHIN: Final = timedelta(seconds=10)
_LOOKS_EVERY: Final = 0.25


class Asked(Protocol):
    """What of Cal.com's API this needs."""

    async def webhooks(self, of: WebhookScope) -> list[Webhook]: ...
    async def create_webhook(self, wanted: WebhookWanted, of: WebhookScope) -> Webhook: ...
    async def change_webhook(self, webhook_id: str, wanted: WebhookWanted, of: WebhookScope) -> Webhook: ...


class Secrets:
    """The webhook secrets of one account. `given` are the environment's, which nobody but the environment changes."""

    def __init__(self, engine: AsyncEngine, seal: Seal, clock: Clock, *, account: str, given: tuple[str, ...]) -> None:
        self._engine = engine
        self._seal = seal
        self._clock = clock
        self._account = account
        self._given = given if account == DEFAULT else ()

    async def in_force(self) -> tuple[str, ...]:
        """Those that are taken at this moment, newest first."""
        return (*self._given, *(one.value for one in (await self._read()).webhook_secrets if self._is_good(one)))

    async def fresh(self) -> str:
        """A secret for Cal.com: taken from now on beside all others, which end only by `settle`.

        Whoever dies between the two leaves one secret too many, and none too few.
        """
        if self._given:
            return self._given[0]
        secret = make_secret()
        await self._change(
            lambda before: msgspec.structs.replace(
                before, webhook_secrets=(WebhookSecret(secret), *before.webhook_secrets)
            )
        )
        return secret

    async def settle(self, secret: str) -> None:
        """Cal.com has the secret: older ones end a day later, for what is still on its way."""
        if not self._given:
            now = self._clock()
            await self._change(lambda before: rotated(before, secret, now=now, kept_for=KEPT_FOR))

    async def forget(self, secret: str) -> None:
        """Cal.com did not take it."""
        if not self._given:
            await self._change(
                lambda before: msgspec.structs.replace(
                    before, webhook_secrets=tuple(one for one in before.webhook_secrets if one.value != secret)
                )
            )

    def _is_good(self, secret: WebhookSecret) -> bool:
        return secret.valid_until is None or self._clock() < secret.valid_until

    async def _read(self) -> Credentials:
        async with transaction(self._engine) as tx:
            found = await accounts_store.list_accounts(tx, [self._account])
        return found[0].credentials(self._seal) if found else Credentials()

    async def _change(self, change: Callable[[Credentials], Credentials]) -> None:
        async with transaction(self._engine) as tx:
            account = await accounts_store.find_to_change(tx, self._account)
            if account is not None:
                after = change(account.credentials(self._seal))
                await accounts_store.set_credentials(tx, self._seal, account.id, after)


class Registered(Struct, frozen=True, kw_only=True):
    """What was done: `made` is False where one that stood was changed; `left_out` are triggers not known there."""

    webhook: Webhook
    made: bool
    left_out: tuple[str, ...] = ()


async def look(calcom: Asked, url: str, secrets: Secrets, of: WebhookScope) -> Standing:
    """How our webhook stands there."""
    return standing(await calcom.webhooks(of), url, await secrets.in_force(), of)


async def register(
    calcom: Asked,
    url: str,
    secrets: Secrets,
    of: WebhookScope,
    *,
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Registered:
    """Makes our webhook, or puts the one of our address right, with a fresh secret either way."""
    stands = (await look(calcom, url, secrets, of)).webhook
    secret = await secrets.fresh()
    # Every process that takes webhooks knows it before Cal.com does.
    await pause(FRESH_FOR.total_seconds())
    try:
        registered = await _put(calcom, wanted(url, secret, of), of, stands)
    except CalcomRefuses:
        # It said no: nothing there can have the secret. A call that got no answer may well have done its work.
        await secrets.forget(secret)
        raise
    await secrets.settle(secret)
    return registered


async def _put(calcom: Asked, needed: WebhookWanted, of: WebhookScope, stands: Webhook | None) -> Registered:
    async def put(asked: WebhookWanted) -> Webhook:
        if stands is None:
            return await calcom.create_webhook(asked, of)
        return await calcom.change_webhook(stands.id, asked, of)

    try:
        return Registered(webhook=await put(needed), made=stands is None)
    except CalcomRefuses as refusal:
        if refusal.status not in (400, 422):
            raise
    return Registered(webhook=await put(for_older(needed)), made=stands is None, left_out=NEWER)


async def ping(client: httpx2.AsyncClient, url: str, secret: str, now: datetime) -> str | None:
    """Sends Cal.com's own test to our public address, signed; what is wrong with the answer, None when it was taken."""
    told = f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}Z"
    test = {"type": "Test", "title": "Test trigger event", "description": "Showup looks whether it hears itself"}
    body = msgspec.json.encode({"triggerEvent": "PING", "createdAt": told, "payload": test})
    headers = {
        "Content-Type": "application/json",
        "X-Cal-Signature-256": sign(secret.encode(), body),
        "X-Cal-Webhook-Version": "2021-10-20",
    }
    try:
        answer = await client.post(url, content=body, headers=headers)
    except httpx2.HTTPError as fault:
        return f"nothing answers there ({type(fault).__name__})"
    return None if answer.status_code == 200 else f"it answers {answer.status_code}"


async def heard(
    engine: AsyncEngine,
    account_id: UUID,
    since: datetime,
    *,
    within: timedelta = _HEARD_WITHIN,
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> datetime | None:
    """When a webhook's test reached the log after `since`; None when none does within that time."""
    for _ in range(max(1, round(within.total_seconds() / _LOOKS_EVERY))):
        async with transaction(engine) as tx:
            at: datetime | None = await (await raw(tx)).fetchval(
                """
                SELECT max(received_at) FROM calcom_events
                WHERE account_id = $1 AND trigger = 'PING' AND origin = 'webhook' AND received_at >= $2
                """,
                account_id,
                since,
            )
        if at is not None:
            return at
        await pause(_LOOKS_EVERY)
    return None
