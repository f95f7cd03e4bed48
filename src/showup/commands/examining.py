"""What the doctor looks at, one thing after the other; each look ends in a finding."""

from datetime import timedelta
from typing import Literal

from msgspec import Struct

from showup.access import connections_store
from showup.access.connection import Connection
from showup.access.permit import Permit
from showup.access.secrets_at_rest import Unsealable
from showup.adopting import given_connections
from showup.assembly import Ground, House, house
from showup.commands.connections_trying import faults_of
from showup.database.address import shown
from showup.database.engine import transaction
from showup.database.migrate import revisions
from showup.deliveries.given import check
from showup.destinations.catalogue import KINDS
from showup.reads.health import Health, health, server
from showup.reads.lanes import list_lanes
from showup.reads.measures import measures
from showup.settings import Settings

_CARRIERS = {"resend", "smtp"}
_OLDEST_SERVER = 150_000
_APART_FOR = timedelta(seconds=5)
_WAITING_FOR = timedelta(minutes=1)


class Finding(Struct, frozen=True):
    """What was looked at, how it is, and a sentence that says what to do if it isn't well."""

    about: str
    state: Literal["ok", "warn", "fail"]
    says: str


def of_settings(settings: Settings) -> Finding:
    """Settings that could be loaded; secrets are not told."""
    try:
        for one in given_connections(settings):
            check(one)
    except ValueError as fault:
        return Finding("settings", "fail", f"Showup does not start with them: {fault}")
    given = sorted(settings.model_fields_set)
    return Finding("settings", "ok", f"given: {', '.join(given)}" if given else "none given, all defaults")


async def examine(settings: Settings, ground: Ground, findings: list[Finding]) -> None:
    """Adds a finding for each thing looked at; raises DatabaseAway."""
    async with house(settings, ground, direct=True) as built:
        async with transaction(built.engine) as tx:
            version, _ = await server(tx)
            stands, newest = await revisions(tx)
        findings.append(_of_server(ground, version))
        findings.append(_of_migrations(stands, newest))
        if stands != newest:
            return
        findings.append(await _of_default_account(built))
        findings.extend(await _of_connections(built))
        findings.append(await _of_mail(built))
        async with transaction(built.engine) as tx:
            now = await health(tx)
        findings.append(_of_clock(built, now))
        findings.append(_of_events(built, now))
        findings.append(await _of_own_server(settings))


def _of_server(ground: Ground, version: int) -> Finding:
    told = f"PostgreSQL {version // 10_000}.{version % 10_000} at {shown(ground.url)}"
    if version < _OLDEST_SERVER:
        return Finding("database", "fail", f"{told} is too old: PostgreSQL 15 or newer is needed")
    return Finding("database", "ok", told)


def _of_migrations(stands: str | None, newest: str | None) -> Finding:
    if stands == newest:
        return Finding("migrations", "ok", f"at revision {stands}")
    told = "the database is empty" if stands is None else f"at revision {stands}, not {newest}"
    return Finding("migrations", "fail", f"{told}: run `showup migrate`")


async def _of_default_account(built: House) -> Finding:
    # Read in its own time: the door's haste would take a slow database for one that is away.
    await built.directory.refresh()
    account = await built.directory.find(None)
    if account is None:
        return Finding("default account", "fail", "there is none: run `showup migrate`")
    if not account.secrets:
        return Finding(
            "default account",
            "warn",
            "no webhook secret, so its webhooks are refused: run `showup accounts rotate-secret default`, "
            "or set CALCOM_WEBHOOK_SECRET; leave it so if only other accounts are used",
        )
    return Finding("default account", "ok", f"{len(account.secrets)} webhook secret(s) in force")


