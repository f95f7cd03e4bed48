"""Each delivery reaches its attendee once, whatever is killed and however the mail provider fails (TE1, TE4, TE10).

A real `serve` receives bookings, reschedules and cancellations. Workers die by kill -9 at random moments. The fake mail
provider answers a share of the calls with 429 or 500, resets the connection, stays silent, or accepts the mail and
breaks the connection. Afterwards the mails that were sent are compared with the planned deliveries.
"""

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx2

from showup.sources.calcom.signature import sign
from tests.destinations.fake_vendors.resend import FakeResend
from tests.histories.webhooks import attendee, body, payload
from tests.showup_process import SECRET
from tests.torture.programs import Program, kill, socket_folder, stop_all
from tests.vendors.faults import Faults

FAULTS = "429=0.05,500=0.05,reset=0.04,lost=0.04,hang=0.02"
# Many attempts: the test shows that no delivery is lost or duplicated, not when a delivery is given up.
POLICY = """
[pipeline]
ask_for_outcome = false
[reminders]
offsets_before = [{offsets}]
[email]
retry_after = ["1s", "2s", "4s", "8s", "8s", "8s", "8s", "8s"]
[[senders]]
from = "team@outbound.example"
"""
_AT_ONCE = 16
_BETWEEN_KILLS = (1.0, 4.0)


@dataclass(frozen=True, slots=True)
class Plan:
    """`ahead`: when the meetings begin, counted from the start; `offsets`: the reminders before them.

    A booking changes within `changes_within` of its creation, if it does.
    """

    bookings: int
    seed: int
    ahead: timedelta
    offsets: Sequence[timedelta]
    kills: int
    changes_within: timedelta = timedelta(seconds=12)


@dataclass(slots=True)
class PlannedMeeting:
    """One booking. It `stays`, is cancelled or is rescheduled; `changed_at`: when Showup accepted that change (2xx)."""

    number: int
    start: datetime
    outcome: str
    moved_to: datetime | None = None
    changed_at: datetime | None = None

    @property
    def email(self) -> str:
        return f"person{self.number}@acme{self.number}.example"


@dataclass(slots=True)
class Result:
    """The result; `faults` is empty when every delivery was sent once."""

    mails: int = 0
    absorbed: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    killed: Counter[str] = field(default_factory=Counter)
    lateness: list[float] = field(default_factory=list)
    states: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    seconds: float = 0.0


async def run_plan(folder: Path, plan: Plan) -> Result:
    """Runs the plan from an empty folder to the last delivery."""
    rng = random.Random(plan.seed)  # noqa: S311  # the same seed repeats the run
    began_at, result = time.monotonic(), Result()
    offsets = ", ".join(f'"{round(one.total_seconds())}s"' for one in plan.offsets)
    (folder / "showup.toml").write_text(POLICY.format(offsets=offsets), encoding="utf-8")
    with FakeResend(faults=Faults.parse(FAULTS, seed=plan.seed), per_second=None) as provider:
        programs = _started(folder, provider)
        try:
            address = programs[0].wait_for(r"running at (\S+)")
            meetings = list(plan_meetings(plan, rng))
            kill_task = asyncio.create_task(kill_workers(programs, plan.kills, rng, result))
            await send_bookings(address, meetings, plan, rng)
            await kill_task
            dsn = f"postgresql://showup@/showup?host={socket_folder(folder / 'data')}&port=5432"
            rows = await _wait_for_deliveries(dsn, plan)
        finally:
            provider.release()
            stop_all(programs)
        _check_result(provider, rows, meetings, plan, result)
    result.seconds = time.monotonic() - began_at
    return result


def _started(folder: Path, provider: FakeResend) -> list[Program]:
    variables = {
        "SHOWUP_DATA_DIR": str(folder / "data"),
        "SHOWUP_CONFIG": str(folder / "showup.toml"),
        "RESEND_API_KEY": provider.key,
        "RESEND_API_URL": provider.url,
    }
    serve = Program(folder / "serve.log", "serve", "--port", "0", **variables)
    serve.wait_for(r"running at (\S+)")
    rate_settings = ("--setting", "rate_per_second=500", "--setting", "at_once=40")
    setup_program = Program(folder / "set.log", "connections", "set", "resend", "far", *rate_settings, **variables)
    assert setup_program.process.wait(60) == 0, setup_program.output()
    work = Program(folder / "work.log", "work", **variables)
    work.wait_for(r"(Showup runs)")
    return [serve, work]


