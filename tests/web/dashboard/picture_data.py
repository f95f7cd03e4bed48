"""A team's pipeline for pictures of the pages: invented companies, of which each step took place at its own time.

It is Thursday, 12 March 2026, 13:37 in Prague. Everything follows from the seed.
"""

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple, TypeAlias

import httpx2
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.access.keys import digest
from showup.assistant.call import call_tool
from showup.assistant.tool_context import AssistantServices
from showup.campaigns.lead_file.file import ReadingOptions, open_lead_file
from showup.commands.import_leads import ImportRequest, import_leads
from showup.container import event_handlers
from showup.database import tables
from showup.simulation.models import SimulatedOrganizer
from showup.web.app import create_app
from tests.histories.webhooks import attendee, body, payload
from tests.web.assistant.conftest import SEAL, caller_of, open_clients
from tests.web.dashboard.picture_campaigns import CAMPAIGNS, BookedLead, lead_files
from tests.web.dashboard.picture_names import Prospect, address_of, prospects
from tests.web.sample_data import ADMIN_KEY, SampleData, id_of, key_of, session_of
from tests.web.scenario import ingest_and_project

NOW: Final = datetime(2026, 3, 12, 12, 37, tzinfo=UTC)
TEAM: Final = {"dana": ("Dana Reyes", "admin"), "ola": ("Ola Lindqvist", "member"), "marcus": ("Marcus Bell", "member")}
_SEED: Final = 12
_DAY: Final = timedelta(days=1)


class MovableClock:
    """A clock that the data move forward; each reading is a millisecond later."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now


class Company(NamedTuple):
    """A company with its meetings: days from now to each, and its outcome; None: ahead, or nobody has said."""

    name: str
    person: str
    owner: str
    stage: str
    days: int
    meetings: tuple[tuple[float, str | None], ...]
    amount: tuple[int, str] | None = None
    campaign: str | None = None
    zone: str = "Europe/Prague"


COMPANIES: Final = (
    Company(
        "Kestrel Robotics",
        "Priya Natarajan",
        "dana",
        "booked",
        9,
        ((0.016, None),),
        (18000, "EUR"),
        "Robotics",
        "America/New_York",
    ),
    Company(
        "Lumen Freight",
        "Tomás Herrera",
        "dana",
        "booked",
        16,
        ((0.08, None),),
        (12500, "USD"),
        "Logistics",
        "America/Mexico_City",
    ),
    Company("Halcyon Bio", "Wei Zhang", "dana", "booked", 4, ((0.9, None),), (9000, "USD")),
    Company("Acme Corp", "Sarah Chen", "dana", "booked", 12, ((-5, "no_show"), (1.1, None)), (15000, "USD"), "Clinics"),
    Company("Nexus Ventures", "Anna Smith", "ola", "booked", 2, ((3.9, None),), (8000, "USD")),
    Company("Marlowe Foods", "Ben Okafor", "ola", "booked", 3, ((5.1, None),), (6500, "USD")),
    Company("Ostrava Steelworks", "Jiří Novák", "dana", "met", 4, ((-0.2, "showed"),), (20000, "EUR"), "Logistics"),
    Company("Bluepeak Energy", "Noor El-Sayed", "dana", "met", 5, ((-0.05, "ended"),), (11000, "USD"), "Energy"),
    Company(
        "TechStart Inc",
        "Mike Johnson",
        "ola",
        "met",
        9,
        ((-8, "showed"), (-6, "showed"), (5.2, None)),
        (14000, "USD"),
        "SaaS RevOps",
    ),
    Company("Tidewater Insurance", "Grace Mbeki", "marcus", "met", 30, ((-21, "showed"), (-1.9, None)), (22000, "USD")),
    Company(
        "DataFlow Systems",
        "Lisa Wong",
        "dana",
        "proposal",
        20,
        ((-14, "no_show"), (-9, "showed"), (0.14, None)),
        (42000, "USD"),
        "SaaS RevOps",
    ),
    Company("Cedar & Co", "Emily Park", "ola", "proposal", 30, ((-24, "showed"), (-20, "showed")), (6200, "USD")),
    Company(
        "Quarry Analytics",
        "Sofia Rossi",
        "marcus",
        "negotiation",
        25,
        ((-20, "showed"), (-15, "showed"), (1.2, None)),
        (13400, "USD"),
    ),
    Company(
        "Fjord Outdoor",
        "Astrid Bakke",
        "ola",
        "negotiation",
        28,
        ((-22, "showed"), (-18, "host_absent"), (-11, "showed")),
    ),
)
Step: TypeAlias = tuple[datetime, str, dict[str, Any]]
_ENDS: Final = ("won", "won", "lost", "met", "proposal", "lost", "cancelled")
_REASONS: Final = ("Price", "Price", "Went silent", "No need now")
_PAST: Final = 132
# What became of past meetings after which the deal was lost, in per cent. A few are not reported, as in every team.
_OUTCOMES: Final = {"showed": 44, "no_show": 38, "host_absent": 4, "ended": 9, None: 5}


async def fill(engine: AsyncEngine, clock: MovableClock) -> None:
    """Fill an empty database."""
    await _team().insert_into(engine)
    app = create_app(engine=engine, clock=clock, admin_key=ADMIN_KEY, version="0", event_handlers=event_handlers())
    transport = httpx2.ASGITransport(app=app)
    headers = {"Authorization": f"Bearer {key_of('writer')}"}
    async with httpx2.AsyncClient(transport=transport, base_url="http://showup.example", headers=headers) as client:
        steps = [*_past(random.Random(_SEED)), *(step for one in COMPANIES for step in _steps(one))]  # noqa: S311
        clock.now = NOW - 175 * _DAY
        for campaign, content in lead_files(_booked(steps), NOW):
            clock.now += _DAY
            await _import(engine, clock, campaign, content)
        number = 0
        for at, what, fields in sorted(steps, key=lambda step: step[0]):
            clock.now, number = at, number + 1
            if what == "webhook":
                await ingest_and_project(engine, "ours", [_webhook(number, at, **fields)], clock)
            else:
                await _command(client, engine, what, **fields)
    clock.now = NOW
    async with engine.begin() as tx:
        await tx.execute(text(_DELIVERED), {"now": NOW})
    await _ask_for_changes(engine, clock)


async def _ask_for_changes(engine: AsyncEngine, clock: MovableClock) -> None:
    """Let a teammate's assistant ask for two changes, which wait for a person."""
    services = AssistantServices(
        engine=engine,
        clock=clock,
        seal=SEAL,
        handlers=event_handlers(),
        open_clients=open_clients,
        calcom_url="https://api.cal.example/v2",
        public_url="http://showup.example",
    )
    caller = await caller_of(services, actor="teammate:dana@brightside.example")
    async with engine.begin() as tx:
        [[booking_id, _]] = await tx.execute(text(_BOOKING), {"uid": "tidewater-insurance-1"})
        [[_, deal_id]] = await tx.execute(text(_BOOKING), {"uid": "cedar-and-co-0"})
    notes = "Grace wrote that they talked for an hour, and asks for prices."
    outcome = {"booking_id": str(booking_id), "outcome": "showed", "notes": notes}
    wanted = {"record_outcome": outcome, "move_deal": {"deal_id": str(deal_id), "stage": "negotiation"}}
    for name, arguments in wanted.items():
        asked = await call_tool(services, caller, name, arguments)
        assert not asked.is_error, asked.content


