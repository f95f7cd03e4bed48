"""A workspace of its own for each telling of a story, and what stands in it afterwards, by natural keys."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncEngine

from showup.database.engine import raw, transaction
from showup.inbox import store
from showup.inbox.apply import apply_some
from showup.inbox.raw_event import Incoming

_QUESTIONS = {
    "bookings": """
        SELECT b.calcom_uid, b.status, b.start_time, b.end_time, b.booked_at, b.attended, b.attendance_evidence,
               b.host_absent, b.show_time, b.organizer_email, b.reschedule_count, b.version, b.title, b.meeting_url,
               b.cancellation_reason, b.cancelled_by, b.rejection_reason, b.reschedule_requested, b.uids::text,
               b.notes, b.created_at, b.updated_at, p.email AS person, c.domain AS company, d.position AS deal,
               b.calcom_booking_id, b.recording_url
        FROM bookings b LEFT JOIN people p ON p.id = b.person_id LEFT JOIN companies c ON c.id = b.company_id
        LEFT JOIN deals d ON d.id = b.deal_id WHERE b.workspace_id = $1""",
    "attendees": """
        SELECT b.calcom_uid, a.position, a.email, a.name, a.time_zone, a.attended, a.attendance_evidence,
               a.cancelled_at, a.calcom_seat_uid, p.email AS person
        FROM booking_attendees a JOIN bookings b ON b.id = a.booking_id LEFT JOIN people p ON p.id = a.person_id
        WHERE b.workspace_id = $1""",
    "people": """
        SELECT p.email, p.name, p.time_zone, p.phone, p.created_at, p.updated_at, c.domain
        FROM people p LEFT JOIN companies c ON c.id = p.company_id WHERE p.workspace_id = $1""",
    "companies": "SELECT domain, name, created_at, updated_at FROM companies WHERE workspace_id = $1",
    "deals": """
        SELECT c.domain, d.position, d.status, d.stage, d.owner_email, d.opened_at, d.stage_entered_at, d.closed_at,
               d.updated_at, o.calcom_uid AS opened_by, x.calcom_uid AS cancelled_by
        FROM deals d JOIN companies c ON c.id = d.company_id LEFT JOIN bookings o ON o.id = d.opened_by
        LEFT JOIN bookings x ON x.id = d.cancelled_by WHERE d.workspace_id = $1""",
    "turns": """
        SELECT c.domain, b.calcom_uid, t.position, t.kind, t.at, t.start_time, t.organizer_email
        FROM deal_turns t JOIN bookings b ON b.id = t.booking_id JOIN companies c ON c.id = t.company_id
        WHERE b.workspace_id = $1""",
    "journal": """
        SELECT j.what, j.because, j.at, j.change::text, j.actor, b.calcom_uid, d.position, c.domain, p.email
        FROM journal j LEFT JOIN bookings b ON b.id = j.booking_id LEFT JOIN deals d ON d.id = j.deal_id
        LEFT JOIN companies c ON c.id = j.company_id LEFT JOIN people p ON p.id = j.person_id
        WHERE j.workspace_id = $1""",
    "deliveries": """
        SELECT d.key, d.kind, d.state, d.because, d.due_at, d.recipient, d.destination, d.booking_version,
               d.details::text, b.calcom_uid
        FROM deliveries d LEFT JOIN bookings b ON b.id = d.booking_id WHERE d.workspace_id = $1""",
    "events": """
        SELECT encode(digest, 'hex'), state, because, trigger, uid, source_at FROM calcom_events
        WHERE workspace_id = $1 AND duplicate_of IS NULL""",
}


async def new_account(engine: AsyncEngine) -> Incoming:
    """A workspace with one Cal.com account, as the model of what comes in there."""
    workspace_id, account_id = uuid4(), uuid4()
    async with transaction(engine) as tx:
        connection = await raw(tx)
        await connection.execute(
            "INSERT INTO workspaces (id, slug, name) VALUES ($1, $2, 'Test')", workspace_id, str(workspace_id)
        )
        await connection.execute(
            "INSERT INTO connections (id, workspace_id, kind, name) VALUES ($1, $2, 'calcom', $3)",
            account_id,
            workspace_id,
            str(account_id),
        )
    now = datetime.fromisoformat("2026-01-01T00:00:00Z")
    return Incoming(account_id=account_id, workspace_id=workspace_id, body=b"", received_at=now)


async def tell(engine: AsyncEngine, arrivals: Sequence[tuple[bytes, datetime]], batches: Sequence[int] = ()) -> UUID:
    """Keeps and applies bodies in the order given, in batches of these sizes (then one by one); the workspace's id.

    Each body comes with the moment it was received: when something was heard is part of the story, whatever the order
    in which it is worked off.
    """
    model = await new_account(engine)
    assert model.workspace_id is not None
    left = list(arrivals)
    sizes = [*batches, *([1] * len(left))]
    while left:
        size = max(1, sizes.pop(0))
        async with transaction(engine) as tx:
            incoming = [_incoming(model, body, at) for body, at in left[:size]]
            await store.keep_all(await raw(tx), incoming)
        del left[:size]
        await apply_some(engine, model.workspace_id, lambda: max(at for _, at in arrivals))
    return model.workspace_id


def _incoming(model: Incoming, body: bytes, at: datetime) -> Incoming:
    return Incoming(account_id=model.account_id, workspace_id=model.workspace_id, body=body, received_at=at)


async def standing(engine: AsyncEngine, workspace_id: UUID) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that stands in the workspace, without a single id."""
    async with transaction(engine) as tx:
        connection = await raw(tx)
        return {
            name: sorted((tuple(row.values()) for row in await connection.fetch(question, workspace_id)), key=repr)
            for name, question in _QUESTIONS.items()
        }
