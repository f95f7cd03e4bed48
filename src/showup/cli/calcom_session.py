"""Implements `showup calcom register` and `status`, which call Cal.com's API with an account's key."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2
from msgspec import Struct

from showup.access.permission import Permission
from showup.cli.errors import CliError
from showup.cli.public_url import unreachable_warning
from showup.container import Container, build_api_access, open_http_clients
from showup.database.engine import driver_connection, transaction
from showup.reads.connections import list_connections
from showup.reconcile import webhook_registration
from showup.reconcile.account import ReconciledAccount, list_accounts_with_key
from showup.reconcile.webhook_registration import RegistrationResult, WebhookSecrets
from showup.sources.calcom.api_errors import CalcomRefused, CalcomUnavailable
from showup.sources.calcom.api_webhooks import WebhookScope
from showup.sources.calcom.client import CalcomClient
from showup.sources.calcom.registration import WebhookStatus
from showup.values.counted import counted

_REPAIR_HINT: Final = "run `showup calcom register` to repair it"


class CalcomSession(Struct, kw_only=True):
    """One account, and a Cal.com client that uses the account's API key. `client` calls Showup's own webhook URL."""

    container: Container
    client: httpx2.AsyncClient
    account: ReconciledAccount
    scope: WebhookScope
    calcom: CalcomClient

    @property
    def url(self) -> str:
        """Returns the account's webhook URL."""
        return f"{self.container.settings.public_url}/webhooks/calcom/{self.account.name}"

    @property
    def webhook_secrets(self) -> WebhookSecrets:
        """Returns the account's webhook secrets."""
        container = self.container
        return WebhookSecrets(
            container.engine,
            container.seal,
            container.clock,
            account=self.account.name,
            environment_secrets=container.environment_secrets,
        )

    async def register(self, wait: timedelta, *, report: Callable[[str], None]) -> dict[str, Any]:
        """Creates or repairs the webhook, tests it, and returns the result. Raises CliError."""
        if fault := unreachable_reason(self.url, self.account.url):
            raise CliError(f"{fault}.")
        user = await self._call(self.calcom.me())
        report(f"Cal.com accepts the API key, which belongs to {user.username or user.email}.")
        registration: RegistrationResult = await self._call(
            webhook_registration.register(self.calcom, self.url, self.webhook_secrets, self.scope)
        )
        report(
            f"The webhook {registration.webhook.id} was {'created' if registration.created else 'repaired'}: {self.url}"
        )
        if registration.omitted_triggers:
            report(
                f"This Cal.com does not support the triggers {', '.join(registration.omitted_triggers)}. "
                "Reconciliation finds the same changes."
            )
        # This Cal.com is private too, and may be in the same network.
        if warning := unreachable_warning(self.url):
            report(f"Warning: {warning}")
        faults = await self._send_test(report)
        if wait:
            faults += await self._wait_for_ping(wait, report)
        return {
            "account": self.account.name,
            "url": self.url,
            "webhook_id": registration.webhook.id,
            "created": registration.created,
            "omitted": list(registration.omitted_triggers),
            "warning": warning,
            "faults": faults,
        }

    async def status(self) -> dict[str, Any]:
        """Returns the account's status and the faults to correct."""
        faults: list[str] = []
        key = webhook = "unknown"
        try:
            user = await self.calcom.me()
            key = f"accepted, belongs to {user.username or user.email}"
            state = await webhook_registration.get_webhook_status(
                self.calcom, self.url, self.webhook_secrets, self.scope
            )
            webhook = _describe_webhook(state)
            faults += [f"{fault}: {_REPAIR_HINT}" for fault in state.faults]
        except CalcomRefused as refusal:
            # After Cal.com has accepted the key, a later refusal does not mean that the key is wrong.
            key = "refused" if key == "unknown" and refusal.status in (401, 403) else key
            faults.append(refusal.because)
        except CalcomUnavailable as unavailable:
            faults.append(unavailable.because)
        if fault := unreachable_reason(self.url, self.account.url):
            faults.append(fault)
        comparison, comparison_faults = await self._comparison()
        return {
            "account": self.account.name,
            "url": self.url,
            "key": key,
            "webhook": webhook,
            "last_received": await self._last_received(),
            "bookings": comparison,
            "faults": [*faults, *comparison_faults],
        }

    async def _comparison(self) -> tuple[str, list[str]]:
        """Returns how the bookings compare, as a sentence, and the faults to correct."""
        permission = Permission(actor="calcom status", scope="read", workspace_id=self.account.workspace_id)
        async with transaction(self.container.engine) as tx:
            connections = await list_connections(tx, permission, self.container.clock())
        connection = next((row["calcom"] for row in connections if row["id"] == self.account.id), None)
        faults = [] if connection is None or connection["message"] is None else [connection["message"]]
        if connection is None or connection["last_run"] is None:
            return "not compared yet; a running `showup serve` compares them automatically", faults
        run = connection["last_run"]
        repaired = _format_counts(run["repaired"])
        summary = f"{run['checked']} compared at {run['started_at']:%Y-%m-%d %H:%M} UTC, {repaired} repaired"
        if run["drifting"]:
            summary += f", {run['drifting']} differ and can't be repaired (see GET /api/connections)"
        return summary, faults

    async def _call(self, request: Any) -> Any:
        try:
            return await request
        except (CalcomUnavailable, CalcomRefused) as fault:
            raise CliError(f"{fault.because.rstrip('.')}.") from None

    async def _send_test(self, report: Callable[[str], None]) -> list[str]:
        """Sends a test webhook to our own public URL, which tests everything except Cal.com's part."""
        secret, *_ = await self.webhook_secrets.in_force()
        since = self.container.clock()
        fault = await webhook_registration.ping(self.client, self.url, secret, since)
        if fault is not None:
            return [
                f"{self.url} did not accept a test webhook from here: {fault}. Check that `showup serve` runs there"
            ]
        if await webhook_registration.wait_for_ping(self.container.engine, self.account.id, since) is None:
            return ["that URL accepts tests, but this database got none. Check whether another Showup runs there"]
        report("Showup received its own test webhook at that URL, signed with the new secret.")
        return []

    async def _wait_for_ping(self, wait: timedelta, report: Callable[[str], None]) -> list[str]:
        report(f'Waiting {wait.total_seconds():.0f} s for a ping: click "Ping test" at the webhook in Cal.com.')
        since = self.container.clock()
        if (
            await webhook_registration.wait_for_ping(self.container.engine, self.account.id, since, time_limit=wait)
            is None
        ):
            return ["Cal.com sent no ping in that time"]
        report("Showup received Cal.com's ping.")
        return []

    async def _last_received(self) -> str:
        async with transaction(self.container.engine) as tx:
            received_at: datetime | None = await (await driver_connection(tx)).fetchval(
                "SELECT max(received_at) FROM inbox_events WHERE account_id = $1 AND origin = 'webhook'",
                self.account.id,
            )
        return "never" if received_at is None else f"{received_at:%Y-%m-%d %H:%M:%S} UTC"


