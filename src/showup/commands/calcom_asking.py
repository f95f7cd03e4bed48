"""What `showup calcom register` and `status` do inside: Cal.com's API is asked with an account's key."""

import ipaddress
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from importlib.metadata import version
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2
from msgspec import Struct

from showup.access.permit import Permit
from showup.assembly import House, api_access
from showup.commands.refusal import Refused
from showup.database.engine import raw, transaction
from showup.destinations import wire
from showup.reads.connections import list_connections
from showup.reconcile import registering
from showup.reconcile.account import AskedAccount, askable
from showup.reconcile.registering import Registered, Secrets
from showup.sources.calcom.api import Calcom
from showup.sources.calcom.api_faults import CalcomAway, CalcomRefuses
from showup.sources.calcom.api_webhooks import WebhookScope
from showup.sources.calcom.registration import Standing

_PUT_RIGHT: Final = "`showup calcom register` puts it right"


class Asking(Struct, kw_only=True):
    """One account of a house, and Cal.com as its key shows it."""

    house: House
    client: httpx2.AsyncClient
    account: AskedAccount
    of: WebhookScope
    calcom: Calcom

    @property
    def url(self) -> str:
        """Where its webhooks come in."""
        return f"{self.house.settings.public_url}/webhooks/calcom/{self.account.name}"

    @property
    def secrets(self) -> Secrets:
        """Its webhook secrets."""
        built = self.house
        return Secrets(built.engine, built.seal, built.clock, account=self.account.name, given=built.secrets_given)

    async def register(self, wait: timedelta, *, say: Callable[[str], None]) -> dict[str, Any]:
        """Makes the webhook, tries it out, and answers with what came of it. Raises Refused."""
        if fault := unreachable(self.url, self.account.url):
            raise Refused(f"{fault}.")
        me = await self._asked(self.calcom.me())
        say(f"Cal.com accepts the key: it is {me.username or me.email}'s.")
        done: Registered = await self._asked(registering.register(self.calcom, self.url, self.secrets, self.of))
        say(f"The webhook {done.webhook.id} was {'made' if done.made else 'put right'}: {self.url}")
        if done.left_out:
            say(f"Cal.com does not know {', '.join(done.left_out)}: what these tell is found by reconciliation.")
        faults = await self._tried_out(say)
        if wait:
            faults += await self._pinged(wait, say)
        return {
            "account": self.account.name,
            "url": self.url,
            "webhook_id": done.webhook.id,
            "made": done.made,
            "left_out": list(done.left_out),
            "faults": faults,
        }

    async def status(self) -> dict[str, Any]:
        """How everything stands, and what there is to do about it."""
        faults: list[str] = []
        key = webhook = "not known"
        try:
            me = await self.calcom.me()
            key = f"accepted, it is {me.username or me.email}'s"
            stands = await registering.look(self.calcom, self.url, self.secrets, self.of)
            webhook = _shown(stands)
            faults += [f"{fault}: {_PUT_RIGHT}" for fault in stands.faults]
        except CalcomRefuses as refusal:
            # Whose key it is may be known by now, and still this is not for its owner to do.
            key = "refused" if key == "not known" and refusal.status in (401, 403) else key
            faults.append(refusal.because)
        except CalcomAway as away:
            faults.append(away.because)
        if fault := unreachable(self.url, self.account.url):
            faults.append(fault)
        compared, older = await self._compared()
        return {
            "account": self.account.name,
            "url": self.url,
            "key": key,
            "webhook": webhook,
            "last_heard": await self._last_heard(),
            "bookings": compared,
            "faults": [*faults, *older],
        }

    async def _compared(self) -> tuple[str, list[str]]:
        """How the bookings compare, in a sentence, and what there is to do about it."""
        permit = Permit(actor="calcom status", scope="read", workspace_id=self.account.workspace_id)
        async with transaction(self.house.engine) as tx:
            found = await list_connections(tx, permit, self.house.clock())
        known = next((one["calcom"] for one in found if one["id"] == self.account.id), None)
        faults = [] if known is None or known["message"] is None else [known["message"]]
        if known is None or known["last_run"] is None:
            return "not compared yet: `showup serve` does so by itself, from the moment it knows the key", faults
        run = known["last_run"]
        told = (
            f"{run['looked_at']} compared at {run['started_at']:%Y-%m-%d %H:%M} UTC, {_counted(run['healed'])} healed"
        )
        if run["drifting"]:
            told += f", {run['drifting']} differ and can't be healed (GET /api/connections shows them)"
        return told, faults

    async def _asked(self, call: Any) -> Any:
        try:
            return await call
        except (CalcomAway, CalcomRefuses) as fault:
            raise Refused(f"{fault.because.rstrip('.')}.") from None

    async def _tried_out(self, say: Callable[[str], None]) -> list[str]:
        """A test of our own, through our public address: all of the way but Cal.com's part of it."""
        secret, *_ = await self.secrets.in_force()
        since = self.house.clock()
        fault = await registering.ping(self.client, self.url, secret, since)
        if fault is not None:
            return [f"{self.url} does not take a test from here: {fault}. Look whether `showup serve` runs there"]
        if await registering.heard(self.house.engine, self.account.id, since) is None:
            return ["the address takes tests, and none reaches this database: look whether another Showup is behind it"]
        say("A test of our own came in by that address, signed with the new secret.")
        return []

    async def _pinged(self, wait: timedelta, say: Callable[[str], None]) -> list[str]:
        say(f'Waiting {wait.total_seconds():.0f} s for Cal.com: press "Ping test" at the webhook there.')
        since = self.house.clock()
        if await registering.heard(self.house.engine, self.account.id, since, within=wait) is None:
            return ["no ping came from Cal.com in that time"]
        say("Cal.com's ping came in.")
        return []

    async def _last_heard(self) -> str:
        async with transaction(self.house.engine) as tx:
            at: datetime | None = await (await raw(tx)).fetchval(
                "SELECT max(received_at) FROM calcom_events WHERE account_id = $1 AND origin = 'webhook'",
                self.account.id,
            )
        return "never" if at is None else f"{at:%Y-%m-%d %H:%M:%S} UTC"


