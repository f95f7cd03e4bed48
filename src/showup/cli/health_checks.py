"""Runs the health checks of `showup doctor`; each check adds a result."""

import asyncio
from datetime import timedelta
from itertools import chain

from showup.access import accounts_store, connections_store, workspaces_store
from showup.access.account import MIN_SECRET_LENGTH
from showup.access.permission import Permission
from showup.access.workspace import DEFAULT
from showup.backup.schedule import backups, made_at
from showup.cli.fault_checks import DoctorResult, fault_checks
from showup.cli.settings_check import destination_faults
from showup.connections import senders_store
from showup.container import Container, ProcessConfig, build_connection_checker, open_container, open_http_clients
from showup.database.address import redact
from showup.database.engine import transaction
from showup.database.migrate import read_revisions
from showup.dispatch.connection_check import ConnectionCheck, ConnectionChecker
from showup.dispatch.destination_resolver import MAIL_KINDS
from showup.reads.destinations import list_destinations
from showup.reads.health import Health, read_health, server_version
from showup.reads.lead_sources import EMAILBISON, lead_source_states
from showup.settings import Settings
from showup.values.counted import counted

_MIN_SERVER_VERSION = 150_000
_MAX_CLOCK_DIFFERENCE = timedelta(seconds=5)
_MAX_WAIT = timedelta(minutes=1)
_MAX_BACKUP_DELAY = timedelta(hours=1)
_SERVER_TIMEOUT = 3.0


def check_settings(settings: Settings) -> DoctorResult:
    """Reports that the settings could be loaded; secrets are not shown."""
    if faults := destination_faults(settings):
        return DoctorResult("settings", "fail", f"Showup can't start with these settings: {' '.join(faults)}")
    names = sorted(settings.model_fields_set)
    return DoctorResult("settings", "ok", f"set: {', '.join(names)}" if names else "all have their defaults")


async def run_checks(settings: Settings, config: ProcessConfig, results: list[DoctorResult]) -> None:
    """Adds a result for each check. Raises DatabaseUnavailable."""
    async with open_container(settings, config, direct=True) as container:
        async with transaction(container.engine) as tx:
            version, _ = await server_version(tx)
            current, newest = await read_revisions(tx)
        results.append(_check_server_version(config, version))
        results.append(_check_migrations(current, newest))
        if current != newest:
            return
        results.extend(await _check_default_account(container))
        results.extend(await _check_stored_secrets(container))
        async with open_http_clients(container) as clients:
            # Side by side: a system that does not respond must not delay the others' results.
            checker = build_connection_checker(container, clients)
            others = await asyncio.gather(
                _check_connections(container, checker), _check_mail(container, checker), _check_own_server(settings)
            )
        results.extend(chain.from_iterable(others))
        results.extend(await _check_lead_sources(container))
        async with transaction(container.engine) as tx:
            snapshot = await read_health(tx)
        results.append(_check_clock(container, snapshot))
        results.append(_check_events(container, snapshot))
        results.append(await _check_queues(container))
        results.extend(_check_backups(container))
        results.extend(await fault_checks(container))


def _check_backups(container: Container) -> list[DoctorResult]:
    """Reports the age of the newest scheduled backup; nothing if showup.toml has no folder for them."""
    policy = container.settings.policy.backup
    if policy.folder is None:
        return []
    newest = next((made_at(path) for path in backups(policy.folder)), None)
    if newest is None:
        message = f"there is none in {policy.folder} yet. If this stays so, search the logs for `backup failed`"
        return [DoctorResult("backups", "warn", message)]
    age = container.clock() - newest
    description = f"the newest in {policy.folder} is of {newest:%d %B %Y, %H:%M} UTC"
    if age > policy.every + _MAX_BACKUP_DELAY:
        return [DoctorResult("backups", "warn", f"{description}: search the logs for `backup failed`")]
    return [DoctorResult("backups", "ok", description)]