def plan_meetings(plan: Plan, rng: random.Random) -> Iterator[PlannedMeeting]:
    first = datetime.now(UTC).replace(microsecond=0) + plan.ahead
    for number in range(plan.bookings):
        start = first + timedelta(seconds=rng.randrange(20))
        outcome = rng.choices(("stays", "cancelled", "moved"), (0.7, 0.15, 0.15))[0]
        to = start + timedelta(seconds=rng.randrange(30, 60)) if outcome == "moved" else None
        yield PlannedMeeting(number, start, outcome, to)


async def send_bookings(address: str, meetings: Sequence[PlannedMeeting], plan: Plan, rng: random.Random) -> None:
    room = asyncio.Semaphore(_AT_ONCE)
    async with (
        httpx2.AsyncClient(base_url=address, timeout=10, trust_env=False) as client,
        asyncio.TaskGroup() as tasks,
    ):
        for meeting in meetings:
            tasks.create_task(
                _send_lifecycle(client, meeting, room, rng.uniform(0, plan.changes_within.total_seconds()))
            )


async def _send_lifecycle(
    client: httpx2.AsyncClient, meeting: PlannedMeeting, room: asyncio.Semaphore, delay: float
) -> None:
    fields = _fields(meeting)
    async with room:
        await _post(client, "BOOKING_CREATED", fields)
    if meeting.outcome == "stays":
        return
    await asyncio.sleep(delay)
    async with room:
        if meeting.moved_to is None:
            await _post(client, "BOOKING_CANCELLED", fields)
        else:
            previous_fields = {"rescheduleUid": fields["uid"], "rescheduleStartTime": fields["startTime"]}
            moved_fields = payload(
                f"{fields['uid']}-again", meeting.number + 100_000, meeting.moved_to, [meeting.email]
            )
            await _post(client, "BOOKING_RESCHEDULED", moved_fields | previous_fields)
    meeting.changed_at = datetime.now(UTC)


def _fields(meeting: PlannedMeeting) -> dict[str, Any]:
    booker = attendee(meeting.email, name=f"Person {meeting.number}")
    return payload(f"booking-{meeting.number}", meeting.number, meeting.start, [booker])


async def _post(client: httpx2.AsyncClient, trigger: str, fields: dict[str, Any]) -> None:
    sent = body(trigger, datetime.now(UTC), fields)
    headers = {"X-Cal-Signature-256": sign(SECRET.encode(), sent), "Content-Type": "application/json"}
    while True:
        try:
            if (await client.post("/webhooks/calcom", content=sent, headers=headers)).is_success:
                return
        except httpx2.TransportError:
            pass
        await asyncio.sleep(0.2)


async def kill_workers(programs: Sequence[Program], kills: int, rng: random.Random, result: Result) -> None:
    for _ in range(kills):
        await asyncio.sleep(rng.uniform(*_BETWEEN_KILLS))
        kind = rng.choice(("deliver", "deliver", "work"))
        children = rng.choice(programs).children(kind)
        await asyncio.to_thread(kill, *children)
        result.killed[kind] += len(children)


async def _wait_for_deliveries(dsn: str, plan: Plan) -> list[asyncpg.Record]:
    """Returns every delivery, once none of them remains to be sent."""
    driver = await asyncpg.connect(dsn)
    try:
        async with asyncio.timeout(plan.ahead.total_seconds() + 240):
            while await driver.fetchval(  # noqa: ASYNC110  # another process sends them
                """
                SELECT EXISTS (SELECT FROM deliveries WHERE state IN ('scheduled', 'sending'))
                    OR EXISTS (SELECT FROM inbox_events WHERE state IN ('pending', 'failed'))
                """
            ):
                await asyncio.sleep(0.5)
        rows: list[asyncpg.Record] = await driver.fetch("SELECT * FROM deliveries")
        return rows
    finally:
        await driver.close()


