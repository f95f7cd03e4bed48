"""The FastAPI application: all HTTP routes except the Cal.com webhook endpoint."""

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from datetime import timedelta
from functools import cache, partial
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

from fastapi import Depends, FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.datastructures import State

from showup.access.keyring import Keyring
from showup.access.passwords import PasswordHashes
from showup.access.secrets_at_rest import Seal
from showup.assistant.tool_context import AssistantServices, no_clients
from showup.clock import Clock
from showup.destinations.email.render import PREVIEW_SENDER, TemplateMailRenderer
from showup.destinations.email.settings import SenderRule
from showup.destinations.email.templates import Templates
from showup.destinations.public_addresses import AddressPolicy
from showup.dispatch.sign_in_mail import SignInMailer
from showup.inbox.apply import EventHandlers
from showup.inbox.ingest_metrics import IngestMetrics
from showup.web import api_docs, confirm, metrics, openapi, probes, unsubscribe
from showup.web import logos as logo_pages
from showup.web.api import (
    analysis,
    approvals,
    assistant,
    attention,
    booking_reports,
    bookings,
    chat,
    clients,
    companies,
    connections,
    deals,
    deliveries,
    endpoints,
    events,
    funnel,
    lead_sources,
    leads,
    live,
    matches,
    merges,
    people,
    privacy,
    proposals,
    queues,
    rules,
    statement,
    stats,
    suppressions,
    unmatched,
    workspaces,
)
from showup.web.dashboard import analysis as analysis_page
from showup.web.dashboard import approvals as approvals_page
from showup.web.dashboard import (
    booking,
    calcom_sign_in,
    consequences,
    deal,
    lead_answers,
    lead_import,
    new_deal,
    outcome,
    outcome_link,
    pipeline,
    preferences,
    proposal,
    proposal_form,
    search,
    setup,
    sign_in,
    sign_in_links,
    sign_in_request,
    today,
)
from showup.web.dashboard import chat as chat_page
from showup.web.dashboard import chats as chats_page
from showup.web.dashboard import funnel as funnel_page
from showup.web.dashboard import unmatched as unmatched_page
from showup.web.dashboard.assets import add_assets
from showup.web.dashboard.lists import list_pages, selection, view_pages
from showup.web.dashboard.operations import (
    connection_page,
    connections_page,
    delivery_list,
    delivery_page,
    event_list,
    event_page,
    mail_pages,
)
from showup.web.dashboard.records import company_page, merge_pages, person_page, person_privacy
from showup.web.dashboard.settings.pages import SETTINGS_ROUTERS
from showup.web.http.app_state import (
    LOCK_TIMEOUT,
    READ_TIMEOUT,
    AppState,
    ConnectionTest,
    MailSecrets,
    read_only_engine,
)
from showup.web.http.key_throttle import KeyThrottle
from showup.web.http.problems import problem_examples, register_handlers
from showup.web.http.repeated_params import refuse_repeated
from showup.web.http.setup_actions import SetupActions
from showup.web.http.test_throttle import TestThrottle
from showup.web.live.feed import LiveFeed
from showup.web.mcp_endpoint import add_mcp
from showup.web.signature_alert import SignatureAlert
from showup.web.webhooks import emailbison, resend, slack

