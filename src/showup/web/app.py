"""The FastAPI application: every door for people and programs but the webhooks'."""

from importlib.metadata import version as version_of
from typing import Any

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.access.keyring import Keyring
from showup.clock import Clock
from showup.web import document, front, probes
from showup.web.api import bookings, companies, deals, deliveries, events, people, stats
from showup.web.ground import Ground, for_reading
from showup.web.problems import documented, register

OPEN = (front.router, probes.router, document.router)
NEEDING_A_KEY = (
    deals.router,
    bookings.router,
    companies.router,
    people.router,
    stats.router,
    deliveries.router,
    events.router,
)


def create_app(
    *,
    engine: AsyncEngine,
    clock: Clock,
    admin_key: str | None,
    version: str,
) -> FastAPI:
    """The application over a database.

    `admin_key` is a key with the scope admin in every workspace; None for no such key.
    """
    app = _doors(version)
    keyring = Keyring(engine, clock, admin_key=admin_key)
    app.state.ground = Ground(engine=engine, reading=for_reading(engine), clock=clock, keyring=keyring)
    return app


def openapi_document() -> dict[str, Any]:
    """The OpenAPI document of this version, made without a database."""
    return _doors(version_of("showup")).openapi()


def _doors(version: str) -> FastAPI:
    app = FastAPI(title=document.TITLE, version=version, docs_url=None, redoc_url=None, redirect_slashes=False)
    register(app)
    for router in OPEN:
        app.include_router(router)
    for router in NEEDING_A_KEY:
        app.include_router(router, responses=_refusals())
    app.openapi = lambda: document.describe(app)  # type: ignore[method-assign]  # FastAPI's own way to extend it
    return app


def _refusals() -> dict[int | str, dict[str, Any]]:
    return documented("unauthorized", "forbidden", "not-found", "invalid", "fault", "database-away")
