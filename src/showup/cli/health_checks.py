"""Runs the health checks of `showup doctor`; each check adds a result."""

from datetime import timedelta
from typing import Literal

from msgspec import Struct

from showup.access import accounts_store, connections_store
from showup.access.account import MIN_SECRET_LENGTH
from showup.access.connection import Connection
from showup.access.permission import Permission
from showup.access.secrets_at_rest import DecryptionError
from showup.cli.connection_check import connection_faults
from showup.connections.catalogue import KINDS
from showup.connections.environment import check
from showup.container import Container, ProcessConfig, open_container
from showup.database.address import redact
from showup.database.engine import transaction
from showup.database.migrate import read_revisions
from showup.reads.health import Health, read_health, server_version
from showup.reads.metrics import read_metrics
from showup.reads.queues import list_queues
from showup.settings import Settings
from showup.sync_settings import environment_connections

_MAIL_CONNECTION_KINDS = {"resend", "smtp"}
_MIN_SERVER_VERSION = 150_000
_MAX_CLOCK_DIFFERENCE = timedelta(seconds=5)
_MAX_WAIT = timedelta(minutes=1)


class DoctorResult(Struct, frozen=True):
    """One health check's subject, its state, and a sentence that says how to correct a fault."""

    subject: str
    state: Literal["ok", "warn", "fail"]
    message: str


def check_settings(settings: Settings) -> DoctorResult:
    """Reports that the settings could be loaded; secrets are not shown."""
    try:
        for connection in environment_connections(settings):
            check(connection)
    except ValueError as fault:
        return DoctorResult("settings", "fail", f"Showup can't start with these settings: {fault}")
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
        results.append(await _check_default_account(container))
        results.extend(await _check_stored_secrets(container))
        results.extend(await _check_connections(container))
        results.append(await _check_mail(container))
        async with transaction(container.engine) as tx:
            snapshot = await read_health(tx)
        results.append(_check_clock(container, snapshot))
        results.append(_check_events(container, snapshot))
        results.append(await _check_own_server(settings))


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


async def _check_default_account(container: Container) -> DoctorResult:
    # Read without the webhook endpoint's timeout, which would report a slow database as unreachable.
    await container.directory.refresh()
    account = await container.directory.find(None)
    if account is None:
        return DoctorResult("default account", "fail", "it does not exist: run `showup migrate`")
    if not account.secrets:
        return DoctorResult(
            "default account",
            "warn",
            "no webhook secret, so Showup refuses its webhooks: run `showup accounts rotate-secret default`, "
            "or set CALCOM_WEBHOOK_SECRET; ignore this if you use only other accounts",
        )
    if any(len(secret) < MIN_SECRET_LENGTH for secret in account.secrets):
        return DoctorResult(
            "default account",
            "warn",
            f"a webhook secret has fewer than {MIN_SECRET_LENGTH} characters, so it can be guessed: set a longer "
            "CALCOM_WEBHOOK_SECRET and the old one as CALCOM_WEBHOOK_SECRET_PREVIOUS",
        )
    return DoctorResult("default account", "ok", f"active webhook secrets: {len(account.secrets)}")


async def _check_stored_secrets(container: Container) -> list[DoctorResult]:
    """Reports webhook secrets that were stored when short ones were still accepted (S12)."""
    async with transaction(container.engine) as tx:
        names = await accounts_store.list_accounts_with_short_secrets(tx, container.seal, container.clock())
    message = (
        f"a stored webhook secret has fewer than {MIN_SECRET_LENGTH} characters, so it can be guessed: "
        "run `showup accounts rotate-secret {}`"
    )
    return [DoctorResult(f"account {name}", "warn", message.format(name)) for name in names]


async def _check_connections(container: Container) -> list[DoctorResult]:
    results: list[DoctorResult] = []
    destination_connections: list[Connection] = []
    async with transaction(container.engine) as tx:
        for connection in await connections_store.list_connections(tx):
            if connection.kind in KINDS:
                destination_connections.append(connection)
                continue
            subject = f"connection {connection.kind} {connection.name}"
            try:
                await connections_store.credentials(tx, container.seal, connection.id)
            except DecryptionError as fault:
                results.append(DoctorResult(subject, "fail", f"its credentials can't be decrypted: {fault}"))
            else:
                message = "its credentials can be decrypted" if connection.has_credentials else "no stored credentials"
                results.append(DoctorResult(subject, "ok", message))
    for connection in destination_connections:
        results.extend(await _check_destination(container, connection))
    return results


