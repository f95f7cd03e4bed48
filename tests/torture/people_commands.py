"""People's commands between late webhooks, while processes are killed: no accepted command is undone (M01, M04)."""

import asyncio
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx2
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.clock import system_clock
from showup.database.engine import driver_connection, transaction
from showup.simulation.wire import OutgoingWebhook
from tests.histories.webhooks import body, payload
from tests.showup_process import TIMEOUT
from tests.torture import checks
from tests.torture.client_workspace import Client, new_client
from tests.torture.deployment import Deployment
from tests.torture.load_sender import LoadSender, Sent
from tests.torture.rounds import wait_for_accounts

_PAUSE = 0.1
_BETWEEN_FAULTS = (0.2, 1.5)
# Another answer may come from a process that is being killed, or because of a request that it left unfinished.
_FINAL_STATUSES = (200, 201, 404, 422)
_CHANGES: tuple[dict[str, Any], ...] = (
    {"status": "won", "amount": 1200, "currency": "EUR"},
    {"status": "lost", "lost_reason": "no budget"},
    {"stage": "proposal"},
    {"amount": 500, "currency": "USD"},
)


@dataclass(frozen=True, slots=True)
class CommandPlan:
    """So many people with private addresses each get a company, book, and have their deal changed."""

    seed: int
    number: int
    people: int
    target: str | None = None
    kills: int = 3


@dataclass(frozen=True, slots=True)
class _Case:
    """A person, and what somebody did about them: the change of their deal that Showup accepted."""

    number: int
    change: dict[str, Any]

    @property
    def email(self) -> str:
        return f"person{self.number}@gmail.com"

    @property
    def domain(self) -> str:
        return f"company{self.number}.example"

    @property
    def uid(self) -> str:
        return f"private-{self.number}"


async def run_commands(deployment: Deployment, engine: AsyncEngine, plan: CommandPlan) -> list[str]:
    """Runs the commands, the webhooks and the kills, and returns a sentence for each accepted command that is gone."""
    rng = random.Random(f"commands {plan.seed}/{plan.number}")  # noqa: S311  # the same seed repeats the round
    async with transaction(engine) as tx:
        client = await new_client(tx, f"people-{plan.number}", "write")
    sender = LoadSender(lambda: deployment.addresses, rng, Sent())
    await wait_for_accounts(deployment.addresses, client, rng, sender.sent)
    cases = [_Case(number, rng.choice(_CHANGES)) for number in range(plan.people)]
    kills = asyncio.create_task(_inject_faults(deployment, sender, plan, rng))
    async with httpx2.AsyncClient(timeout=10, trust_env=False) as api, asyncio.TaskGroup() as tasks:
        for case in cases:
            tasks.create_task(_run_case(deployment, client, sender, api, case))
    await kills
    await asyncio.to_thread(deployment.wait_until_ready)
    await checks.wait_until_idle(engine, client.id)
    return await _undone(engine, client, cases)


async def _inject_faults(deployment: Deployment, sender: LoadSender, plan: CommandPlan, rng: random.Random) -> None:
    for _ in range(plan.kills):
        await asyncio.sleep(rng.uniform(*_BETWEEN_FAULTS))
        await deployment.inject_fault(plan.target or rng.choice(deployment.targets), rng, sender)
        await asyncio.to_thread(deployment.restart_dead)


async def _run_case(
    deployment: Deployment, client: Client, sender: LoadSender, api: httpx2.AsyncClient, case: _Case
) -> None:
    def webhook(trigger: str, at: datetime) -> OutgoingWebhook:
        fields = payload(case.uid, 1_000 + case.number, start, [case.email])
        return OutgoingWebhook(client.endpoints[0], body(trigger, at, fields))

    async def execute(method: str, path: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        key = f"{case.uid}:{method}:{path}"
        headers = {"Authorization": f"Bearer {client.key}", "Idempotency-Key": key}
        response = await _until_answered(deployment, api, method, path, headers=headers, json=dict(fields))
        assert response.is_success, f"{method} {path} of {case.email}: {response.status_code} {response.text}"
        answer: dict[str, Any] = response.json()
        return answer

    now = system_clock().replace(microsecond=0)
    start = now + timedelta(days=3)
    company = await execute("POST", "/api/companies", {"domain": case.domain})
    await execute("POST", "/api/people", {"email": case.email, "company_id": company["id"]})
    # The webhooks are as old as the booking, which was made before anybody acted.
    await sender.send([webhook("BOOKING_CREATED", now - timedelta(minutes=9))])
    deal_id = await _deal_of(deployment, client, api, case)
    await execute("PATCH", f"/api/deals/{deal_id}", case.change)
    await sender.send([webhook("BOOKING_CANCELLED", now - timedelta(minutes=5))])


async def _deal_of(deployment: Deployment, client: Client, api: httpx2.AsyncClient, case: _Case) -> str:
    headers = {"Authorization": f"Bearer {client.key}"}
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        response = await _until_answered(deployment, api, "GET", f"/api/bookings?uid={case.uid}", headers=headers)
        deals: list[str] = [one["deal_id"] for one in response.json()["items"] if one["deal_id"] is not None]
        if deals:
            return deals[0]
        await asyncio.sleep(_PAUSE)
    raise TimeoutError(f"the booking of {case.email}, whom a person assigned to {case.domain}, has no deal")


async def _until_answered(
    deployment: Deployment, api: httpx2.AsyncClient, method: str, path: str, **fields: Any
) -> httpx2.Response:
    """Repeats the request with the same idempotency key until Showup answers it, as a client should."""
    deadline = time.monotonic() + 2 * TIMEOUT
    while time.monotonic() < deadline:
        try:
            response = await api.request(method, f"{deployment.addresses[0]}{path}", **fields)
        except httpx2.TransportError:
            await asyncio.sleep(_PAUSE)
            continue
        if response.status_code in _FINAL_STATUSES:
            return response
        await asyncio.sleep(_PAUSE)
    raise TimeoutError(f"{method} {path} was not answered")


async def _undone(engine: AsyncEngine, client: Client, cases: list[_Case]) -> list[str]:
    query = """
        SELECT b.calcom_uid, b.status AS booking, c.domain, d.status, d.stage, d.amount::float, d.currency,
               d.lost_reason
        FROM bookings b LEFT JOIN companies c ON c.id = b.company_id LEFT JOIN deals d ON d.id = b.deal_id
        WHERE b.workspace_id = $1
    """
    async with transaction(engine) as tx:
        rows = {row["calcom_uid"]: row for row in await (await driver_connection(tx)).fetch(query, client.id)}
    faults = []
    for case in cases:
        row = rows.get(case.uid)
        expected = {"domain": case.domain, "booking": "CANCELLED"} | case.change
        found = {} if row is None else {name: row[name] for name in expected}
        if found != expected:
            faults.append(f"accepted for {case.email}: {expected}, but now: {found}")
    return faults
