"""Opens the worker that sends deliveries, with all that it needs."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from uuid import UUID

import asyncpg

from showup.analysis.week_counter import WeekCounter
from showup.assistant.cleanup import AssistantCleanup
from showup.container import (
    Container,
    ProcessConfig,
    build_api_access,
    build_destination_resolver,
    open_http_clients,
)
from showup.database.address import asyncpg_arguments
from showup.database.engine import CONNECT_TIMEOUT
from showup.digests.writer import DigestWriter
from showup.dispatch.destination_context import Clients
from showup.dispatch.dispatcher import Dispatcher
from showup.dispatch.preparation import FinalCheck
from showup.dispatch.worker import POOL_SIZE, PeriodicTask, Worker
from showup.outbox.confirm_tokens import Invitation, make_confirm_token
from showup.outbox.outcome_tokens import OutcomeLink, make_outcome_token
from showup.outbox.unsubscribe_tokens import make_token
from showup.privacy.requests import run_requested
from showup.privacy.retention import Retention
from showup.reads.digest import load_digest
from showup.reads.meetings import load_meetings
from showup.reconcile.api_clients import ApiClients
from showup.reconcile.lead_sync.importer import build_lead_importer
from showup.reconcile.reconciler import PollSchedule, Reconciler
from showup.reconcile.requested_backfills import run_requested_backfills

_JOB_TIMEOUT = 30.0


@asynccontextmanager
async def open_delivery_worker(
    container: Container, config: ProcessConfig, *, other_tasks: Sequence[PeriodicTask] = ()
) -> AsyncIterator[Worker]:
    """Opens the worker that sends deliveries and runs periodic tasks, `other_tasks` too.

    Its connections close at the end. Raises CannotRender.
    """

    def unsubscribe(workspace_id: UUID, email: str) -> str:
        return f"{container.settings.public_url}/unsubscribe/{make_token(container.seal, workspace_id, email)}"

    def confirm(invitation: Invitation) -> str | None:
        # Without a public address, the mail offers a reply instead.
        address = container.settings.url
        return None if address is None else f"{address}/r/{make_confirm_token(container.seal, invitation)}"

    def outcome(request: OutcomeLink) -> tuple[str, str]:
        address = container.settings.public_url
        return f"{address}/o/{make_outcome_token(container.seal, request)}", f"{address}/outcome/{request.booking_id}"

    meetings = partial(load_meetings, calcom_api_url=container.settings.calcom_api_url)
    final_check = FinalCheck(meetings=meetings, unsubscribe_url=unsubscribe, confirm_url=confirm, outcome_url=outcome)
    pool = asyncpg.create_pool(
        **asyncpg_arguments(config.direct_url),
        min_size=1,
        max_size=POOL_SIZE,
        # A connection that stops responding is detected and replaced.
        timeout=CONNECT_TIMEOUT,
        command_timeout=_JOB_TIMEOUT,
        # PgQueuer changes no setting of its sessions, and takes a connection for each statement: a reset between them
        # would be half of what the server is asked.
        reset=_keep_session,
    )
    async with open_http_clients(container) as clients, pool:
        dispatcher = Dispatcher(
            container.engine, container.clock, build_destination_resolver(container, clients), final_check
        )
        periodic_tasks = [*_periodic_tasks(container, clients), *other_tasks]
        yield Worker(container.engine, container.clock, dispatcher, pool, periodic_tasks=periodic_tasks)


async def _keep_session(_: asyncpg.Connection) -> None:
    """Leaves a connection as it is when it returns to its pool."""


def _periodic_tasks(container: Container, clients: Clients) -> list[PeriodicTask]:
    """Builds the tasks that the worker starts each minute; each finds out itself whether it is due. One is hourly."""
    engine, clock = container.engine, container.clock
    reconciler = build_reconciler(container, clients)
    tasks: dict[str, Callable[[], Awaitable[None]]] = {
        "reconcile": reconciler.poll_due,
        "backfill": partial(run_requested_backfills, reconciler, engine, clock),
        "leads": build_lead_importer(engine, container.seal, clock, clients).poll_due,
        "digest": DigestWriter(engine, clock, load_digest).write_due,
        "count_weeks": WeekCounter(engine, clock).run,
        "erase": partial(run_requested, engine, container.seal, clock),
    }
    every_minute = [PeriodicTask(name=name, cron="* * * * *", run=run) for name, run in tasks.items()]
    keep = container.settings.policy.retention.keep()
    retention = PeriodicTask(name="retention", cron="43 * * * *", run=Retention(engine, clock, keep).run_due)
    assistant = PeriodicTask(name="assistant", cron="23 * * * *", run=AssistantCleanup(engine=engine, clock=clock).run)
    return [*every_minute, assistant, *([retention] if keep else [])]


def build_reconciler(container: Container, clients: Clients) -> Reconciler:
    """Builds the reconciler, which compares bookings with Cal.com's API."""
    policy = container.settings.policy.calcom
    return Reconciler(
        container.engine,
        container.clock,
        access=build_api_access(container),
        api=ApiClients(clients, container.clock).for_account,
        drain=container.applier.drain_once,
        schedule=PollSchedule(interval=policy.reconcile_every, grace=policy.grace),
    )
