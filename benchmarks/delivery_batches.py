"""Inserts bookings with their planned deliveries, as the pipeline does; set-based, because there are many."""

from datetime import datetime, timedelta
from typing import Final, Literal

import asyncpg
import msgspec

from showup.outbox.delivery import WakeUp
from showup.outbox.wakeups import wake

_BOOKINGS: Final = """
    WITH given AS (
        SELECT n, md5($3 || n)::uuid AS id, $4::timestamptz + n * $5::interval AS due_at
        FROM generate_series(1, $6::int) n
    ),
    booked AS (
        INSERT INTO bookings (id, workspace_id, account_id, calcom_uid, title, start_time, end_time, booked_at, status,
                              organizer_email, organizer_name, organizer_time_zone, event_type, event_type_title,
                              meeting_url, ical_uid, created_at, updated_at)
        SELECT id, $1, $2, $3 || n, 'Intro call between Outbound and Lead ' || n, due_at + interval '1 day',
               due_at + interval '1 day 30 minutes', due_at - interval '1 hour', 'ACCEPTED', 'anna@outbound.example',
               'Anna Adams', 'Europe/Berlin', 'intro-call', 'Intro call', 'https://meet.example/' || n,
               $3 || n || '@Cal.com', due_at, due_at
        FROM given
    )
    INSERT INTO booking_attendees (booking_id, position, email, name, time_zone)
    SELECT id, 0, $3 || n || '@customer.example', 'Lead Number ' || n, 'America/New_York' FROM given
"""
_DELIVERIES: Final = """
    INSERT INTO deliveries (id, workspace_id, booking_id, event_id, key, destination, kind, recipient, priority,
                            booking_version, due_at, expires_at, wake_at, state, details, created_at, updated_at)
    SELECT md5($2 || n || $6)::uuid, $1, md5($2 || n)::uuid, md5($2 || n)::uuid, $6 || ':' || $2 || n, 'email', $6,
           $2 || n || '@customer.example', CASE $6 WHEN 'reminder' THEN 20 ELSE 30 END, 1, due_at,
           due_at + interval '1 day', due_at, 'scheduled',
           CASE $6 WHEN 'reminder' THEN '{"before_seconds": 86400}' ELSE '{}' END::jsonb, due_at, due_at
    FROM (SELECT n, $3::timestamptz + n * $4::interval AS due_at FROM generate_series(1, $5::int) n) given
"""


class DeliveryBatch(msgspec.Struct, frozen=True, kw_only=True):
    """Deliveries of one kind, each with a booking, due `apart` from one another, the first at `due_at` + `apart`.

    `name` begins their uids, and differs for each batch of a database.
    """

    name: str
    count: int
    kind: Literal["confirmation", "reminder"]
    due_at: datetime
    apart: timedelta = timedelta(0)


async def insert_deliveries(driver: asyncpg.Connection, batch: DeliveryBatch, *, with_bookings: bool = True) -> None:
    """Inserts them; without bookings where they only wait."""
    workspace_id, account_id = await driver.fetchrow("SELECT workspace_id, id FROM connections WHERE kind = 'calcom'")
    if with_bookings:
        await driver.execute(_BOOKINGS, workspace_id, account_id, batch.name, batch.due_at, batch.apart, batch.count)
    await driver.execute(_DELIVERIES, workspace_id, batch.name, batch.due_at, batch.apart, batch.count, batch.kind)


async def wake_dispatcher(driver: asyncpg.Connection, at: datetime) -> None:
    """Wakes the worker, as the applier does."""
    workspace_id = await driver.fetchval("SELECT workspace_id FROM connections WHERE kind = 'calcom'")
    await wake(driver, workspace_id, [WakeUp(destination="email", at=at)], at)