@asynccontextmanager
async def open_session(container: Container, name: str, scope: WebhookScope) -> AsyncIterator[CalcomSession]:
    """Opens a session for the account of that name. Raises CliError."""
    async with transaction(container.engine) as tx:
        accounts = {
            candidate.name: candidate for candidate in await list_accounts_with_key(tx, build_api_access(container))
        }
    if name not in accounts:
        raise CliError(
            f"There is no account {name!r} with an API key. Create a key at Cal.com (Settings > Developer > API keys), "
            f'then run: echo \'{{"api_key": "cal_live_…"}}\' | '
            f"showup connections set calcom {name} --credentials-file - (for `default`, CALCOM_API_KEY also works)."
        )
    account = accounts[name]
    if account.is_v1:
        raise CliError(
            "This account uses API v1, and only API v2 registers webhooks. Create the webhook in Cal.com's settings."
        )
    async with open_http_clients(container) as clients:
        client = clients.client_to(is_untrusted=account.is_own_url)
        calcom = CalcomClient(client, url=account.url, key=account.key, clock=container.clock)
        yield CalcomSession(container=container, client=clients.trusted, account=account, scope=scope, calcom=calcom)


async def statuses(container: Container, name: str | None, scope: WebhookScope) -> list[dict[str, Any]]:
    """Returns the status of the named account, or of each account that has a key."""
    async with transaction(container.engine) as tx:
        names = [
            account.name
            for account in await list_accounts_with_key(tx, build_api_access(container))
            if not account.is_v1
        ]
    if name is not None or not names:
        names = [name or "default"]
    rows = []
    for account in names:
        async with open_session(container, account, scope) as session:
            rows.append(await session.status())
    return rows


def unreachable_reason(url: str, api_url: str) -> str | None:
    """Returns why Cal.com can't call that URL, if this machine can detect a reason; else None."""
    if unreachable_warning(api_url) is not None:
        return None
    if warning := unreachable_warning(url):
        return warning.removesuffix(".")
    if urlsplit(url).scheme != "https":
        return f"Cal.com calls only https:// URLs, and this Showup's URL is {url}: set SHOWUP_URL"
    return None


def _format_counts(repaired: dict[str, int]) -> str:
    total = sum(repaired.values())
    return f"{total} ({', '.join(f'{count} {kind}' for kind, count in sorted(repaired.items()))})" if total else "none"


def _describe_webhook(registration: WebhookStatus) -> str:
    if registration.webhook is None:
        return "none"
    activity = "active" if registration.webhook.active else "switched off"
    return f"{registration.webhook.id}, {activity}, {counted(len(registration.webhook.triggers), 'trigger')}"