OPEN_ROUTERS = (probes.router,)
# These routes take no API key: a signature, an encrypted link, or a secret in the link, authenticates the caller.
SIGNED_ROUTERS = (
    emailbison.router,
    resend.router,
    slack.router,
    unsubscribe.router,
    confirm.router,
    logo_pages.router,
)
# Teammates open these pages in a browser, with a session.
PAGE_ROUTERS = (
    sign_in_request.router,
    sign_in.router,
    sign_in_links.router,
    today.router,
    pipeline.router,
    lead_answers.router,
    outcome.router,
    consequences.router,
    lead_import.router,
    new_deal.router,
    proposal_form.router,
    proposal.router,
    deal.router,
    booking.router,
    outcome_link.router,
    list_pages.router,
    selection.router,
    view_pages.router,
    person_page.router,
    person_privacy.router,
    company_page.router,
    merge_pages.router,
    unmatched_page.router,
    funnel_page.router,
    analysis_page.router,
    setup.router,
    *SETTINGS_ROUTERS,
    preferences.router,
    search.router,
    approvals_page.router,
    chat_page.router,
    chats_page.router,
    calcom_sign_in.router,
    delivery_list.router,
    mail_pages.router,
    delivery_page.router,
    event_list.router,
    event_page.router,
    connections_page.router,
    connection_page.router,
)
READ_ROUTERS = (
    attention.router,
    deals.router,
    bookings.router,
    companies.router,
    people.router,
    privacy.router,
    proposals.router,
    merges.router,
    leads.router,
    unmatched.router,
    statement.router,
    stats.router,
    funnel.router,
    clients.router,
    analysis.router,
    deliveries.router,
    queues.router,
    suppressions.router,
    events.router,
    live.router,
    metrics.router,
    rules.router,
    endpoints.router,
    connections.router,
    workspaces.router,
    approvals.router,
    assistant.router,
    chat.router,
)
# 429 is documented by the last problem of that status: too many reads for a read, wrong keys for a command.
_COMMON_PROBLEMS = (
    *("unauthorized", "too-many-wrong-keys", "forbidden", "not-found", "invalid", "fault", "database-away"),
)
COMMAND_ROUTERS = (
    deals.commands,
    bookings.commands,
    booking_reports.commands,
    companies.commands,
    people.commands,
    privacy.commands,
    proposals.commands,
    merges.commands,
    leads.commands,
    matches.commands,
    unmatched.commands,
    events.commands,
    rules.commands,
    deliveries.commands,
    suppressions.commands,
    connections.commands,
    lead_sources.commands,
    endpoints.commands,
    endpoints.secret_commands,
    approvals.commands,
    assistant.commands,
    chat.commands,
)


# For each address and each account, in each process: people forget passwords, and machines try thousands.
_PASSWORDS_AT_ONCE = 10
_PASSWORD_INTERVAL = timedelta(seconds=30)
_LINKS_AT_ONCE = 5
_LINK_INTERVAL = timedelta(minutes=2)


