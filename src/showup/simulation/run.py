"""One run against one Showup: sends a world's events to the webhook endpoints, then compares the API's data."""

import ipaddress
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx2

from showup.simulation.api_reader import ApiReader, wait_until_processed
from showup.simulation.campaign_truth import (
    MatchCounts,
    count_matches,
    expected_funnels,
    find_funnel_differences,
    find_match_differences,
)
from showup.simulation.campaigns import SimulatedLead, lead_files
from showup.simulation.chaos import apply_chaos
from showup.simulation.compare import TruthDifference, find_differences
from showup.simulation.models import SimulatedWebhook
from showup.simulation.render import render
from showup.simulation.sender import SendOptions, SendResult, SendSummary, send
from showup.simulation.truth import Truth, truth_of
from showup.simulation.wire import OutgoingWebhook, TargetEndpoint
from showup.simulation.world import World

# One slow answer does not end a run: a busy Showup answers 503 long before this many seconds.
_TIMEOUT = httpx2.Timeout(30.0)
# A file of leads is answered when all of them are imported and matched.
_IMPORT_TIMEOUT = httpx2.Timeout(300.0)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """`unprocessed` counts events that were not applied in time; then a difference may be only a delay.

    `matches` compares the matches of a run with campaigns.
    """

    truth: Truth
    differences: list[TruthDifference]
    unprocessed: int
    matches: MatchCounts | None = None

    @property
    def is_ok(self) -> bool:
        """Returns whether everything was applied and is as expected."""
        return not self.differences and not self.unprocessed


def target_endpoint(url: str, account: str | None, secret: str) -> TargetEndpoint:
    """Returns the webhook endpoint of a Cal.com account at a Showup; without a name, of its default account."""
    path = "/webhooks/calcom" + (f"/{account}" if account else "")
    return TargetEndpoint(url.rstrip("/") + path, secret)


def is_loopback(url: str) -> bool:
    """Returns whether `url` leads to this machine."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def outgoing_webhooks(world: World, endpoints: Sequence[TargetEndpoint], *, chaos: bool) -> list[OutgoingWebhook]:
    """Returns the webhooks in sending order, marked as simulated; accounts share the endpoints if those are fewer."""
    webhooks: Sequence[SimulatedWebhook] = apply_chaos(world.webhooks, world.seed) if chaos else world.webhooks
    return [
        OutgoingWebhook(endpoints[webhook.account % len(endpoints)], render(webhook), simulated=True)
        for webhook in webhooks
    ]


async def send_all(
    outgoing: Sequence[OutgoingWebhook], options: SendOptions, on_result: Callable[[SendResult], None]
) -> SendSummary:
    """Sends all webhooks."""
    limits = httpx2.Limits(max_connections=options.concurrency, max_keepalive_connections=options.concurrency)
    # The machine's proxy settings are for external requests: a simulation connects directly to the given address.
    async with httpx2.AsyncClient(timeout=_TIMEOUT, limits=limits, trust_env=False) as client:
        return await send(client, outgoing, options, on_result)


async def import_leads(url: str, key: str, leads: Sequence[SimulatedLead]) -> None:
    """Imports leads of the run's campaigns. Raises ApiReadError."""
    bearer = {"Authorization": f"Bearer {key}"}
    async with httpx2.AsyncClient(base_url=url, headers=bearer, timeout=_IMPORT_TIMEOUT, trust_env=False) as client:
        reader = ApiReader(client)
        for file in lead_files(leads):
            await reader.import_leads(file)


async def check_run(url: str, key: str, world: World, summary: SendSummary, *, time_limit: float) -> CheckResult:
    """Waits at most `time_limit` seconds for Showup to catch up, then compares. Raises ApiReadError."""
    bearer = {"Authorization": f"Bearer {key}"}
    truth = truth_of(world.webhooks)
    addresses = {
        attendee.email.lower()
        for webhook in world.webhooks
        if webhook.booking
        for attendee in webhook.booking.attendees
    }
    async with httpx2.AsyncClient(base_url=url, headers=bearer, timeout=_TIMEOUT, trust_env=False) as client:
        reader = ApiReader(client)
        remaining = await wait_until_processed(reader, summary.event_ids, time_limit=time_limit)
        differences = find_differences(truth, await reader.read_truth(world.tag, addresses))
        if not world.leads:
            return CheckResult(truth, differences, len(remaining))
        matches = await reader.read_matches()
        funnels = expected_funnels(world.leads, truth.bookings, matches)
        differences += find_match_differences(world.leads, truth.bookings, matches)
        differences += find_funnel_differences(funnels, await reader.read_funnels(funnels))
        return CheckResult(truth, differences, len(remaining), count_matches(world.leads, truth.bookings, matches))
