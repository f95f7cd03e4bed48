"""`/metrics`: Prometheus metrics, summed over all workspaces, without personal data."""

import asyncio
from ipaddress import IPv6Address, ip_address
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response, Security
from fastapi.responses import PlainTextResponse
from fastapi.security import HTTPAuthorizationCredentials, SecurityScopes
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from showup.database.fault import POSSIBLE_OUTAGES, is_outage
from showup.inbox.ingest_metrics import is_shared
from showup.reads.metrics import SystemMetrics, read_metrics
from showup.web.api.schemas import ok_response
from showup.web.exposition import DatabaseCollector, PoolCollector
from showup.web.http.app_state import AppState, State
from showup.web.http.auth import bearer, get_permission
from showup.web.http.problems import Refusal
from showup.web.probes import PROBE_TIMEOUT

# A request with one of these headers came through a proxy, whatever its client address is.
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via")
_EXAMPLE = """\
# HELP showup_projection_lag_seconds Age of the oldest inbox event that waits to be applied.
# TYPE showup_projection_lag_seconds gauge
showup_projection_lag_seconds 0.042
"""

router = APIRouter(tags=["metrics"])


async def require_metrics_access(
    request: Request,
    state: State,
    required: SecurityScopes,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> None:
    """Allow requests from this machine, and keys for all workspaces."""
    if credentials is None and _is_local(request):
        return
    permission = await get_permission(request, state, required, credentials)
    if permission.workspace_id is not None:
        raise Refusal("forbidden", "These metrics are sums over all workspaces. Use a key for all workspaces.")


@router.get(
    "/metrics",
    response_class=PlainTextResponse,
    responses=ok_response(_EXAMPLE, media_type="text/plain"),
    dependencies=[Security(require_metrics_access, scopes=["read"])],
)
async def get_metrics(state: State) -> Response:
    """Get the metrics of the webhook endpoint, the projectors and the database in Prometheus' text format.

    Requests from the same machine that do not pass through a proxy need no key. Other requests need a key for all
    workspaces. The projectors' metrics are summed in the database, so all web servers of one database report the same
    values.
    """
    return Response(
        generate_latest(state.ingest_metrics.registry()) + generate_latest(await _system_registry(state)),
        media_type=CONTENT_TYPE_PLAIN_0_0_4,
    )


async def _system_registry(state: AppState) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(DatabaseCollector(await _read_system_metrics(state)))
    if not is_shared():
        registry.register(PoolCollector(state.engine))
        ProcessCollector(registry=registry)
    return registry


async def _read_system_metrics(state: AppState) -> SystemMetrics | None:
    try:
        async with asyncio.timeout(PROBE_TIMEOUT), state.read_engine.connect() as tx:
            return await read_metrics(tx)
    except POSSIBLE_OUTAGES as fault:
        if not is_outage(fault):
            raise
        return None


def _is_local(request: Request) -> bool:
    # The host name matters too: in a user's browser, an attacker's domain may resolve to this machine.
    client, host_name = request.client, request.url.hostname
    return (
        client is not None
        and _is_loopback(client.host)
        and host_name is not None
        and (host_name == "localhost" or _is_loopback(host_name))
        and not any(header in request.headers for header in _FORWARDED)
    )


def _is_loopback(address: str) -> bool:
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    mapped = ip.ipv4_mapped if isinstance(ip, IPv6Address) else None
    return (mapped or ip).is_loopback