@asynccontextmanager
async def asking(house: House, name: str, of: WebhookScope) -> AsyncIterator[Asking]:
    """The account of that name, ready to be asked. Raises Refused."""
    async with transaction(house.engine) as tx:
        found = {one.name: one for one in await askable(tx, api_access(house))}
    if name not in found:
        raise Refused(
            f"The account {name!r} has no API key, or there is none of that name: make a key at Cal.com (Settings, "
            f'Developer, API keys), then echo \'{{"api_key": "cal_live_…"}}\' | '
            f"showup connections set calcom {name} --credentials-file - (or set CALCOM_API_KEY for `default`)."
        )
    account = found[name]
    if account.is_v1:
        raise Refused("Webhooks can be registered by API v2 only; make this one by hand in Cal.com's settings.")
    async with wire.client(version("showup")) as client:
        calcom = Calcom(client, url=account.url, key=account.key, clock=house.clock)
        yield Asking(house=house, client=client, account=account, of=of, calcom=calcom)


async def statuses(house: House, name: str | None, of: WebhookScope) -> list[dict[str, Any]]:
    """How the account stands, or each that has a key."""
    async with transaction(house.engine) as tx:
        names = [one.name for one in await askable(tx, api_access(house)) if not one.is_v1]
    if name is not None or not names:
        names = [name or "default"]
    found = []
    for one in names:
        async with asking(house, one, of) as calcom:
            found.append(await calcom.status())
    return found


def unreachable(url: str, api_url: str) -> str | None:
    """Why Cal.com could not call that address, as far as can be told from here."""
    if _is_near(api_url):
        return None
    if _is_near(url):
        return f"Cal.com can't reach {url}: set SHOWUP_URL to the address that others reach this Showup by"
    if urlsplit(url).scheme != "https":
        return f"Cal.com calls https:// addresses only, and ours is {url}: set SHOWUP_URL"
    return None


def _is_near(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return host == "localhost" or host.endswith((".local", ".internal", ".localhost")) or "." not in host


def _counted(healed: dict[str, int]) -> str:
    total = sum(healed.values())
    return f"{total} ({', '.join(f'{many} {kind}' for kind, many in sorted(healed.items()))})" if total else "none"


def _shown(stands: Standing) -> str:
    if stands.webhook is None:
        return "none"
    state = "active" if stands.webhook.active else "switched off"
    return f"{stands.webhook.id}, {state}, {len(stands.webhook.triggers)} triggers"
