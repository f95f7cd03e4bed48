"""Checks for faults that are events and not states: refused webhooks, unreadable events, failed deliveries.

Such a warning would stay for ever, so a person can acknowledge it. Only faults after that are reported again.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime
from functools import partial
from itertools import groupby
from typing import Final, Literal

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access import acknowledgements_store, refusals_store
from showup.access.account import DEFAULT
from showup.access.refusals_store import Reason, RefusedWebhooks, subject_of
from showup.container import Container
from showup.database.engine import driver_connection, transaction
from showup.reads.lead_sources import EMAILBISON
from showup.reads.operations import (
    NEWEST_EVENTS,
    AccountWebhooks,
    FaultCount,
    failed_deliveries,
    list_account_webhooks,
    list_unreadable_accounts,
    unreadable_events,
)

UNREADABLE: Final = "unreadable-events"
FAILED: Final = "failed-deliveries"
_CALCOM: Final = "calcom"
_REASONS: Final[dict[Reason, str]] = {
    "no_signature": "without a signature",
    "wrong_signature": "with a wrong signature",
    "unknown_name": "to an address that no account has",
}


class DoctorResult(Struct, frozen=True):
    """One health check's subject, its state, and a sentence that says how to correct a fault.

    `can_acknowledge`: whether `showup acknowledge SUBJECT` ends the warning.
    """

    subject: str
    state: Literal["ok", "warn", "fail"]
    message: str
    can_acknowledge: bool = False


async def fault_checks(container: Container) -> list[DoctorResult]:
    """Returns a result for each Cal.com account, for other refused webhooks, and for events and deliveries."""
    await container.directory.refresh()
    async with transaction(container.engine) as tx:
        refusals = await refusals_store.list_refusals(await driver_connection(tx))
        accounts = await list_account_webhooks(tx)
        return [
            *_webhook_results(accounts, refusals, container.directory.names_with_secret()),
            *await _unreadable_results(tx),
            await _since_acknowledged(tx, FAILED, failed_deliveries, _describe_failed),
        ]


async def check_webhooks(container: Container, account: str) -> DoctorResult:
    """Returns the result for one Cal.com account: its last webhook, and those that were refused."""
    subject = subject_of(_CALCOM, account)
    return next(result for result in await fault_checks(container) if result.subject == subject)


async def remove_refusals(tx: AsyncConnection, subject: str) -> None:
    """Removes the refusals that a subject of `fault_checks` counts: those after the acknowledgement count anew."""
    driver = await driver_connection(tx)
    for one in await refusals_store.list_refusals(driver):
        if subject_of(one.kind, one.name) == subject:
            await refusals_store.remove(driver, one.kind, one.name)


def webhook_message(account: AccountWebhooks) -> str:
    """Returns when the account's last webhook came."""
    if account.last_webhook_at is not None:
        return f"last webhook {_at(account.last_webhook_at)}"
    if account.last_simulated_at is not None:
        return f"last simulated webhook {_at(account.last_simulated_at)}; none from Cal.com"
    return f"no webhook among the newest {NEWEST_EVENTS:,} events: click “Ping test” at Cal.com to send one"


def _webhook_results(
    accounts: Sequence[AccountWebhooks], refusals: Sequence[RefusedWebhooks], names_with_secret: Collection[str]
) -> list[DoctorResult]:
    by_subject = {
        subject: list(group)
        for subject, group in groupby(
            sorted(refusals, key=lambda one: subject_of(one.kind, one.name)),
            key=lambda one: subject_of(one.kind, one.name),
        )
    }
    results = []
    for account in accounts:
        subject = subject_of(_CALCOM, account.name)
        refused = by_subject.pop(subject, [])
        if refused or account.name in names_with_secret:
            results.append(_webhook_result(subject, refused, webhook_message(account)))
        else:
            results.append(_without_secret(subject, account.name, is_only=not names_with_secret))
    # Slack, Resend, and names that nobody has.
    results.extend(_webhook_result(subject, refused, None) for subject, refused in sorted(by_subject.items()))
    return results