def create_app(  # noqa: PLR0913  # each by its name, and built in one place
    *,
    engine: AsyncEngine,
    clock: Clock,
    admin_key: str | None,
    version: str,
    lock_timeout: timedelta = LOCK_TIMEOUT,
    read_timeout: timedelta = READ_TIMEOUT,
    ingest_metrics: IngestMetrics | None = None,
    mail_secrets: MailSecrets | None = None,
    address_policy: AddressPolicy | None = None,
    signature_alert: SignatureAlert | None = None,
    calcom_api_url: str | None = None,
    senders: Sequence[SenderRule] = (),
    logos: Mapping[str, bytes] | None = None,
    event_handlers: EventHandlers,
    check_connection: ConnectionTest | None = None,
    live_feed: LiveFeed | None = None,
    setup_actions: SetupActions | None = None,
    sign_in_mailer: SignInMailer | None = None,
    public_url: str = "http://127.0.0.1:8000",
    assistant_services: AssistantServices | None = None,
    mail_renderer: Callable[[], TemplateMailRenderer] | None = None,
    template_folder: Path | None = None,
    draining: asyncio.Event | None = None,
) -> FastAPI:
    """Build the application over a database.

    `admin_key` has the scope admin in every workspace; None for no such key. A change that waits for a lock longer than
    `lock_timeout` is refused as busy, and a read whose statement takes longer than `read_timeout` as too slow.
    `ingest_metrics` and `signature_alert` are those of the webhook endpoint, if this process serves it. Without
    `mail_secrets`, previously encrypted values cannot be decrypted. Without `address_policy`, only the syntax of an
    address that a user supplies is checked. `calcom_api_url` is the address of Cal.com's API for accounts without an
    own one. `senders` give pages for attendees their brand, and `logos` are the PNG images that it names.
    `event_handlers` apply the events that the projection does not handle. Without `check_connection`, connections
    cannot be tested. Without `live_feed`, pages hear of changes over a connection of the engine. Without
    `setup_actions`, the first run can't call Cal.com or load the sample. Without `sign_in_mailer`, no sign-in link is
    mailed. `public_url` is the address in links. Without `assistant_services`, tools can't call Cal.com. Without
    `mail_renderer`, mails are previewed with the built-in templates; `template_folder` has an operator's own. Once
    `draining` is set, /readyz answers 503.
    """
    app = copy(_routes(version))
    app.state = State()
    keyring = Keyring(engine, clock, admin_key=admin_key)
    mail_secrets = mail_secrets or MailSecrets(seal=Seal([secrets.token_urlsafe()]))
    app.state.showup = AppState(
        engine=engine,
        read_engine=read_only_engine(engine),
        clock=clock,
        keyring=keyring,
        key_throttle=KeyThrottle(clock),
        link_throttle=KeyThrottle(clock, log_event="wrong link"),
        lock_timeout=lock_timeout,
        read_timeout=read_timeout,
        ingest_metrics=ingest_metrics or IngestMetrics(),
        mail_secrets=mail_secrets,
        address_policy=address_policy or AddressPolicy(),
        signature_alert=signature_alert or SignatureAlert(engine, clock),
        event_handlers=event_handlers,
        check_connection=check_connection,
        connection_tests=TestThrottle(clock),
        calcom_api_url=calcom_api_url,
        senders=senders,
        logos=logos or {},
        session_throttle=KeyThrottle(clock, log_event="wrong session"),
        sign_in_throttle=KeyThrottle(
            clock, log_event="wrong password", at_once=_PASSWORDS_AT_ONCE, interval=_PASSWORD_INTERVAL
        ),
        link_request_throttle=KeyThrottle(
            clock, log_event="sign-in link requested", at_once=_LINKS_AT_ONCE, interval=_LINK_INTERVAL
        ),
        sign_in_mailer=sign_in_mailer,
        passwords=PasswordHashes(),
        live=live_feed or LiveFeed(engine),
        setup=setup_actions,
        public_url=public_url,
        mail_renderer=mail_renderer or partial(_built_in_renderer, senders, clock),
        template_folder=template_folder,
        draining=draining or asyncio.Event(),
        assistant=assistant_services
        or AssistantServices(
            engine=engine,
            clock=clock,
            seal=mail_secrets.seal,
            handlers=event_handlers,
            open_clients=no_clients,
            calcom_url=calcom_api_url or "",
            public_url=public_url,
        ),
    )
    return app


def _built_in_renderer(senders: Sequence[SenderRule], clock: Clock) -> TemplateMailRenderer:
    return TemplateMailRenderer(templates=Templates(), senders=senders, clock=clock, fallback=PREVIEW_SENDER)


def openapi_document() -> dict[str, Any]:
    """Return the OpenAPI document of this version, built without a database."""
    return _routes(version_of("showup")).openapi()


@cache
def _routes(version: str) -> FastAPI:
    """Return the application without a state. It takes a third of a second to build, so a process builds it once."""
    app = FastAPI(
        title=openapi.TITLE,
        version=version,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        generate_unique_id_function=openapi.operation_id,
    )
    register_handlers(app)
    for router in (*OPEN_ROUTERS, *SIGNED_ROUTERS, *PAGE_ROUTERS):
        app.include_router(router)
    for router in READ_ROUTERS:
        app.include_router(
            router, responses=_error_responses("too-many-reads"), dependencies=[Depends(refuse_repeated)]
        )
    for router in COMMAND_ROUTERS:
        refusals = _error_responses(
            "refused", "conflict", "body-too-large", "wrong-content-type", "too-many-wrong-keys"
        )
        app.include_router(router, responses=refusals, dependencies=[Depends(refuse_repeated)])
    openapi.add_document(app)
    api_docs.add_docs(app)
    add_assets(app)
    add_mcp(app)
    app.openapi = lambda: openapi.build_openapi(app)  # type: ignore[method-assign]  # FastAPI's own way to extend it
    return app


def _error_responses(*more: str) -> dict[int | str, dict[str, Any]]:
    return problem_examples(*_COMMON_PROBLEMS, *more)