def _team() -> SampleData:
    data = SampleData()
    data.add(tables.workspaces, id="ours", slug="ours", name="Brightside Growth", time_zone="Europe/Prague")
    data.add(tables.connections, workspace_id="ours", id="ours.account", kind="calcom", name="ours-calcom")
    data.add(
        tables.api_keys, workspace_id="ours", id="key", name="writer", scope="admin", digest=digest(key_of("writer"))
    )
    for name, (full_name, role) in TEAM.items():
        made = {"created_at": NOW - 300 * _DAY, "email": f"{name}@brightside.example", "name": full_name}
        data.add(tables.teammates, id=name, seen_at=NOW - timedelta(hours=19), time_zone="Europe/Prague", **made)
        data.add(tables.memberships, id=f"of.{name}", teammate_id=name, workspace_id="ours", role=role)
        times = {"created_at": NOW - _DAY, "expires_at": NOW + 300 * _DAY}
        data.add(tables.sessions, digest=digest(session_of(name)), teammate_id=name, **times)
    return data


async def _import(engine: AsyncEngine, clock: MovableClock, campaign: str, content: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "leads.csv"
        path.write_bytes(content)
        file = open_lead_file(path, ReadingOptions())
        name = f"{campaign} leads, autumn.csv"
        who = {"workspace_id": id_of("ours"), "actor": "teammate:dana@brightside.example"}
        await import_leads(engine, ImportRequest(file=file, file_name=name, campaign=campaign, **who), clock)


def _booked(steps: Sequence[Step]) -> list[BookedLead]:
    """Return the leads who booked, each with their first booking."""
    found: dict[str, BookedLead] = {}
    for at, what, fields in sorted(steps, key=lambda step: step[0]):
        company: Company | None = fields.get("company")
        if what == "webhook" and company is not None and company.campaign is not None:
            email = address_of(company.person, company.name)
            found.setdefault(email, BookedLead(email, company.person, company.name, company.campaign, at))
    return list(found.values())


_DELIVERED: Final = "UPDATE showup.deliveries SET state = 'delivered', delivered_at = due_at WHERE due_at < :now"
_BOOKING: Final = "SELECT id, deal_id FROM showup.bookings WHERE calcom_uid = :uid"


def _steps(company: Company) -> list[Step]:
    """Return what happened to an active deal, each with its time."""
    begun = NOW - company.days * _DAY
    steps: list[Step] = []
    for index, (days, outcome) in enumerate(company.meetings):
        start = (NOW + days * _DAY).replace(minute=0, second=0, microsecond=0)
        uid = f"{company.name}-{index}".lower().replace(" ", "-").replace("&", "and")
        booked_at = begun if index == 0 else min(start - _DAY, NOW - timedelta(hours=3))
        booking = {"company": company, "uid": uid, "start": start}
        steps.append((booked_at, "webhook", {"trigger": "BOOKING_CREATED", **booking}))
        if outcome == "ended":
            steps.append((start + timedelta(minutes=31), "webhook", {"trigger": "MEETING_ENDED", **booking}))
        elif outcome is not None:
            steps.append((start + timedelta(hours=1), "outcome", {"uid": uid, "outcome": outcome}))
    first = f"{company.name}-0".lower().replace(" ", "-").replace("&", "and")
    if company.amount is not None:
        amount, currency = company.amount
        steps.append((begun + timedelta(hours=1), "deal", {"uid": first, "amount": amount, "currency": currency}))
    if company.stage not in ("booked", "met"):
        moved_at = NOW - (3 if company.stage == "proposal" else 5) * _DAY
        steps.append((moved_at, "deal", {"uid": first, "stage": company.stage}))
    return steps


def _past(chance: random.Random) -> list[Step]:
    """Return what happened to deals that are closed: how long deals stay in a stage follows from them."""
    # A company books once here, so that each has a deal of its own. A quarter came without a campaign.
    of_campaigns, others, known = prospects(chance, 1), prospects(chance, 2), set[str]()
    steps: list[Step] = []
    while len(known) < _PAST:
        campaign = chance.choices([*CAMPAIGNS, None], (6, 5, 7, 1, 6, 8))[0]
        who = next(others if campaign is None else of_campaigns)
        if who.company not in known:
            steps += _past_deal(chance, len(known), who, campaign)
            known.add(who.company)
    return steps


def _past_deal(chance: random.Random, number: int, who: Prospect, campaign: str | None) -> Iterator[Step]:
    begun = NOW - (16 + 1.2 * number + chance.random()) * _DAY
    company = Company(who.company, who.full_name, chance.choice([*TEAM]), "", 0, (), campaign=campaign)
    uid, met_at = f"past-{number}", _working_hour(chance, begun + chance.uniform(1, 8) * _DAY)
    booking = {"company": company, "uid": uid, "start": met_at}
    yield begun, "webhook", {"trigger": "BOOKING_CREATED", **booking}
    amount = {"amount": 1000 * chance.randint(4, 20), "currency": "USD"}
    yield begun + timedelta(minutes=5), "deal", {"uid": uid, **amount}
    closed_at = met_at + chance.uniform(1, 6) * _DAY
    end = _ENDS[number % len(_ENDS)]
    outcome = chance.choices([*_OUTCOMES], [*_OUTCOMES.values()])[0]
    if end in ("won", "met", "proposal"):
        outcome = "showed"
    if outcome == "ended":
        yield met_at + timedelta(minutes=31), "webhook", {"trigger": "MEETING_ENDED", **booking}
    elif outcome is not None:
        yield met_at + timedelta(hours=1), "outcome", {"uid": uid, "outcome": outcome}
    if number % 3:
        moved_at = met_at + (closed_at - met_at) * chance.uniform(0.2, 0.6)
        yield moved_at, "deal", {"uid": uid, "stage": "proposal"}
    status = end if end in ("won", "lost", "cancelled") else "lost"
    reason = {"lost_reason": chance.choice(_REASONS)} if status == "lost" else {}
    yield closed_at, "deal", {"uid": uid, "status": status, **reason}


def _working_hour(chance: random.Random, at: datetime) -> datetime:
    """Return a full hour of a working day, on this day or the next Monday."""
    day = at + max(0, 7 - at.isoweekday() if at.isoweekday() > 5 else 0) * _DAY
    day += _DAY if day.isoweekday() == 7 else timedelta()
    return day.replace(hour=chance.choice((8, 9, 9, 10, 10, 12, 13, 13, 14, 15)), minute=0, second=0, microsecond=0)


def _webhook(number: int, at: datetime, *, trigger: str, company: Company, uid: str, start: datetime) -> bytes:
    name, address = TEAM[company.owner][0], f"{company.owner}@brightside.example"
    host = SimulatedOrganizer(1, name, address, company.owner, "Europe/Prague")
    person = attendee(address_of(company.person, company.name), company.person, zone=company.zone)
    fields = payload(uid, number, start, [person], organizer=host, company=company.name)
    return body(trigger, at, fields | {"title": "Discovery call"})


async def _command(client: httpx2.AsyncClient, engine: AsyncEngine, what: str, *, uid: str, **fields: Any) -> None:
    async with engine.begin() as tx:
        [[booking_id, deal_id]] = await tx.execute(text(_BOOKING), {"uid": uid})
    if what == "outcome":
        response = await client.post(f"/api/bookings/{booking_id}/outcome", json=fields)
    else:
        response = await client.patch(f"/api/deals/{deal_id}", json=fields)
    assert response.is_success, (uid, fields, response.text)
