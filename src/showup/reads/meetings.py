"""Reads a booking as its messages describe it at this moment."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import TypeAlias
from uuid import UUID

import asyncpg

from showup.destinations.contract import Guest, Meeting, SeriesDate
from showup.sources.calcom.web_address import web_address

_MEETING = (
    *("version", "status", "title", "start_time", "end_time", "event_type", "event_type_title", "organizer_email"),
    *("organizer_name", "organizer_time_zone", "location", "meeting_url", "booker_url", "ical_uid", "ical_sequence"),
    *("cancellation_reason", "cancelled_by", "reschedule_reason", "rescheduled_by", "notes", "deal_id", "answers"),
    "host_absent",
    *("organizer_email_hidden", "reply_to", "rescheduling_disabled", "cancelling_disabled", "platform_reschedule_url"),
    *("platform_cancel_url", "platform_booking_url", "calendar_invites", "series_uid", "reschedule_requested"),
    *("organizer_username", "team_id", "location_kind"),
)
_SERIES_DATE = (
    *("status", "start_time", "end_time", "location", "location_kind", "meeting_url", "ical_uid", "ical_sequence"),
)


async def load_meetings(
    connection: asyncpg.Connection, keys: Collection[tuple[UUID, str]], *, calcom_api_url: str | None = None
) -> dict[tuple[UUID, str], Meeting]:
    """Returns the current meetings of these (booking, attendee's email); a non-attendee has none.

    An empty email selects an attendee who is known by phone only; if there is none, the meeting has no attendee.
    `calcom_api_url` is the address of Cal.com's API for accounts without an own one.
    """
    rows = await connection.fetch(
        f"""
        SELECT given.booking_id, given.email, b.calcom_uid AS uid, a.seat_uid, a.attended, a.evidence, a.name,
               a.time_zone, a.phone, a.first_name, a.locale, a.has_left, a.confirmed_at, other.uids AS other_uids,
               c.name AS company_name, c.domain AS company_domain, account.settings->>'api_url' AS api_url,
               {", ".join(f"b.{name}" for name in _MEETING)}
        FROM unnest($1::uuid[], $2::text[]) AS given(booking_id, email)
        JOIN bookings b ON b.id = given.booking_id
        JOIN connections account ON account.id = b.account_id
        LEFT JOIN companies c ON c.id = b.company_id
        LEFT JOIN LATERAL (
            SELECT true AS attends, coalesce(a.name, p.name) AS name, coalesce(a.time_zone, p.time_zone) AS time_zone,
                   coalesce(a.phone, p.phone) AS phone, a.first_name, a.locale,
                   a.calcom_seat_uid AS seat_uid, a.attended, a.cancelled_at IS NOT NULL AS has_left, a.confirmed_at,
                   a.attendance_evidence AS evidence
            FROM booking_attendees a LEFT JOIN people p ON p.id = a.person_id
            WHERE a.booking_id = b.id AND coalesce(a.email, '') = given.email
            ORDER BY a.cancelled_at NULLS FIRST, a.position LIMIT 1
        ) a ON true
        CROSS JOIN LATERAL (
            SELECT array_agg(uid) AS uids FROM (
                SELECT jsonb_array_elements(b.uids)->>'uid' AS uid
                UNION SELECT s.calcom_seat_uid FROM booking_attendees s WHERE s.booking_id = b.id
            ) known WHERE uid IS NOT NULL
        ) other
        WHERE a.attends OR given.email = ''
        """,  # noqa: S608  # names of our own columns
        [booking_id for booking_id, _ in keys],
        [email for _, email in keys],
    )
    series = await _load_series(connection, {row["booking_id"] for row in rows if row["series_uid"] is not None})
    return {(row["booking_id"], row["email"]): _meeting(row, calcom_api_url, series) for row in rows}


_Series: TypeAlias = Mapping[tuple[UUID, str], tuple[SeriesDate, ...]]


async def _load_series(connection: asyncpg.Connection, booking_ids: Collection[UUID]) -> _Series:
    """Returns all dates that were booked at once, by booking and attendee's email, in order of time."""
    if not booking_ids:
        return {}
    rows = await connection.fetch(
        f"""
        SELECT own.id AS own_id, a.email, b.id AS booking_id, b.calcom_uid AS uid,
               a.calcom_seat_uid AS seat_uid, {", ".join(f"b.{name}" for name in _SERIES_DATE)}
        FROM bookings own
        JOIN bookings b ON b.workspace_id = own.workspace_id AND b.series_uid = own.series_uid
            -- One person may book by the same rule again, months later.
            AND b.booked_at BETWEEN own.booked_at - interval '1 hour' AND own.booked_at + interval '1 hour'
        JOIN booking_attendees a ON a.booking_id = b.id AND a.cancelled_at IS NULL AND a.email IS NOT NULL
        WHERE own.id = ANY($1::uuid[]) ORDER BY b.start_time, b.id
        """,  # noqa: S608  # names of our own columns
        list(booking_ids),
    )
    names = ("booking_id", "uid", "seat_uid", *_SERIES_DATE)
    found: dict[tuple[UUID, str], list[SeriesDate]] = defaultdict(list)
    for own_id, email, *values in rows:
        found[own_id, email].append(SeriesDate(**dict(zip(names, values, strict=True))))
    return {key: tuple(dates) for key, dates in found.items()}


def _meeting(row: asyncpg.Record, calcom_api_url: str | None, series: _Series) -> Meeting:
    return Meeting(
        series=series.get((row["booking_id"], row["email"]), ()),
        booking_id=row["booking_id"],
        uid=row["uid"],
        seat_uid=row["seat_uid"],
        attended=row["attended"],
        evidence=row["evidence"],
        company_name=row["company_name"],
        company_domain=row["company_domain"],
        other_uids=tuple(row["other_uids"] or ()),
        calcom_url=web_address(row["api_url"] or calcom_api_url),
        guest=Guest(
            email=row["email"],
            name=row["name"],
            time_zone=row["time_zone"],
            phone=row["phone"],
            first_name=row["first_name"],
            locale=row["locale"],
            has_left=row["has_left"] or False,
            confirmed_at=row["confirmed_at"],
        ),
        **{name: row[name] for name in _MEETING},
    )
