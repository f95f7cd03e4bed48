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
from showup.destinations.public_addresses import Outside
from showup.inbox.door_metrics import DoorMetrics
from showup.web import document, front, metrics, outbox, probes, resend, slack, unsubscribe
from showup.web.api import (
    booking_commands,
    bookings,
    companies,
    company_commands,
    connection_commands,
    connections,
    deal_commands,
    deals,
    deliveries,
    delivery_commands,
    endpoint_commands,
    endpoints,
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
from showup.web.bell import Bell
from showup.web.ground import WAITS_FOR, Ground, Mailing, for_reading
from showup.web.problems import documented, register

OPEN = (front.router, probes.router, document.router)
# They have no key, and show in another way who they are: by a signature, by a sealed link.
SIGNED = (resend.router, slack.router, unsubscribe.router)
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
    endpoints.router,
    connections.router,
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
    connection_commands.router,
    endpoint_commands.router,
    endpoint_commands.secret_router,
)


def create_app(  # noqa: PLR0913  # each by its name, and built in one place
    *,
    engine: AsyncEngine,
    clock: Clock,
    admin_key: str | None,
    version: str,
    waits_for: timedelta = WAITS_FOR,
    door_metrics: DoorMetrics | None = None,
    mailing: Mailing | None = None,
    outside: Outside | None = None,
    bell: Bell | None = None,
) -> FastAPI:
    """The application over a database.

    `admin_key` is a key with the scope admin in every workspace; None for no such key. A change that has to wait for
    others longer than `waits_for` is refused as busy. `door_metrics` are those of the webhooks' door, if it is served.
    Without `mailing` nothing that was sealed before can be opened. Without `outside`, of an address that somebody gives
    only the text is looked at. `bell` is the webhooks' door's, if that is served.
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
        outside=outside or Outside(),
        bell=bell or Bell(engine, clock),
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