async def _of_connections(built: House) -> list[Finding]:
    findings: list[Finding] = []
    told_of: list[Connection] = []
    async with transaction(built.engine) as tx:
        for one in await connections_store.list_connections(tx):
            if one.kind in KINDS:
                told_of.append(one)
                continue
            about = f"connection {one.kind} {one.name}"
            try:
                await connections_store.credentials(tx, built.seal, one.id)
            except Unsealable as fault:
                findings.append(Finding(about, "fail", f"its credentials can't be opened: {fault}"))
            else:
                told = "its credentials can be opened" if one.has_credentials else "no stored credentials"
                findings.append(Finding(about, "ok", told))
    for one in told_of:
        findings.extend(await _of_destination(built, one))
    return findings


async def _of_destination(built: House, connection: Connection) -> list[Finding]:
    about = f"connection {connection.kind} {connection.name}"
    if faults := await faults_of(built, connection):
        return [Finding(about, "fail", fault) for fault in faults]
    return [Finding(about, "ok", "takes the credentials, and has what the settings name")]


async def _of_mail(built: House) -> Finding:
    """How mail of the default workspace leaves, and who is left in peace for now."""
    async with transaction(built.engine) as tx:
        stored = {one.kind for one in await connections_store.list_connections(tx) if one.has_credentials}
        lanes = await list_lanes(tx, Permit(actor="doctor", scope="read", workspace_id=None), built.clock())
        failed = (await measures(tx)).telling.failed
    stuck = [one for one in lanes if one["state"] != "open"]
    if failing := [f"{one['workspace']} to {one['destination']}: {one['because']}" for one in stuck]:
        return Finding("deliveries", "warn", "; ".join(failing))
    leaves = (
        built.settings.resend_api_key is not None or built.settings.smtp_url is not None or bool(stored & _CARRIERS)
    )
    if leaves and not built.settings.policy.senders:
        return Finding("mail", "warn", "no sender, so none can be sent: add a row to [[senders]] in showup.toml")
    if failed:
        told = f"{failed} could not be sent: `showup deliveries list --state failed` says why"
        return Finding("mail", "warn", told)
    if built.settings.resend_api_key is not None or "resend" in stored:
        return Finding("mail", "ok", "by Resend")
    if built.settings.smtp_url is not None or "smtp" in stored:
        return Finding("mail", "ok", "by SMTP")
    told = "kept in the outbox, at /outbox, and sent to nobody: set RESEND_API_KEY or SMTP_URL to send it"
    return Finding("mail", "ok", told)


def _of_clock(built: House, now: Health) -> Finding:
    apart = abs(built.clock() - now.now)
    if apart > _APART_FOR:
        told = f"{apart.total_seconds():.0f} s apart from the database's: set both by NTP"
        return Finding("clock", "warn", told)
    return Finding("clock", "ok", "agrees with the database's")


async def _of_own_server(settings: Settings) -> Finding:
    """Whether a Showup answers where the settings say that this machine's listens."""
    import httpx2

    address = f"http://{settings.host}:{settings.port}"
    try:
        async with httpx2.AsyncClient(timeout=3) as client:
            answer = await client.get(f"{address}/readyz")
    except httpx2.TransportError as fault:
        told = f"nothing answers at {address} ({type(fault).__name__}): start it with `make run` or `showup serve`"
        return Finding("server", "warn", f"{told}; leave it so where it runs on another machine or port")
    if answer.status_code != 200:
        return Finding("server", "warn", f"{address}/readyz answers {answer.status_code}")
    return Finding("server", "ok", f"answers at {address}")


def _of_events(built: House, now: Health) -> Finding:
    if now.failed:
        told = f"{now.failed} failed, {now.waiting} waiting: see /api/events?state=failed"
        return Finding("raw events", "warn", told)
    if now.oldest_waiting_at is not None and built.clock() - now.oldest_waiting_at > _WAITING_FOR:
        told = f"{now.waiting} waiting for over a minute: is `showup serve` or `showup work` running?"
        return Finding("raw events", "warn", told)
    if now.unreadable:
        told = f"{now.unreadable} could not be understood: see /api/events?state=unreadable for the reasons"
        return Finding("raw events", "warn", told)
    return Finding("raw events", "ok", f"{now.waiting} waiting, none failed")
