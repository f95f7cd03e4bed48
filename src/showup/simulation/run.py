"""One run against one Showup: send a world's news to its doors, then compare what its API says."""

import ipaddress
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx2

from showup.simulation.chaos import ruined
from showup.simulation.compare import Difference, differences
from showup.simulation.news import News
from showup.simulation.reading import Reader, caught_up
from showup.simulation.render import render
from showup.simulation.sender import Answer, Pace, Summary, send
from showup.simulation.truth import Truth, truth_of
from showup.simulation.wire import Door, Outgoing
from showup.simulation.world import World

# One slow answer does not end a run: a busy Showup says 503 long before this many seconds.
_PATIENCE = httpx2.Timeout(30.0)


@dataclass(frozen=True, slots=True)
class Checked:
    """`unsettled` counts the events that were not applied in time; then a difference may be only a delay."""

    truth: Truth
    differences: list[Difference]
    unsettled: int

    @property
    def ok(self) -> bool:
        """Whether everything was applied and is as it should be."""
        return not self.differences and not self.unsettled


def door(url: str, account: str | None, secret: str) -> Door:
    """The door of one Cal.com account at a Showup; without a name that of its default account."""
    path = "/webhooks/calcom" + (f"/{account}" if account else "")
    return Door(url.rstrip("/") + path, secret)


def is_loopback(url: str) -> bool:
    """Whether `url` leads to this very machine."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def webhooks(world: World, doors: Sequence[Door], *, chaos: bool) -> list[Outgoing]:
    """What is sent, in sending order; with fewer doors than accounts the accounts share them."""
    told: Sequence[News] = ruined(world.news, world.seed) if chaos else world.news
    return [Outgoing(doors[one.account % len(doors)], render(one)) for one in told]


async def play(outgoing: Sequence[Outgoing], pace: Pace, on_answer: Callable[[Answer], None]) -> Summary:
    """Sends it all."""
    limits = httpx2.Limits(max_connections=pace.at_once, max_keepalive_connections=pace.at_once)
    # The machine's proxy settings are for the way out: a simulation talks to the address it was given.
    async with httpx2.AsyncClient(timeout=_PATIENCE, limits=limits, trust_env=False) as client:
        return await send(client, outgoing, pace, on_answer)


async def compare(url: str, key: str, world: World, summary: Summary, *, within_for: float) -> Checked:
    """Waits at most `within_for` seconds for Showup to catch up, then compares; raises `CannotRead`."""
    bearer = {"Authorization": f"Bearer {key}"}
    truth = truth_of(world.news)
    addresses = {one.email.lower() for told in world.news if told.booking for one in told.booking.attendees}
    async with httpx2.AsyncClient(base_url=url, headers=bearer, timeout=_PATIENCE, trust_env=False) as client:
        reader = Reader(client)
        left = await caught_up(reader, summary.event_ids, within_for=within_for)
        return Checked(truth, differences(truth, await reader.standing(world.tag, addresses)), len(left))