async def _check_destination(container: Container, connection: Connection) -> list[DoctorResult]:
    subject = f"connection {connection.kind} {connection.name}"
    if faults := await connection_faults(container, connection):
        return [DoctorResult(subject, "fail", fault) for fault in faults]
    return [DoctorResult(subject, "ok", "the credentials work, and everything that the settings name exists")]


async def _check_mail(container: Container) -> DoctorResult:
    """Checks how the default workspace sends mail, and which destination queues are paused after repeated failures."""
    async with transaction(container.engine) as tx:
        stored = {row.kind for row in await connections_store.list_connections(tx) if row.has_credentials}
        queues = await list_queues(tx, Permission(actor="doctor", scope="read", workspace_id=None), container.clock())
        failed = (await read_metrics(tx)).delivery_backlog.failed
    paused = [row for row in queues if row["state"] != "working"]
    if messages := [f"{row['workspace']} to {row['destination']}: {row['because']}" for row in paused]:
        return DoctorResult("deliveries", "warn", "; ".join(messages))
    sends_mail = (
        container.settings.resend_api_key is not None
        or container.settings.smtp_url is not None
        or bool(stored & _MAIL_CONNECTION_KINDS)
    )
    if sends_mail and not container.settings.policy.senders:
        return DoctorResult(
            "mail", "warn", "no sender is set, so Showup can't send mail: add a row to [[senders]] in showup.toml"
        )
    if failed:
        message = f"{failed} deliveries failed: see `showup deliveries list --state failed` for the reasons"
        return DoctorResult("mail", "warn", message)
    if container.settings.resend_api_key is not None or "resend" in stored:
        return DoctorResult("mail", "ok", "sent by Resend")
    if container.settings.smtp_url is not None or "smtp" in stored:
        return DoctorResult("mail", "ok", "sent by SMTP")
    message = "not sent, but stored in the mail preview at /mail: set RESEND_API_KEY or SMTP_URL to send it"
    return DoctorResult("mail", "ok", message)


def _check_clock(container: Container, snapshot: Health) -> DoctorResult:
    difference = abs(container.clock() - snapshot.now)
    if difference > _MAX_CLOCK_DIFFERENCE:
        message = f"differs from the database's by {difference.total_seconds():.0f} s: synchronize both with NTP"
        return DoctorResult("clock", "warn", message)
    return DoctorResult("clock", "ok", "agrees with the database's")


async def _check_own_server(settings: Settings) -> DoctorResult:
    """Checks whether Showup responds at the host and port in the settings."""
    import httpx2

    address = f"http://{settings.host}:{settings.port}"
    try:
        async with httpx2.AsyncClient(timeout=3) as client:
            response = await client.get(f"{address}/readyz")
    except httpx2.TransportError as fault:
        message = f"no response from {address} ({type(fault).__name__}): start Showup with `make run` or `showup serve`"
        return DoctorResult("server", "warn", f"{message}; ignore this if it runs on another machine or port")
    if response.status_code != 200:
        return DoctorResult("server", "warn", f"{address}/readyz responds with status {response.status_code}")
    return DoctorResult("server", "ok", f"responds at {address}")


def _check_events(container: Container, snapshot: Health) -> DoctorResult:
    if snapshot.failed:
        message = f"{snapshot.failed} failed, {snapshot.waiting} waiting: see /api/events?state=failed"
        return DoctorResult("inbox events", "warn", message)
    if snapshot.oldest_waiting_at is not None and container.clock() - snapshot.oldest_waiting_at > _MAX_WAIT:
        message = f"{snapshot.waiting} waiting for more than a minute: check that `showup serve` or `showup work` runs"
        return DoctorResult("inbox events", "warn", message)
    if snapshot.unreadable:
        message = f"{snapshot.unreadable} are unreadable: see /api/events?state=unreadable for the reasons"
        return DoctorResult("inbox events", "warn", message)
    return DoctorResult("inbox events", "ok", f"{snapshot.waiting} waiting, none failed")
