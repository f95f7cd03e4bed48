"""The state that all routes share: created once with the app and passed to each request."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final, TypeAlias
from uuid import UUID

from fastapi import Depends, Request
from msgspec import Struct, field
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from showup.access.connection import Connection
from showup.access.keyring import Keyring
from showup.access.passwords import PasswordHashes
from showup.access.permission import Permission
from showup.access.secrets_at_rest import Seal
from showup.assistant.tool_context import AssistantServices
from showup.clock import Clock
from showup.commands.idempotency_store import set_lock_timeout
from showup.destinations.email.render import TemplateMailRenderer
from showup.destinations.email.settings import SenderRule
from showup.destinations.public_addresses import AddressPolicy
from showup.dispatch.connection_check import ConnectionCheck
from showup.dispatch.sign_in_mail import SignInMailer
from showup.inbox.apply import EventHandlers
from showup.inbox.ingest_metrics import IngestMetrics
from showup.proposals.pdf_writer import PdfWriter
from showup.web.http.key_throttle import KeyThrottle
from showup.web.http.problems import RETRY_SOON, Refusal
from showup.web.http.read_shares import ReadShares
from showup.web.http.setup_actions import SetupActions
from showup.web.http.test_throttle import TestThrottle
from showup.web.live.feed import LiveFeed
from showup.web.signature_alert import SignatureAlert

LOCK_TIMEOUT: Final = timedelta(seconds=5)
"""Default time that a change waits for a lock before the request is refused as busy."""

READ_TIMEOUT: Final = timedelta(seconds=5)
"""Default time that one statement of a read may take before the request is refused."""

# Changes of one workspace run one at a time anyway; waiting changes must leave connections for reads and webhooks.
_MAX_CONCURRENT_WRITES: Final = 4
# Each import holds a connection, and may wait long for another one's lock.
_MAX_CONCURRENT_IMPORTS: Final = 2


ConnectionTest: TypeAlias = Callable[[Connection], Awaitable[ConnectionCheck]]


class MailSecrets(Struct, frozen=True, kw_only=True):
    """Secrets that authenticate requests caused by our mails.

    `seal` decrypts unsubscribe links and the secrets of connections. `webhook_secret` belongs to the default
    workspace's webhook at the mail provider; None for no such secret.
    """

    seal: Seal
    webhook_secret: str | None = None


class AppState(Struct, frozen=True, kw_only=True):
    """The shared dependencies of all routes.

    `engine` is for changes, `read_engine` for reads of the same database. `lock_timeout` limits how long a change waits
    for a lock, `read_timeout` how long a statement of a read takes, and `read_shares` how many reads run at a time for
    one key or workspace. `address_policy` says which user-supplied addresses Showup may call. `signature_alert`
    notifies workspaces of repeated bad signatures. `event_handlers` apply the events that the projection does not
    handle. `key_throttle` limits wrong API keys, `link_throttle` wrong tokens in links. `check_connection` asks another
    system, as often as `connection_tests` allows. `calcom_api_url` is the address of Cal.com's API for accounts without
    an own one. `senders` give pages for attendees their brand. `logos` are PNG images by their names.
    `session_throttle` limits wrong cookies, `sign_in_throttle` wrong passwords, `link_request_throttle` requests for
    links by mail, which `sign_in_mailer` sends (None: no sender is set). `sending_links` are those on their way. `live`
    tells open pages of changes.
    `setup` connects other systems and loads the sample for the first run. `public_url` begins links that leave the
    page, without a slash at the end. `pdf` draws proposals. `mail_renderer` shows mails as they would be sent, and
    `template_folder` has the operator's own templates. `importing` are the workspaces into which a file of leads is
    being imported. `draining` is set when the process is about to stop.
    """

    engine: AsyncEngine
    read_engine: AsyncEngine
    clock: Clock
    keyring: Keyring
    key_throttle: KeyThrottle
    link_throttle: KeyThrottle
    ingest_metrics: IngestMetrics
    lock_timeout: timedelta
    mail_secrets: MailSecrets
    address_policy: AddressPolicy
    signature_alert: SignatureAlert
    event_handlers: EventHandlers
    check_connection: ConnectionTest | None
    connection_tests: TestThrottle
    session_throttle: KeyThrottle
    sign_in_throttle: KeyThrottle
    link_request_throttle: KeyThrottle
    passwords: PasswordHashes
    live: LiveFeed
    setup: SetupActions | None
    public_url: str
    assistant: AssistantServices
    mail_renderer: Callable[[], TemplateMailRenderer]
    pdf: PdfWriter = field(default_factory=PdfWriter)
    template_folder: Path | None = None
    read_timeout: timedelta = READ_TIMEOUT
    read_shares: ReadShares = field(default_factory=ReadShares)
    calcom_api_url: str | None = None
    senders: Sequence[SenderRule] = ()
    logos: Mapping[str, bytes] = {}
    sign_in_mailer: SignInMailer | None = None
    sending_links: set[asyncio.Task[None]] = field(default_factory=set)
    importing: set[UUID] = field(default_factory=set)
    draining: asyncio.Event
    write_slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_MAX_CONCURRENT_WRITES))


def get_app_state(request: Request) -> AppState:
    """Return the app's shared state."""
    state: AppState = request.app.state.showup
    return state


def read_only_engine(engine: AsyncEngine) -> AsyncEngine:
    """Return an engine with the same pool, whose transactions are read-only and see one snapshot."""
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


@asynccontextmanager
async def read_transaction(state: AppState, permission: Permission) -> AsyncIterator[AsyncConnection]:
    """Open a transaction for reads, when it is the permission's turn."""
    async with state.read_shares.take(permission), state.read_engine.connect() as tx:
        await tx.exec_driver_sql(f"SET LOCAL statement_timeout = {round(state.read_timeout.total_seconds() * 1000)}")
        yield tx


@asynccontextmanager
async def write_transaction(state: AppState) -> AsyncIterator[AsyncConnection]:
    """Open a transaction for changes, when there is a free slot; it commits at the end."""
    async with _write_slot(state), state.engine.begin() as tx:
        await set_lock_timeout(tx, state.lock_timeout)
        yield tx


async def _open_read_transaction(request: Request, state: "State") -> AsyncIterator[AsyncConnection]:
    # Authentication, which comes first in each route, leaves the permission there.
    async with read_transaction(state, request.state.permission) as tx:
        yield tx


@contextmanager
def import_slot(state: AppState, workspace_id: UUID) -> Iterator[None]:
    """Import a file while the block runs: one of a workspace, and few in all, so that webhooks find a connection."""
    if workspace_id in state.importing or len(state.importing) >= _MAX_CONCURRENT_IMPORTS:
        raise Refusal("busy", "Other files are being imported. Send this one again in a moment.", headers=RETRY_SOON)
    state.importing.add(workspace_id)
    try:
        yield
    finally:
        state.importing.remove(workspace_id)


async def _open_write_transaction(state: "State") -> AsyncIterator[AsyncConnection]:
    async with write_transaction(state) as tx:
        yield tx


@asynccontextmanager
async def _write_slot(state: AppState) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(state.lock_timeout.total_seconds()):
            await state.write_slots.acquire()
    except TimeoutError:
        raise Refusal("busy", headers=RETRY_SOON) from None
    try:
        yield
    finally:
        state.write_slots.release()


State = Annotated[AppState, Depends(get_app_state)]
# The connection is returned, and a change is committed, before the response is sent.
ReadTransaction = Annotated[AsyncConnection, Depends(_open_read_transaction, scope="function")]
WriteTransaction = Annotated[AsyncConnection, Depends(_open_write_transaction, scope="function")]