def _check_server_version(config: ProcessConfig, version: int) -> DoctorResult:
    description = f"PostgreSQL {version // 10_000}.{version % 10_000} at {redact(config.url)}"
    if version < _MIN_SERVER_VERSION:
        return DoctorResult("database", "fail", f"{description} is too old: upgrade to PostgreSQL 15 or newer")
    return DoctorResult("database", "ok", description)


def _check_migrations(current: str | None, newest: str | None) -> DoctorResult:
    if current == newest:
        return DoctorResult("migrations", "ok", f"at revision {current}")
    description = "the database is empty" if current is None else f"at revision {current}, not {newest}"
    return DoctorResult("migrations", "fail", f"{description}: run `showup migrate`")


async def _check_default_account(container: Container) -> list[DoctorResult]:
    """Reports a missing default account, and its short secrets. `webhooks:default` says whether it has a secret."""
    # Read without the webhook endpoint's timeout, which would report a slow database as unreachable.
    await container.directory.refresh()
    account = await container.directory.find(None)
    if account is None:
        return [DoctorResult("account default", "fail", "it does not exist: run `showup migrate`")]
    if any(len(secret) < MIN_SECRET_LENGTH for secret in account.secrets):
        return [
            DoctorResult(
                "account default",
                "warn",
                f"a webhook secret has fewer than {MIN_SECRET_LENGTH} characters, so it can be guessed: set a longer "
                "CALCOM_WEBHOOK_SECRET and the old one as CALCOM_WEBHOOK_SECRET_PREVIOUS",
            )
        ]
    return []


async def _check_stored_secrets(container: Container) -> list[DoctorResult]:
    """Reports webhook secrets that were stored when short ones were still accepted (S12)."""
    async with transaction(container.engine) as tx:
        names = await accounts_store.list_accounts_with_short_secrets(tx, container.seal, container.clock())
    message = (
        f"a stored webhook secret has fewer than {MIN_SECRET_LENGTH} characters, so it can be guessed: "
        "run `showup accounts rotate-secret {}`"
    )
    return [DoctorResult(f"account {name}", "warn", message.format(name)) for name in names]


async def _check_connections(container: Container, checker: ConnectionChecker) -> list[DoctorResult]:
    async with transaction(container.engine) as tx:
        connections = await connections_store.list_connections(tx)
    checks = await asyncio.gather(*(checker.check(connection) for connection in connections))
    subjects = [f"connection {connection.kind} {connection.name}" for connection in connections]
    return [result for subject, check in zip(subjects, checks, strict=True) for result in _results_of(subject, check)]


async def _check_lead_sources(container: Container) -> list[DoctorResult]:
    """Reports whether the data of each EmailBison is up to date; one that was not read yet has no result."""
    async with transaction(container.engine) as tx:
        workspace_ids = {one.slug: one.id for one in await workspaces_store.list_workspaces(tx)}
        connections = [one for one in await connections_store.list_connections(tx) if one.kind == EMAILBISON]
        states = await lead_source_states(tx, list(workspace_ids.values()), container.clock())
    results = []
    for connection in connections:
        state = states.get(workspace_ids[connection.workspace])
        if state is not None and state.message is not None:
            results.append(DoctorResult(f"leads {EMAILBISON} {connection.name}", "warn", state.message))
        elif state is not None and state.last_synced_at is not None:
            message = f"read at {state.last_synced_at:%Y-%m-%d %H:%M} UTC, {counted(state.read, 'lead')}"
            results.append(DoctorResult(f"leads {EMAILBISON} {connection.name}", "ok", message))
    return results


