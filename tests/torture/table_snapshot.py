"""Returns all rows of a workspace by natural keys alone: the same events give two workspaces the same rows."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from showup.database.engine import driver_connection, transaction

_QUERIES = {
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
        FROM deal_events t JOIN bookings b ON b.id = t.stream_id JOIN companies c ON c.id = t.company_id
        WHERE b.workspace_id = $1""",
    "audit_log": """
        SELECT j.what, j.because, j.at, j.change::text, j.actor, b.calcom_uid, d.position, c.domain, p.email
        FROM audit_log j LEFT JOIN bookings b ON b.id = j.booking_id LEFT JOIN deals d ON d.id = j.deal_id
        LEFT JOIN companies c ON c.id = j.company_id LEFT JOIN people p ON p.id = j.person_id
        WHERE j.workspace_id = $1""",
    # Another process sends due deliveries, sooner or later than the event that withdraws them arrives. The `deliveries`
    # run checks those.
    "deliveries": """
        SELECT d.key, d.kind, d.state, d.because, d.due_at, d.recipient, d.destination, d.booking_version,
               d.details::text, b.calcom_uid
        FROM deliveries d LEFT JOIN bookings b ON b.id = d.booking_id WHERE d.workspace_id = $1
        AND d.due_at > date_trunc('day', now()) + interval '2 days'""",
    "events": """
        SELECT encode(digest, 'hex'), state, because, trigger, uid, source_at FROM inbox_events
        WHERE workspace_id = $1 AND duplicate_of IS NULL""",
}


async def snapshot(engine: AsyncEngine, workspace_id: UUID) -> dict[str, list[tuple[Any, ...]]]:
    """Returns all rows of the workspace, without a single id."""
    async with transaction(engine) as tx:
        connection = await driver_connection(tx)
        return {
            name: sorted((tuple(row.values()) for row in await connection.fetch(query, workspace_id)), key=repr)
            for name, query in _QUERIES.items()
        }
