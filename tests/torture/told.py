"""Everybody is told once, whoever is killed and however the mail provider fails (TE1, TE4, TE10).

Bookings go through the door of a real `serve`, some are moved and some called off; workers die by kill -9 at random
moments; the far side answers a share of the calls with 429, 500, a reset, silence, or takes the mail and breaks off.
Afterwards the mails that really went out are laid beside what had to be told.
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
from tests.destinations.far.faults import Faults
from tests.destinations.far.resend import FarResend
from tests.serving import SECRET
from tests.stories.webhooks import attendee, body, payload
from tests.torture.programs import Program, kill, socket_folder

FAULTS = "429=0.05,500=0.05,reset=0.04,lost=0.04,hang=0.02"
# Many attempts: what is shown is that none is lost or doubled, not when one gives up.
POLICY = """
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
    """`ahead`: when the meetings begin, counted from the start; `offsets`: the reminders before them."""

    bookings: int
    seed: int
    ahead: timedelta
    offsets: Sequence[timedelta]
    kills: int


@dataclass(slots=True)
class Meeting:
    """One booking: it `stays`, is called off, or is moved to another time; `changed_at`: when that was taken (2xx)."""

    number: int
    start: datetime
    fate: str
    moved_to: datetime | None = None
    changed_at: datetime | None = None

    @property
    def email(self) -> str:
        return f"person{self.number}@acme{self.number}.example"


@dataclass(slots=True)
class Result:
    """What came of it; `faults` is empty when everybody was told once."""

    mails: int = 0
    absorbed: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    killed: Counter[str] = field(default_factory=Counter)
    late: list[float] = field(default_factory=list)
    states: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    seconds: float = 0.0


async def play(folder: Path, plan: Plan) -> Result:
    """Plays the plan from an empty folder to the last delivery."""
    rng = random.Random(plan.seed)  # noqa: S311  # chance that comes again with its seed
    began_at, result = time.monotonic(), Result()
    offsets = ", ".join(f'"{round(one.total_seconds())}s"' for one in plan.offsets)
    (folder / "showup.toml").write_text(POLICY.format(offsets=offsets), encoding="utf-8")
    with FarResend(faults=Faults.of(FAULTS, seed=plan.seed), per_second=None) as far:
        programs = _started(folder, far)
        try:
            address = programs[0].hear(r"running at (\S+)")
            meetings = list(_meetings(plan, rng))
            killing = asyncio.create_task(_kill(programs, plan.kills, rng, result))
            await _through_the_door(address, meetings, rng)
            await killing
            dsn = f"postgresql://showup@/showup?host={socket_folder(folder / 'data')}&port=5432"
            rows = await _all_over(dsn, plan)
        finally:
            far.let_go()
            for one in programs:
                one.ask_to_end()
            for one in programs:
                one.end()
        _judge(far, rows, meetings, plan, result)
    result.seconds = time.monotonic() - began_at
    return result


def _started(folder: Path, far: FarResend) -> list[Program]:
    variables = {
        "SHOWUP_DATA_DIR": str(folder / "data"),
        "SHOWUP_CONFIG": str(folder / "showup.toml"),
        "RESEND_API_KEY": far.key,
        "RESEND_API_URL": far.url,
    }
    serve = Program(folder / "serve.log", "serve", "--port", "0", **variables)
    serve.hear(r"running at (\S+)")
    pace = ("--setting", "rate_per_second=500", "--setting", "at_once=40")
    said = Program(folder / "set.log", "connections", "set", "resend", "far", *pace, **variables)
    assert said.process.wait(60) == 0, said.words()
    work = Program(folder / "work.log", "work", **variables)
    work.hear(r"(Showup works)")
    return [serve, work]


def _meetings(plan: Plan, rng: random.Random) -> Iterator[Meeting]:
    first = datetime.now(UTC).replace(microsecond=0) + plan.ahead
    for number in range(plan.bookings):
        start = first + timedelta(seconds=rng.randrange(20))
        fate = rng.choices(("stays", "called off", "moved"), (0.7, 0.15, 0.15))[0]
        to = start + timedelta(seconds=rng.randrange(30, 60)) if fate == "moved" else None
        yield Meeting(number, start, fate, to)


async def _through_the_door(address: str, meetings: Sequence[Meeting], rng: random.Random) -> None:
    room = asyncio.Semaphore(_AT_ONCE)
    async with (
        httpx2.AsyncClient(base_url=address, timeout=10, trust_env=False) as client,
        asyncio.TaskGroup() as tasks,
    ):
        for meeting in meetings:
            tasks.create_task(_live(client, meeting, room, rng.uniform(0, 12)))


async def _live(client: httpx2.AsyncClient, meeting: Meeting, room: asyncio.Semaphore, later: float) -> None:
    fields = _fields(meeting)
    async with room:
        await _post(client, "BOOKING_CREATED", fields)
    if meeting.fate == "stays":
        return
    await asyncio.sleep(later)
    async with room:
        if meeting.moved_to is None:
            await _post(client, "BOOKING_CANCELLED", fields)
        else:
            old = {"rescheduleUid": fields["uid"], "rescheduleStartTime": fields["startTime"]}
            again = payload(f"{fields['uid']}-again", meeting.number + 100_000, meeting.moved_to, [meeting.email])
            await _post(client, "BOOKING_RESCHEDULED", again | old)
    meeting.changed_at = datetime.now(UTC)


