"""The rows of the tables, and the rows that the reference model expects, in the same form."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import asyncpg

from tests.model.values import ReferenceModel

Rows = dict[str, list[tuple[Any, ...]]]

_QUERIES = {
    "bookings": """
        SELECT b.calcom_uid, b.status, b.start_time, b.end_time, p.email, c.key, d.position, b.attended,
               b.attendance_evidence, b.host_absent, b.reschedule_count, b.organizer_email, b.outcome, b.outcome_notes,
               b.next_step
        FROM bookings b LEFT JOIN people p ON p.id = b.person_id LEFT JOIN companies c ON c.id = b.company_id
        LEFT JOIN deals d ON d.id = b.deal_id WHERE b.workspace_id = $1""",
    "confirmations": """
        SELECT b.calcom_uid, a.email, a.confirmed_at FROM booking_attendees a JOIN bookings b ON b.id = a.booking_id
        WHERE b.workspace_id = $1 AND a.confirmed_at IS NOT NULL""",
    "deals": """
        SELECT c.key, d.position, d.status, d.stage, d.owner_email, d.amount::float, d.currency, d.lost_reason
        FROM deals d JOIN companies c ON c.id = d.company_id WHERE d.workspace_id = $1""",
    "people": """
        SELECT p.email, p.name, c.key FROM people p LEFT JOIN companies c ON c.id = p.company_id
        WHERE p.workspace_id = $1""",
    "companies": "SELECT key, name FROM companies WHERE workspace_id = $1",
    "mails": """
        SELECT kind, recipient, state,
               CASE WHEN kind IN ('reminder', 'no_show', 'outcome') AND state <> 'skipped' THEN due_at END, count(*)
        FROM deliveries WHERE workspace_id = $1 GROUP BY 1, 2, 3, 4""",
    "waiting": "SELECT id::text FROM inbox_events WHERE workspace_id = $1 AND state = 'waiting'",
    "failed": "SELECT id::text, because FROM inbox_events WHERE workspace_id = $1 AND state = 'failed'",
    "audit log without an actor or a reason": """
        SELECT what FROM audit_log WHERE workspace_id = $1 AND (actor = '' OR because = '')""",
    "companies with two active deals": """
        SELECT company_id FROM deals WHERE workspace_id = $1 AND status = 'active' GROUP BY 1 HAVING count(*) > 1""",
    "deliveries with the same key": "SELECT key FROM deliveries WHERE workspace_id = $1 GROUP BY 1 HAVING count(*) > 1",
}


async def read_rows(connection: asyncpg.Connection, workspace_id: UUID) -> Rows:
    """Returns the actual rows."""
    records = {name: await connection.fetch(query, workspace_id) for name, query in _QUERIES.items()}
    return {name: _sorted(tuple(row) for row in rows) for name, rows in records.items()}


def expected_rows(model: ReferenceModel) -> Rows:
    """Returns the expected rows."""
    positions = {id(deal): _position(model, deal) for deal in model.deals}
    mails: dict[tuple[Any, ...], int] = {}
    for one in model.bookings:
        for (kind, email, *_), (state, due_at) in one.mails.items():
            mail = (kind, email, state, due_at)
            mails[mail] = mails.get(mail, 0) + 1
    return {
        "bookings": _sorted(
            (
                *(one.uid, one.status, one.start, one.end, one.booker, model.company_of(one)),
                *(positions[id(one.deal)] if one.deal else None, one.attended, one.evidence, one.host_absent),
                *(one.moves, one.host, one.outcome, one.notes, one.next_step),
            )
            for one in model.bookings
        ),
        "confirmations": _sorted((one.uid, *yes) for one in model.bookings for yes in one.confirmations.items()),
        "deals": _sorted(
            (
                *(one.company, positions[id(one)], one.status, one.stage, one.owner),
                *(None if one.amount is None else float(one.amount), one.currency, one.lost_reason),
            )
            for one in model.deals
        ),
        "people": _sorted((email, *one) for email, one in model.people.items()),
        "companies": _sorted(model.names.items()),
        "mails": _sorted((*mail, count) for mail, count in mails.items()),
        "waiting": _sorted((one.id,) for one in model.waiting),
        "failed": [],
        "audit log without an actor or a reason": [],
        "companies with two active deals": [],
        "deliveries with the same key": [],
    }


def _position(model: ReferenceModel, deal: Any) -> int:
    return [id(one) for one in model.deals if one.company == deal.company].index(id(deal))


def _sorted(rows: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return sorted(rows, key=repr)
