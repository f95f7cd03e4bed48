"""`/metrics`: how Showup works, for Prometheus. Sums over all workspaces; nothing about anybody."""

import asyncio
from ipaddress import IPv6Address, ip_address
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response, Security
from fastapi.responses import PlainTextResponse
from fastapi.security import HTTPAuthorizationCredentials, SecurityScopes
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from showup.database.fault import MAY_MEAN_AWAY, is_away
from showup.inbox.door_metrics import is_shared
from showup.reads.measures import Measures, measures
from showup.web.api.shapes import shows
from showup.web.auth import bearer, permit_of
from showup.web.exposition import OfDatabase, OfPool
from showup.web.ground import Ground, OnGround
from showup.web.probes import ANSWERED_WITHIN
from showup.web.problems import Refusal

# Whoever has one of these came through a proxy, whatever address they seem to come from.
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via")
_EXAMPLE = """\
# HELP showup_applier_lag_seconds Age of the oldest raw event that waits to be applied.
# TYPE showup_applier_lag_seconds gauge
showup_applier_lag_seconds 0.042
"""

router = APIRouter(tags=["metrics"])


async def watcher(
    request: Request,
    ground: OnGround,
    needed: SecurityScopes,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> None:
    """Lets in whoever asks on this machine itself, and whoever has a key that opens all workspaces."""
    if credentials is None and _is_here(request):
        return
    permit = await permit_of(request, ground, needed, credentials)
    if permit.workspace_id is not None:
        raise Refusal("forbidden", "These are sums over all workspaces: use a key that is not for one alone.")


@router.get(
    "/metrics",
    response_class=PlainTextResponse,
    responses=shows(_EXAMPLE, media_type="text/plain"),
    dependencies=[Security(watcher, scopes=["read"])],
)
async def metrics(ground: OnGround) -> Response:
    """Show the metrics of the door, the appliers and the database in Prometheus' text format.

    On the machine itself, and not through a proxy, no key is needed; elsewhere one that opens all workspaces. What
    the appliers did is summed up in the database, so every web server of one database tells the same of it.
    """
    return Response(
        generate_latest(ground.door_metrics.registry()) + generate_latest(await _beside_the_door(ground)),
        media_type=CONTENT_TYPE_PLAIN_0_0_4,
    )


async def _beside_the_door(ground: Ground) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(OfDatabase(await _measured(ground)))
    if not is_shared():
        registry.register(OfPool(ground.engine))
        ProcessCollector(registry=registry)
    return registry


async def _measured(ground: Ground) -> Measures | None:
    try:
        async with asyncio.timeout(ANSWERED_WITHIN), ground.reading.connect() as tx:
            return await measures(tx)
    except MAY_MEAN_AWAY as fault:
        if not is_away(fault):
            raise
        return None


def _is_here(request: Request) -> bool:
    # The name matters too: a page of a stranger's may resolve to this machine in somebody's browser.
    asked_from, asked_for = request.client, request.url.hostname
    return (
        asked_from is not None
        and _is_loopback(asked_from.host)
        and asked_for is not None
        and (asked_for == "localhost" or _is_loopback(asked_for))
        and not any(header in request.headers for header in _FORWARDED)
    )


def _is_loopback(address: str) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return (mapped or found).is_loopback