def _fields(meeting: Meeting) -> dict[str, Any]:
    seen = [attendee(meeting.email, name=f"Person {meeting.number}")]
    return payload(f"told-{meeting.number}", meeting.number, meeting.start, [meeting.email], attendees=seen)


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


async def _kill(programs: Sequence[Program], kills: int, rng: random.Random, result: Result) -> None:
    for _ in range(kills):
        await asyncio.sleep(rng.uniform(*_BETWEEN_KILLS))
        kind = rng.choice(("deliver", "deliver", "work"))
        children = rng.choice(programs).children(kind)
        await asyncio.to_thread(kill, *children)
        result.killed[kind] += len(children)


async def _all_over(dsn: str, plan: Plan) -> list[asyncpg.Record]:
    """Every delivery, once none of them is to be sent any more."""
    driver = await asyncpg.connect(dsn)
    try:
        async with asyncio.timeout(plan.ahead.total_seconds() + 240):
            while await driver.fetchval(  # noqa: ASYNC110  # another process does it, and tells nobody when it is done
                """
                SELECT EXISTS (SELECT FROM deliveries WHERE state IN ('scheduled', 'sending'))
                    OR EXISTS (SELECT FROM calcom_events WHERE state IN ('kept', 'failed'))
                """
            ):
                await asyncio.sleep(0.5)
        rows: list[asyncpg.Record] = await driver.fetch("SELECT * FROM deliveries")
        return rows
    finally:
        await driver.close()


def _judge(
    far: FarResend, rows: Sequence[asyncpg.Record], meetings: Sequence[Meeting], plan: Plan, result: Result
) -> None:
    sent = {str(row["id"]): [mail for mail in far.sent if mail.key == str(row["id"])] for row in rows}
    result.mails, result.absorbed, result.answers = len(far.sent), len(far.absorbed), far.answers
    result.states = Counter(f"{row['kind']} {row['state']}" for row in rows)
    result.faults += [f"not as the vendor asks: {one}" for one in far.wrong[:5]]
    result.faults += [f"{len(mails)} mails of delivery {key}" for key, mails in sent.items() if len(mails) > 1]
    if strangers := len(far.sent) - sum(len(mails) for mails in sent.values()):
        result.faults.append(f"{strangers} mails belong to no delivery")
    for row in rows:
        mails = sent[str(row["id"])]
        if row["state"] == "delivered" and not mails:
            result.faults.append(f"{row['kind']} {row['id']} counts as delivered, and no mail went out")
        if row["kind"] == "remind" and mails:
            result.late.append((mails[0].at - row["due_at"]).total_seconds())
    for meeting in meetings:
        mine = [row for row in rows if row["recipient"] == meeting.email]
        result.faults += _faults_of(meeting, mine, {str(row["id"]): bool(sent[str(row["id"])]) for row in mine}, plan)
        result.faults += _surprises(meeting, mine, sent)


def _faults_of(
    meeting: Meeting, rows: Sequence[asyncpg.Record], went_out: dict[str, bool], plan: Plan
) -> Iterator[str]:
    out = Counter(row["kind"] for row in rows if went_out[str(row["id"])])
    told_anew = {"stays": None, "called off": "tell_cancelled", "moved": "tell_rescheduled"}[meeting.fate]
    confirmed = 1 if meeting.fate == "stays" else out["confirm"]
    if out["confirm"] != confirmed or out["confirm"] > 1:
        yield f"{meeting.email} ({meeting.fate}) had {out['confirm']} confirmations: {[dict(row) for row in rows]}"
    if told_anew and out[told_anew] != 1:
        yield f"{meeting.email} ({meeting.fate}) was told {out[told_anew]} times that it is so"
    if meeting.fate != "called off" and out["remind"] < len(plan.offsets):
        reasons = [row["because"] for row in rows if row["kind"] == "remind" and not went_out[str(row["id"])]]
        yield f"{meeting.email} ({meeting.fate}) was reminded {out['remind']} times of {len(plan.offsets)}: {reasons}"


def _surprises(meeting: Meeting, rows: Sequence[asyncpg.Record], sent: dict[str, list[Any]]) -> Iterator[str]:
    """Reminders of what no longer held: sent later than a moment after the news was taken and applied."""
    if meeting.changed_at is None:
        return
    stale = [row for row in rows if row["kind"] == "remind" and row["state"] == "withdrawn"]
    for row in stale:
        for mail in sent[str(row["id"])]:
            if mail.at > meeting.changed_at + timedelta(seconds=5):
                yield f"{meeting.email} was reminded at {mail.at} of a meeting that was {meeting.fate}"


def shown(result: Result) -> str:
    """A few lines for people."""
    late = sorted(result.late)
    spread = f"; reminders {late[len(late) // 2]:.2f} s late in the middle, {late[-1]:.2f} s at most" if late else ""
    return (
        f"{result.mails} mails, {result.absorbed} repeats without effect, answers {json.dumps(result.answers)}; "
        f"killed {json.dumps(result.killed)}; {json.dumps(result.states)}{spread}; {result.seconds:.0f} s; "
        f"{'everybody was told once' if not result.faults else 'NOT AS IT SHOULD BE'}"
    )