def _webhook_result(subject: str, refused: Sequence[RefusedWebhooks], message: str | None) -> DoctorResult:
    if not refused:
        return DoctorResult(subject, "ok", message or "none refused")
    name = refused[0].name
    parts = [*([] if message is None else [message]), *(_describe_refused(one) for one in refused)]
    advice = _advice(refused[0].kind, name)
    return _warning(subject, f"{'; '.join(parts)}: {advice}")


def _without_secret(subject: str, name: str, *, is_only: bool) -> DoctorResult:
    """Returns the result of an account without a webhook secret: nothing to do for `default` if others have one."""
    if name == DEFAULT and not is_only:
        return DoctorResult(subject, "ok", "not in use: it has no webhook secret, and other accounts receive webhooks")
    variable = ", or set CALCOM_WEBHOOK_SECRET and restart Showup" if name == DEFAULT else ""
    message = f"no webhook secret, so Showup refuses its webhooks: run `showup accounts rotate-secret {name}`{variable}"
    return DoctorResult(subject, "warn", message)


def _describe_refused(one: RefusedWebhooks) -> str:
    sources = ", ".join(f"{address} ({count})" for address, count in one.sources.items())
    others = " and others" if sum(one.sources.values()) < one.count else ""
    times = _at(one.last_at) if one.count == 1 else f"{_at(one.first_at)} to {_at(one.last_at)}"
    return f"{one.count} refused {_REASONS[one.reason]}, {times}, from {sources}{others}"


def _advice(kind: str, name: str) -> str:
    if not name:
        return "compare the address at the sender with `showup accounts list` and `showup connections list`"
    if kind == _CALCOM:
        return f"if Cal.com sent them, run `showup accounts rotate-secret {name}` and enter the new secret at Cal.com"
    if kind == EMAILBISON:
        return "if EmailBison sent them, run `showup emailbison register`"
    return f"if {kind} sent them, correct the signing secret: `showup connections list` shows the connection"


async def _unreadable_results(tx: AsyncConnection) -> list[DoctorResult]:
    """Returns a result for each account with such events, since each account's sender is another one to ask."""
    results = []
    for account in await list_unreadable_accounts(tx):
        subject = UNREADABLE if account is None else f"{UNREADABLE}:{account}"
        count = partial(unreadable_events, account=account)
        results.append(await _since_acknowledged(tx, subject, count, _describe_unreadable))
    return results or [DoctorResult(UNREADABLE, "ok", "none")]


async def _since_acknowledged(
    tx: AsyncConnection,
    subject: str,
    count: Callable[[AsyncConnection, datetime | None], Awaitable[FaultCount | None]],
    describe: Callable[[FaultCount], str],
) -> DoctorResult:
    since = await acknowledgements_store.acknowledged_until(await driver_connection(tx), subject)
    found = await count(tx, since)
    after = "" if since is None else f" since the acknowledgement of {_at(since)}"
    return DoctorResult(subject, "ok", f"none{after}") if found is None else _warning(subject, describe(found) + after)


def _describe_unreadable(found: FaultCount) -> str:
    reason = (found.because or "no reason").rstrip(".")
    return f"{found.count}, the newest at {_at(found.newest_at)}: {reason}; GET /api/events?state=unreadable"


def _describe_failed(found: FaultCount) -> str:
    reason = (found.because or "no reason").rstrip(".")
    return (
        f"{found.count}, the newest to {found.whose} at {_at(found.newest_at)}: {reason}. List them with `showup "
        "deliveries list --state failed`, and send them again with `showup deliveries retry --failed`"
    )


def _warning(subject: str, message: str) -> DoctorResult:
    text = f"{message}. Once you have dealt with it: `showup acknowledge {subject}`"
    return DoctorResult(subject, "warn", text, can_acknowledge=True)


def _at(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S} UTC"
