"""What `showup emailbison` does with one connection; the commands print its results."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from showup.access import workspaces_store
from showup.access.connection import Connection
from showup.cli.errors import CliError
from showup.cli.public_url import unreachable_warning
from showup.container import Container, open_http_clients
from showup.database.engine import transaction
from showup.destinations.vendor_api import VendorError
from showup.dispatch.destination_context import Clients
from showup.reads.lead_sources import LeadSourceState, lead_source_state
from showup.reconcile.lead_sync.clients import LeadClients
from showup.reconcile.lead_sync.importer import LeadImporter, SyncFailed, build_lead_importer
from showup.reconcile.lead_sync.source import LeadSource, list_sources
from showup.reconcile.lead_sync.walk_store import Walk
from showup.reconcile.lead_sync.webhook_registration import WebhookRegistration, WebhookState, send_test
from showup.reconcile.lease import LeaseLost
from showup.values.counted import counted

_NOT_READ = (
    "this connection is not read: its setting import_leads is false, its address or token is missing, or its token "
    "can't be decrypted. See `showup connections test`"
)
_WEBHOOKS: dict[WebhookState, tuple[str, str | None]] = {
    "registered": ("registered", None),
    "outdated": ("outdated", "its address or events have changed: run `showup emailbison register`"),
    "missing": ("none", "replies arrive with the next sync only: run `showup emailbison register`"),
}


async def register_webhook(container: Container, connection: Connection) -> dict[str, Any]:
    """Creates or repairs the webhook, tests it, and returns the result. Raises CliError."""
    async with _open_registration(container, connection) as opened:
        if opened is None:
            raise CliError(f"{_NOT_READ[0].upper()}{_NOT_READ[1:]}.")
        registration, clients = opened
        try:
            done = await registration.register()
        except VendorError as fault:
            raise CliError(f"{str(fault).rstrip('.')}.") from None
        warning = unreachable_warning(done.url, "EmailBison")
        failure = None if warning else await send_test(clients.trusted, done.url)
    problem = (
        f"{container.settings.public_url} did not accept a test webhook from here: {failure}. Check that "
        "`showup serve` runs there"
    )
    return {
        "workspace": connection.workspace,
        "webhook_id": done.webhook_id,
        "created": done.created,
        "created_variable": done.created_variable,
        "warning": warning,
        "faults": [problem] if failure else [],
    }


async def read_status(container: Container, connection: Connection) -> dict[str, Any]:
    """Returns the state of the connection's data and webhook, and the faults to correct."""
    webhook, faults = await _webhook(container, connection)
    state = await _state(container, connection)
    if state is not None and state.message is not None:
        faults = [state.message, *faults]
    return {
        "workspace": connection.workspace,
        "url": connection.settings.get("api_url"),
        "emailbison_workspace": "unknown" if state is None or state.name is None else f"{state.name} ({state.number})",
        "data": _describe_data(state),
        "import": _describe_import(state),
        "webhook": webhook,
        "faults": faults,
    }


async def sync_now(
    container: Container, connection: Connection, report_progress: Callable[[Walk], None], *, full: bool
) -> dict[str, Any]:
    """Reads everything that is new, or everything, and returns the state. Raises CliError."""
    async with open_http_clients(container) as clients:
        importer = build_lead_importer(container.engine, container.seal, container.clock, clients)
        source = next((one for one in await importer.sources() if one.id == connection.id), None)
        if source is None:
            raise CliError(f"{_NOT_READ[0].upper()}{_NOT_READ[1:]}.")
        await _sync(importer, source, report_progress, full=full)
    return await read_status(container, connection)


@asynccontextmanager
async def _open_registration(
    container: Container, connection: Connection
) -> AsyncIterator[tuple[WebhookRegistration, Clients] | None]:
    """Opens the registration of the connection's webhook; None for a connection that is not read."""
    async with transaction(container.engine) as tx:
        sources = {one.id: one for one in await list_sources(tx, container.seal)}
    if connection.id not in sources:
        yield None
        return
    async with open_http_clients(container) as clients:
        source = sources[connection.id]
        registration = WebhookRegistration(
            LeadClients(clients, container.clock).for_source(source),
            source,
            engine=container.engine,
            seal=container.seal,
            clock=container.clock,
            public_url=container.settings.public_url,
        )
        yield registration, clients


async def _sync(
    importer: LeadImporter, source: LeadSource, report_progress: Callable[[Walk], None], *, full: bool
) -> None:
    retry_hint = "To continue, run the same command again."
    try:
        await importer.sync_now(source, full=full, report_progress=report_progress)
    except SyncFailed as fault:
        raise CliError(f"{str(fault).rstrip('.')}. {retry_hint}") from None
    except LeaseLost:
        raise CliError(f"Another process reads this workspace now. {retry_hint}") from None


async def _webhook(container: Container, connection: Connection) -> tuple[str, list[str]]:
    async with _open_registration(container, connection) as opened:
        if opened is None:
            return "unknown", [_NOT_READ]
        registration, _ = opened
        try:
            description, to_do = _WEBHOOKS[await registration.state()]
        except VendorError as fault:
            return "unknown", [str(fault)]
    return description, [] if to_do is None else [f"webhook: {to_do}"]


async def _state(container: Container, connection: Connection) -> LeadSourceState | None:
    async with transaction(container.engine) as tx:
        workspace = await workspaces_store.find(tx, connection.workspace)
        return None if workspace is None else await lead_source_state(tx, workspace.id, container.clock())


def _describe_data(state: LeadSourceState | None) -> str:
    if state is None or state.last_synced_at is None:
        return "never read; a running `showup serve` reads it by itself"
    reported = counted(state.reported, "lead")
    waiting = f"; {reported} reported by webhooks still to be read" if state.reported else ""
    return f"read at {_at(state.last_synced_at)}{waiting}"


def _describe_import(state: LeadSourceState | None) -> str:
    if state is None or state.import_state == "waiting":
        return "not begun"
    of_all = "" if state.expected is None else f" of {state.expected:,}"
    if state.imported_at is None:
        return f"{state.read:,}{of_all} leads so far" if of_all else f"{counted(state.read, 'lead')} so far"
    return f"{counted(state.read, 'lead')}, complete since {_at(state.imported_at)}"


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
