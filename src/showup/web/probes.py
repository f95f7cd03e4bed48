"""Health probes for the process manager and monitoring. They need no key and report only up or down."""

import asyncio
from typing import Any, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel

from showup.database.fault import POSSIBLE_OUTAGES
from showup.reads.database_check import is_reachable
from showup.web.api.schemas import ok_response
from showup.web.http.app_state import AppState, State

PROBE_TIMEOUT = 2.0
"""Seconds that the database has to respond before /readyz reports down."""

router = APIRouter(tags=["probes"])


class ProbeResponse(BaseModel):
    """Up or down."""

    status: Literal["up", "down"]


@router.get("/healthz", name="check_health", response_model=ProbeResponse, responses=ok_response({"status": "up"}))
async def healthz() -> Any:
    """Check that this process responds."""
    return {"status": "up"}


@router.get(
    "/readyz",
    name="check_readiness",
    response_model=ProbeResponse,
    responses=ok_response({"status": "up"})
    | {
        503: {
            "description": "The database is unreachable, or this process is about to stop",
            "model": ProbeResponse,
            "content": {"application/json": {"example": {"status": "down"}}},
        }
    },
)
async def readyz(state: State, response: Response) -> Any:
    """Check that this process can receive requests: the database responds, and the process isn't about to stop."""
    if not state.draining.is_set() and await _is_database_up(state):
        return {"status": "up"}
    response.status_code = 503
    return {"status": "down"}


async def _is_database_up(state: AppState) -> bool:
    try:
        async with asyncio.timeout(PROBE_TIMEOUT), state.read_engine.connect() as tx:
            await is_reachable(tx)
    except POSSIBLE_OUTAGES:
        return False
    return True
