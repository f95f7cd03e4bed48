"""Changes made directly in the database, and the differences that a rebuild must report for each."""

from typing import NamedTuple


class Damage(NamedTuple):
    """`differences`: the tables in which rows are missing, extra or changed."""

    statements: str
    differences: frozenset[str]


def _damage(statements: str, *differences: str) -> Damage:
    return Damage(statements, frozenset(differences))


DAMAGES = {
    "a deal was deleted": _damage(
        "UPDATE bookings SET deal_id = NULL; DELETE FROM deals", "deals missing", "bookings changed"
    ),
    "a stage was changed": _damage("UPDATE deals SET stage = 'negotiation'", "deals changed"),
    "sums were changed": _damage(
        "UPDATE booking_weeks SET total = total + 1; DELETE FROM record_counts WHERE kind = 'people'",
        *("booking_weeks changed", "record_counts missing"),
    ),
    "another deal is active": _damage(
        """
        UPDATE deals SET status = 'lost', position = position + 5 WHERE status = 'active';
        UPDATE deals SET status = 'active', closed_at = NULL WHERE status = 'cancelled'
        """,
        "deals changed",
    ),
    "people were deleted": _damage(
        """
        UPDATE bookings SET person_id = NULL;
        UPDATE booking_attendees SET person_id = NULL;
        DELETE FROM people WHERE email LIKE '%acme%'
        """,
        *("people missing", "bookings changed", "booking_attendees changed"),
    ),
    "a person has another email address": _damage(
        "UPDATE people SET email = 'x@y.example', name = NULL WHERE email LIKE 'gus%'", "people changed"
    ),
    "a company has another id": _damage(
        """
        INSERT INTO companies (id, workspace_id, key, name, domain, created_at, updated_at)
        SELECT gen_random_uuid(), workspace_id, 'other', name, domain, now(), now() FROM companies
        WHERE key LIKE '%acme%';
        UPDATE people SET company_id = (SELECT id FROM companies WHERE key = 'other') WHERE email LIKE '%acme%';
        UPDATE bookings SET company_id = (SELECT id FROM companies WHERE key = 'other') WHERE deal_id IS NOT NULL;
        UPDATE deals SET company_id = (SELECT id FROM companies WHERE key = 'other') WHERE status = 'active';
        UPDATE deal_events SET company_id = (SELECT id FROM companies WHERE key = 'other');
        DELETE FROM companies WHERE key = 'domain:acme.example';
        UPDATE companies SET key = 'domain:acme.example' WHERE key = 'other'
        """,
        *("companies missing", "companies extra", "people changed", "bookings changed", "deals changed"),
        "deal_events changed",
    ),
    "a booking was deleted": _damage(
        """
        DELETE FROM booking_refs WHERE booking_id = (SELECT id FROM bookings WHERE calcom_uid = 'beta');
        DELETE FROM booking_attendees WHERE booking_id = (SELECT id FROM bookings WHERE calcom_uid = 'beta');
        DELETE FROM funnel_seats WHERE booking_id = (SELECT id FROM bookings WHERE calcom_uid = 'beta');
        DELETE FROM bookings WHERE calcom_uid = 'beta'
        """,
        *("bookings missing", "booking_refs missing", "booking_attendees missing", "funnel_seats missing"),
    ),
    "a booking was added": _damage(
        """
        INSERT INTO bookings (id, workspace_id, account_id, start_time, booked_at, status, created_at, updated_at)
        SELECT gen_random_uuid(), workspace_id, account_id, now(), now(), 'ACCEPTED', now(), now() FROM bookings
        WHERE calcom_uid = 'beta'
        """,
        "bookings extra",
    ),
    "an answer was changed": _damage("""UPDATE bookings SET answers = '{"a": "b"}'""", "bookings changed"),
    "audit entries are missing": _damage("DELETE FROM audit_log WHERE what LIKE 'deal.%'", "audit_log missing"),
    "audit entries are duplicated": _damage(
        """
        INSERT INTO audit_log (workspace_id, number, at, event_id, actor, what, because, change, order_key, booking_id,
                             person_id, company_id, deal_id)
        SELECT workspace_id, number + 1000, at, event_id, actor, what, because, change, order_key, booking_id,
               person_id, company_id, deal_id FROM audit_log
        """,
        "audit_log extra",
    ),
    "an audit entry has another reason": _damage(
        "UPDATE audit_log SET because = 'why not'", "audit_log missing", "audit_log extra"
    ),
    "events belong to another booking": _damage(
        "UPDATE inbox_events SET booking_id = (SELECT id FROM bookings WHERE calcom_uid = 'beta')",
        "inbox_events changed",
    ),
    "events belong to no booking": _damage("UPDATE inbox_events SET booking_id = NULL", "inbox_events changed"),
    "deal events were deleted": _damage("DELETE FROM deal_events WHERE position = 0", "deal_events missing"),
    "names were deleted": _damage("DELETE FROM booking_refs WHERE ref LIKE 'uid:%'", "booking_refs missing"),
}
