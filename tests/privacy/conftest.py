"""A workspace with a generated month of bookings and campaigns, and one person who is in as many places as possible."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.access.permission import Permission
from showup.access.secrets_at_rest import Seal
from showup.campaigns.lead_file.file import ReadingOptions, open_lead_file
from showup.commands.import_leads import ImportRequest, import_leads
from showup.container import build_projection_worker
from showup.database.engine import driver_connection, transaction
from showup.events.booking import OutcomeReported
from showup.events.workspace import PersonRecorded
from showup.inbox import store
from showup.inbox.inbox_event import IncomingEvent
from showup.inbox.rebuild.options import RebuildOptions
from showup.inbox.rebuild.run import rebuild
from showup.inbox.verification import verify
from showup.reads.funnel_answer import FunnelRequest, describe_funnel
from showup.reads.funnel_filter import FunnelFilter
from showup.reads.stats import stats
from showup.simulation.campaigns import lead_files
from showup.simulation.render import render
from showup.simulation.world import make_world
from tests.execute import execute
from tests.histories.webhooks import attendee, body, payload

SEAL: Final = Seal.from_setting("a key of thirty-two characters or more")
NOW: Final = datetime(2026, 9, 15, 12, tzinfo=UTC)
READER: Final = Permission(actor="key:test", scope="read", workspace_id=None)

EMAIL: Final = "zephyrine.quill@globex.example"
TAGGED: Final = "zephyrine.quill+demo@globex.example"
NAME: Final = "Zephyrine Quillfeather"
PHONE: Final = "+4915112345678"
TRACES: Final = ("zephyrine", "quillfeather", "15112345678", "my allergies")
"""What must be nowhere after the erasure, in lower case."""

LEADS: Final = f"""email,first_name,last_name,company,campaign,replied,interested
{EMAIL},Zephyrine,Quillfeather,Globex,Autumn,true,true
max@globex.example,Max,Power,Globex,Autumn,true,false
""".encode()


def first_booking() -> list[bytes]:
    """Returns a booking of the person with a colleague: made, moved and held."""
    start = NOW - timedelta(days=6)
    guests = [attendee(EMAIL, NAME, phone=PHONE), attendee("max@globex.example", "Max Power")]
    fields = {"additionalNotes": "Please mind my allergies", "title": f"Intro call between {NAME} and Ben Host"}
    created = payload("zeph-1", 901, start, guests, company="Globex", **fields)
    moved = payload("zeph-2", 902, start + timedelta(days=1), guests, company="Globex", **fields)
    moved |= {"rescheduleUid": "zeph-1", "rescheduleReason": f"{NAME.split()[0]} has my allergies"}
    return [
        body("BOOKING_CREATED", start - timedelta(days=5), created),
        body("BOOKING_RESCHEDULED", start - timedelta(days=4), moved),
        body("MEETING_STARTED", start + timedelta(days=1), moved),
    ]


def next_booking(uid: str = "zeph-next", email: str = TAGGED) -> list[bytes]:
    """Returns a booking of the person in some days."""
    fields = payload(uid, 950, NOW + timedelta(days=4), [attendee(email, NAME, phone=PHONE)], company="Globex")
    return [body("BOOKING_CREATED", NOW - timedelta(hours=5), fields)]


async def receive(engine: AsyncEngine, account: UUID, workspace: UUID, bodies: Iterable[bytes]) -> None:
    incoming = [IncomingEvent(account_id=account, workspace_id=workspace, body=one, received_at=NOW) for one in bodies]
    async with transaction(engine) as tx:
        await store.insert_events(await driver_connection(tx), incoming)
    await build_projection_worker(engine, lambda: NOW, SEAL).drain()


async def import_file(engine: AsyncEngine, workspace: UUID, folder: Path, content: bytes) -> None:
    path = folder / "leads.csv"
    path.write_bytes(content)
    file = open_lead_file(path, ReadingOptions())
    request = ImportRequest(
        workspace_id=workspace, file=file, file_name="leads.csv", campaign="Autumn", actor="key:ops"
    )
    await import_leads(engine, request, lambda: NOW, seal=SEAL)


# Rows in tables that no booking fills by itself; every text that may name the person does.
_ELSEWHERE: Final = {
    "delivery_contents": """
        SELECT id, json_build_object('to', '{email}', 'text', 'Hi Zephyrine, see you!'), now() FROM deliveries
        ON CONFLICT DO NOTHING
    """,
    "delivery_attempts": """
        SELECT gen_random_uuid(), id, 1, now(), now(), 'gave_up', '550 <{email}>: no mailbox of Quillfeather'
        FROM deliveries WHERE recipient = '{email}'
    """,
    "calendar_entries": """
        SELECT workspace_id, 'zeph-1@Cal.com', '{email}', id, 'REQUEST', 0, 'ben@outbound.example', now(), now()
        FROM bookings LIMIT 1
    """,
    "mirrored_records": """
        SELECT id, 'clickup', 'prospects', '86a', '{name}', lower('{name}'), 'quillfeather', NULL, NULL, now()
        FROM workspaces
    """,
    "conversations": """
        SELECT gen_random_uuid(), id, 'teammate:ola@host.example', 'When does {name} come?', now(), now()
        FROM workspaces
    """,
    "chat_messages": """
        SELECT id, workspace_id, 1, 'user',
            jsonb_build_array(jsonb_build_object('type', 'text', 'text', 'When does {name} come?')), now()
        FROM conversations
    """,
    "chat_questions": """
        SELECT gen_random_uuid(), workspace_id, actor, id, 'And when does {name} go?', now(), NULL FROM conversations
    """,
    "idempotency_keys": """
        SELECT 'key:ops', 'k:{email}', '\\x00', 200, jsonb_build_object('email', '{email}', 'name', '{name}'), now()
    """,
    "sign_in_log": "SELECT gen_random_uuid(), now(), '{email}', 'sign_in_failed', NULL, '192.0.2.1'",
    "reported_leads": "SELECT id, '{email}', now() FROM workspaces",
    "suppressions": """
        SELECT gen_random_uuid(), id, '{email}', NULL, 'follow_up', 'unsubscribed', '{name} asked for it', NULL,
            NULL, now()
        FROM workspaces
    """,
    "acknowledgements": "SELECT gen_random_uuid(), 'mail', now(), 'ops', NULL, 'no mail to {name}'",
}


async def load(engine: AsyncEngine, account: UUID, workspace: UUID, folder: Path) -> None:
    """Fills the workspace: generated bookings and leads of others, and the person."""
    world = make_world(3, NOW, 12, with_campaigns=True)
    for content in lead_files(world.leads):
        await import_file(engine, workspace, folder, content)
    await import_file(engine, workspace, folder, LEADS)
    bodies = [render(one) for one in world.webhooks]
    await receive(engine, account, workspace, [*bodies, *first_booking(), *next_booking()])
    await execute(
        engine,
        workspace,
        PersonRecorded(email=EMAIL, name=f"Dr. {NAME}", phone=PHONE),
        OutcomeReported(subject="uid:zeph-1", outcome="showed", notes=f"{NAME} has my allergies"),
        at=NOW,
    )
    await mention_elsewhere(engine)


async def mention_elsewhere(engine: AsyncEngine) -> None:
    """Names the person in tables that no booking fills by itself."""
    async with transaction(engine) as tx:
        connection = await driver_connection(tx)
        for table, query in _ELSEWHERE.items():
            values = query.format(email=EMAIL, name=NAME)
            await connection.execute(f"INSERT INTO {table} {values}")


async def fetch(engine: AsyncEngine, query: str, *arguments: Any) -> list[tuple[Any, ...]]:
    async with transaction(engine) as tx:
        return [tuple(row) for row in await (await driver_connection(tx)).fetch(query, *arguments)]


_WEEK: Final = "level, matched, simulated, shared, week, campaign_id, step, sender_email, organizer_email"
_SUMS: Final = "booked, showed_reported, showed_assumed, no_show, host_absent, unreported, open, held, missed"


async def totals(engine: AsyncEngine, workspace: UUID) -> dict[str, Any]:
    """Returns every number that people look at, and how many rows each table of the pipeline has."""
    permission = Permission(actor="key:test", scope="read", workspace_id=workspace)
    async with transaction(engine) as tx:
        funnel = await describe_funnel(
            tx, FunnelRequest(wanted=FunnelFilter(workspace_id=workspace), dimensions=("campaign", "sender")), NOW
        )
        numbers = {
            "funnel": funnel,
            "stats": await stats(tx, permission, starts_from=None, starts_before=None, now=NOW),
        }
    tables = ("people", "companies", "deals", "bookings", "booking_attendees", "leads", "campaign_leads", "matches")
    for table in (*tables, "inbox_events", "deliveries", "booking_weeks", "booking_facts"):
        numbers[table] = await fetch(engine, f"SELECT count(*) FROM {table}")  # noqa: S608  # fixed names
    # Who is matched only after the booking leaves a row of zeros behind, until an erasure removes it.
    weeks = await fetch(engine, f"SELECT {_WEEK}, {_SUMS} FROM people_weeks ORDER BY {_WEEK}")  # noqa: S608  # fixed names
    numbers["people_weeks"] = [row for row in weeks if any(row[_WEEK.count(",") + 1 :])]
    numbers["deals"] = await fetch(engine, "SELECT id, status, stage, opened_by, opened_at FROM deals ORDER BY id")
    numbers["outcomes"] = await fetch(engine, "SELECT id, status, attended, outcome FROM bookings ORDER BY id")
    return msgspec.to_builtins(numbers, builtin_types=(datetime,))


async def assert_consistent(engine: AsyncEngine, workspace: UUID) -> None:
    """`showup verify` and `showup rebuild --check` find nothing."""
    async with transaction(engine) as tx:
        report = await verify(await driver_connection(tx), {"default": workspace}, [])
    assert report.to_dict()["ok"], report.to_dict()
    result = await rebuild(engine, RebuildOptions(workspace_ids=[workspace]))
    assert (result.differing, result.newly_readable) == (0, 0), result.examples


async def traces(connection: asyncpg.Connection) -> dict[str, int]:
    """Returns in how many rows of each table there is a trace of the person: it walks over PostgreSQL's catalogue."""
    found: dict[str, int] = {}
    for (table,) in await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"):
        columns = await connection.fetch(
            "SELECT attname, atttypid = 'bytea'::regtype AS is_bytes FROM pg_attribute "
            "WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped",
            table,
        )
        texts = [
            f"encode({row['attname']}, 'escape')" if row["is_bytes"] else f"{row['attname']}::text" for row in columns
        ]
        query = f"SELECT count(*) FROM {table} WHERE lower(concat_ws(' ', {', '.join(texts)})) LIKE ANY($1::text[])"  # noqa: S608
        if count := await connection.fetchval(query, [f"%{one}%" for one in TRACES]):
            found[table] = count
    return found


async def all_traces(engine: AsyncEngine) -> dict[str, int]:
    async with transaction(engine) as tx:
        return await traces(await driver_connection(tx))
