"""The FastAPI application: every door for people and programs but the webhooks'."""

import secrets
from datetime import timedelta
from importlib.metadata import version as version_of
from typing import Any

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.access.keyring import Keyring
from showup.access.secrets_at_rest import Seal
from showup.clock import Clock
from showup.inbox.door_metrics import DoorMetrics
from showup.web import document, front, metrics, outbox, probes, resend, unsubscribe
from showup.web.api import (
    booking_commands,
    bookings,
    companies,
    company_commands,
    deal_commands,
    deals,
    deliveries,
    delivery_commands,
    event_commands,
    events,
    lanes,
    merge_commands,
    merges,
    people,
    person_commands,
    rule_commands,
    rules,
    stats,
    suppression_commands,
    suppressions,
)
from showup.web.ground import WAITS_FOR, Ground, Mailing, for_reading
from showup.web.problems import documented, register

OPEN = (front.router, probes.router, document.router)
# They have no key, and show in another way who they are: by a signature, by a sealed link.
SIGNED = (resend.router, unsubscribe.router)
# People look at them in a browser, which shows a key as a password.
LOOKED_AT = (outbox.router,)
READING = (
    deals.router,
    bookings.router,
    companies.router,
    people.router,
    merges.router,
    stats.router,
    deliveries.router,
    lanes.router,
    suppressions.router,
    events.router,
    metrics.router,
    rules.router,
)
CHANGING = (
    deal_commands.router,
    booking_commands.router,
    company_commands.router,
    person_commands.router,
    merge_commands.router,
    event_commands.router,
    rule_commands.router,
    delivery_commands.router,
    suppression_commands.router,
)


def create_app(
    *,
    engine: AsyncEngine,
    clock: Clock,
    admin_key: str | None,
    version: str,
    waits_for: timedelta = WAITS_FOR,
    door_metrics: DoorMetrics | None = None,
    mailing: Mailing | None = None,
) -> FastAPI:
    """The application over a database.

    `admin_key` is a key with the scope admin in every workspace; None for no such key. A change that has to wait for
    others longer than `waits_for` is refused as busy. `door_metrics` are those of the webhooks' door, if it is served.
    Without `mailing` nothing that was sealed before can be opened.
    """
    app = _doors(version)
    keyring = Keyring(engine, clock, admin_key=admin_key)
    app.state.ground = Ground(
        engine=engine,
        reading=for_reading(engine),
        clock=clock,
        keyring=keyring,
        waits_for=waits_for,
        door_metrics=door_metrics or DoorMetrics(),
        mailing=mailing or Mailing(seal=Seal([secrets.token_urlsafe()])),
    )
    return app


def openapi_document() -> dict[str, Any]:
    """The OpenAPI document of this version, made without a database."""
    return _doors(version_of("showup")).openapi()


def _doors(version: str) -> FastAPI:
    app = FastAPI(title=document.TITLE, version=version, docs_url=None, redoc_url=None, redirect_slashes=False)
    register(app)
    for router in (*OPEN, *SIGNED, *LOOKED_AT):
        app.include_router(router)
    for router in READING:
        app.include_router(router, responses=_refusals())
    for router in CHANGING:
        refusals = _refusals("refused", "conflict", "body-too-large")
        app.include_router(router, responses=refusals)
    app.openapi = lambda: document.describe(app)  # type: ignore[method-assign]  # FastAPI's own way to extend it
    return app


def _refusals(*more: str) -> dict[int | str, dict[str, Any]]:
    return documented("unauthorized", "forbidden", "not-found", "invalid", "fault", "database-away", *more)