async def _check_mail(container: Container, checker: ConnectionChecker) -> list[DoctorResult]:
    """Checks how the workspaces send mail. The default workspace's mail may come from the environment."""
    async with transaction(container.engine) as tx:
        stored = await connections_store.list_connections(tx)
        workspaces = await workspaces_store.list_workspaces(tx)
        with_sender = {one.id for one in workspaces if await senders_store.sender_rules(tx, one.id)}
    names = {DEFAULT} | {row.workspace for row in stored if row.kind in MAIL_KINDS and row.has_credentials}
    senders = [workspace for workspace in workspaces if workspace.slug in names]
    checks = await asyncio.gather(*(checker.check_mail(workspace) for workspace in senders))
    results = []
    for workspace, check in zip(senders, checks, strict=True):
        subject = "mail" if workspace.slug == DEFAULT else f"mail of {workspace.slug}"
        results.extend(_results_of(subject, check))
        if check.is_sent and not container.settings.policy.senders and workspace.id not in with_sender:
            message = (
                "no sender is set, so no mail is sent: add one in Settings, Senders, or a row to [[senders]] in"
                " showup.toml, and restart Showup"
            )
            results.append(DoctorResult(subject, "warn", message))
    return results


def _results_of(subject: str, check: ConnectionCheck) -> list[DoctorResult]:
    if check.faults:
        return [DoctorResult(subject, "fail", fault) for fault in check.faults]
    return [DoctorResult(subject, "ok", check.message)]


async def _check_queues(container: Container) -> DoctorResult:
    """Reports the destinations that are paused or failing, as the page Connections shows them."""
    stopped, waiting = [], 0
    async with transaction(container.engine) as tx:
        for workspace in await workspaces_store.list_workspaces(tx):
            permission = Permission(actor="doctor", scope="read", workspace_id=workspace.id)
            for one in await list_destinations(tx, permission, container.clock()):
                waiting += one.waiting + one.planned
                if one.is_stopped:
                    stopped.append(f"{workspace.slug} to {one.destination}: {one.because}")
    if stopped:
        return DoctorResult("deliveries", "warn", "; ".join(stopped))
    return DoctorResult("deliveries", "ok", f"{waiting} scheduled, no queue is paused")


def _check_clock(container: Container, snapshot: Health) -> DoctorResult:
    difference = abs(container.clock() - snapshot.now)
    if difference > _MAX_CLOCK_DIFFERENCE:
        message = f"differs from the database's by {difference.total_seconds():.0f} s: synchronize both with NTP"
        return DoctorResult("clock", "warn", message)
    return DoctorResult("clock", "ok", "agrees with the database's")


async def _check_own_server(settings: Settings) -> list[DoctorResult]:
    """Checks whether Showup responds at the host and port in the settings."""
    import httpx2

    address = f"http://{settings.host}:{settings.port}"
    try:
        async with asyncio.timeout(_SERVER_TIMEOUT), httpx2.AsyncClient(timeout=_SERVER_TIMEOUT) as client:
            response = await client.get(f"{address}/readyz")
    except (httpx2.TransportError, TimeoutError) as fault:
        message = f"no response from {address} ({type(fault).__name__}): start Showup with `make run` or `showup serve`"
        return [DoctorResult("server", "warn", f"{message}; ignore this if it runs on another machine or port")]
    if response.status_code != 200:
        return [DoctorResult("server", "warn", f"{address}/readyz responds with status {response.status_code}")]
    return [DoctorResult("server", "ok", f"responds at {address}")]


def _check_events(container: Container, snapshot: Health) -> DoctorResult:
    if snapshot.failed:
        message = f"{snapshot.failed} failed, {snapshot.waiting} waiting: see /api/events?state=failed"
        return DoctorResult("inbox events", "warn", message)
    if snapshot.oldest_waiting_at is not None and container.clock() - snapshot.oldest_waiting_at > _MAX_WAIT:
        message = f"{snapshot.waiting} waiting for more than a minute: check that `showup serve` or `showup work` runs"
        return DoctorResult("inbox events", "warn", message)
    return DoctorResult("inbox events", "ok", f"{snapshot.waiting} waiting, none failed")
