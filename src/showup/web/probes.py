"""Whether Showup is up, for whoever starts and watches it: open to all, and no word more than that."""

import asyncio
from typing import Any, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel

from showup.database.fault import MAY_MEAN_AWAY
from showup.reads.standing import answers
from showup.web.api.shapes import shows
from showup.web.ground import OnGround

ANSWERED_WITHIN = 2.0
"""Seconds that the database has, before /readyz says that it is down."""

router = APIRouter(tags=["probes"])


class Probe(BaseModel):
    """Up or not."""

    status: Literal["up", "down"]


@router.get("/healthz", response_model=Probe, responses=shows({"status": "up"}))
async def healthz() -> Any:
    """Say that this process answers."""
    return {"status": "up"}


@router.get(
    "/readyz",
    response_model=Probe,
    responses=shows({"status": "up"})
    | {
        503: {
            "description": "The database is away",
            "model": Probe,
            "content": {"application/json": {"example": {"status": "down"}}},
        }
    },
)
async def readyz(ground: OnGround, response: Response) -> Any:
    """Say whether the database answers, so that requests can be sent here."""
    try:
        async with asyncio.timeout(ANSWERED_WITHIN), ground.reading.connect() as tx:
            await answers(tx)
    except MAY_MEAN_AWAY:
        response.status_code = 503
        return {"status": "down"}
    return {"status": "up"}
