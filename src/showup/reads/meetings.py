"""Reads a booking as its messages describe it at this moment."""

from collections.abc import Collection
from uuid import UUID

import asyncpg

from showup.destinations.contract import Guest, Meeting

_MEETING = (
    *("version", "status", "title", "start_time", "end_time", "event_type", "event_type_title", "organizer_email"),
    *("organizer_name", "organizer_time_zone", "location", "meeting_url", "booker_url", "ical_uid", "ical_sequence"),
    *("cancellation_reason", "cancelled_by", "reschedule_reason", "rescheduled_by", "notes", "deal_id", "answers"),
    "host_absent",
    *("organizer_email_hidden", "reply_to", "rescheduling_disabled", "cancelling_disabled", "platform_reschedule_url"),
    *("platform_cancel_url", "platform_booking_url", "calendar_invites", "series_uid", "reschedule_requested"),
)


async def load_meetings(
    connection: asyncpg.Connection, keys: Collection[tuple[UUID, str]]
) -> dict[tuple[UUID, str], Meeting]:
    """Returns the current meetings of these (booking, attendee's email); a non-attendee has none.

    An empty email selects an attendee who is known by phone only; if there is none, the meeting has no attendee.
    """
    rows = await connection.fetch(
        f"""
        SELECT given.booking_id, given.email, b.calcom_uid AS uid, a.seat_uid, a.attended, a.evidence, a.name,
               a.time_zone, a.phone, a.first_name, a.locale, c.name AS company_name, c.domain AS company_domain,
               {", ".join(f"b.{name}" for name in _MEETING)}
        FROM unnest($1::uuid[], $2::text[]) AS given(booking_id, email)
        JOIN bookings b ON b.id = given.booking_id
        LEFT JOIN companies c ON c.id = b.company_id
        LEFT JOIN LATERAL (
            SELECT true AS attends, coalesce(a.name, p.name) AS name, coalesce(a.time_zone, p.time_zone) AS time_zone,
                   coalesce(a.phone, p.phone) AS phone, a.first_name, a.locale,
                   a.calcom_seat_uid AS seat_uid, a.attended,
                   a.attendance_evidence AS evidence
            FROM booking_attendees a LEFT JOIN people p ON p.id = a.person_id
            WHERE a.booking_id = b.id AND coalesce(a.email, '') = given.email
            ORDER BY a.cancelled_at NULLS FIRST, a.position LIMIT 1
        ) a ON true
        WHERE a.attends OR given.email = ''
        """,  # noqa: S608  # names of our own columns
        [booking_id for booking_id, _ in keys],
        [email for _, email in keys],
    )
    return {(row["booking_id"], row["email"]): _meeting(row) for row in rows}


def _meeting(row: asyncpg.Record) -> Meeting:
    return Meeting(
        booking_id=row["booking_id"],
        uid=row["uid"],
        seat_uid=row["seat_uid"],
        attended=row["attended"],
        evidence=row["evidence"],
        company_name=row["company_name"],
        company_domain=row["company_domain"],
        guest=Guest(
            email=row["email"],
            name=row["name"],
            time_zone=row["time_zone"],
            phone=row["phone"],
            first_name=row["first_name"],
            locale=row["locale"],
        ),
        **{name: row[name] for name in _MEETING},
    )