def _check_result(
    provider: FakeResend, rows: Sequence[asyncpg.Record], meetings: Sequence[PlannedMeeting], plan: Plan, result: Result
) -> None:
    sent = {str(row["id"]): [mail for mail in provider.sent if mail.key == str(row["id"])] for row in rows}
    result.mails, result.absorbed, result.answers = len(provider.sent), len(provider.absorbed), provider.answers
    result.states = Counter(f"{row['kind']} {row['state']}" for row in rows)
    result.faults += [f"invalid request to the mail provider: {one}" for one in provider.violations[:5]]
    result.faults += [f"{len(mails)} mails of delivery {key}" for key, mails in sent.items() if len(mails) > 1]
    if unknown_count := len(provider.sent) - sum(len(mails) for mails in sent.values()):
        result.faults.append(f"{unknown_count} mails belong to no delivery")
    for row in rows:
        mails = sent[str(row["id"])]
        if row["state"] == "delivered" and not mails:
            result.faults.append(f"{row['kind']} {row['id']} is delivered, but no mail was sent")
        if row["kind"] == "reminder" and mails:
            result.lateness.append((mails[0].at - row["due_at"]).total_seconds())
    for meeting in meetings:
        meeting_rows = [row for row in rows if row["recipient"] == meeting.email]
        result.faults += _faults_of(
            meeting, meeting_rows, {str(row["id"]): bool(sent[str(row["id"])]) for row in meeting_rows}, plan
        )
        result.faults += _stale_reminders(meeting, meeting_rows, sent)


def _faults_of(
    meeting: PlannedMeeting, rows: Sequence[asyncpg.Record], was_sent: dict[str, bool], plan: Plan
) -> Iterator[str]:
    sent_counts = Counter(row["kind"] for row in rows if was_sent[str(row["id"])])
    change_kind = {"stays": None, "cancelled": "cancelled", "moved": "rescheduled"}[meeting.outcome]
    confirmed = 1 if meeting.outcome == "stays" else sent_counts["confirmation"]
    if sent_counts["confirmation"] != confirmed or sent_counts["confirmation"] > 1:
        found = [dict(row) for row in rows]
        yield f"{meeting.email} ({meeting.outcome}) received {sent_counts['confirmation']} confirmations: {found}"
    if change_kind and sent_counts[change_kind] != 1:
        yield f"{meeting.email} ({meeting.outcome}) received {sent_counts[change_kind]} × {change_kind}"
    if meeting.outcome != "cancelled" and sent_counts["reminder"] < len(plan.offsets):
        reasons = [row["because"] for row in rows if row["kind"] == "reminder" and not was_sent[str(row["id"])]]
        times = f"{sent_counts['reminder']} of {len(plan.offsets)} reminders"
        yield f"{meeting.email} ({meeting.outcome}) received {times}: {reasons}"


def _stale_reminders(
    meeting: PlannedMeeting, rows: Sequence[asyncpg.Record], sent: dict[str, list[Any]]
) -> Iterator[str]:
    """Finds reminders of meetings that had changed: sent more than 5 s after Showup accepted the change."""
    if meeting.changed_at is None:
        return
    stale = [row for row in rows if row["kind"] == "reminder" and row["state"] == "withdrawn"]
    for row in stale:
        for mail in sent[str(row["id"])]:
            if mail.at > meeting.changed_at + timedelta(seconds=5):
                yield f"{meeting.email} received a reminder at {mail.at} of a meeting that was {meeting.outcome}"


def summarize(result: Result) -> str:
    """Returns a summary of a few lines for people."""
    lateness = sorted(result.lateness)
    spread = (
        f"; reminders {lateness[len(lateness) // 2]:.2f} s late (median), {lateness[-1]:.2f} s at most"
        if lateness
        else ""
    )
    return (
        f"{result.mails} mails, {result.absorbed} repeats without effect, answers {json.dumps(result.answers)}; "
        f"killed {json.dumps(result.killed)}; {json.dumps(result.states)}{spread}; {result.seconds:.0f} s; "
        f"{'every delivery was sent once' if not result.faults else 'FAULTS'}"
    )
