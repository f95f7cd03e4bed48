"""The data of the benchmark of the analysis: meetings of two years, written as the projector leaves them."""

import asyncpg

ORGANIZERS, SOURCES, EVENT_TYPES = 12, 8, 4
WEEKS, WEEKS_AHEAD = 104, 3

# Half of the bookings have no source; most are made a few days ahead, at working hours of the attendee.
_DRAWN = f"""
    CREATE TEMPORARY TABLE drawn AS
    SELECT n, md5('booking' || n)::uuid AS id, md5('company' || n % $1)::uuid AS company_id,
           date_trunc('hour', $2::timestamptz) - $4::int * interval '1 week'
               + floor(random() * ($4 + {WEEKS_AHEAD}) * 7) * interval '1 day'
               + floor(9 + 9 * random()) * interval '1 hour' AS start_time,
           floor(20 * random() ^ 3)::int AS lead_days, 'host' || floor({ORGANIZERS} * random() ^ 2) || '@brand.example'
               AS organizer,
           CASE WHEN random() < 0.5 THEN 'unknown' ELSE 'source' || floor({SOURCES - 1} * random() ^ 2) END AS source,
           'type' || floor({EVENT_TYPES} * random() ^ 2) AS event_type, random() AS fate, random() AS moved,
           floor(24 * random())::int AS hour
    FROM generate_series(1, $3::int) n
"""  # noqa: S608  # constants
_STATE = """
    CASE WHEN d.fate < 0.12 THEN 'cancelled' WHEN d.start_time > $1 THEN 'open' WHEN d.fate < 0.70 THEN 'showed'
         WHEN d.fate < 0.85 THEN 'no_show' WHEN d.fate < 0.95 THEN 'assumed' ELSE 'open' END
"""
_COMPANIES = """
    INSERT INTO companies (id, workspace_id, key, name, created_at, updated_at)
    SELECT DISTINCT company_id, $1::uuid, 'domain:' || company_id || '.example', 'Company', $2::timestamptz, $2
    FROM drawn
"""
_BOOKINGS = f"""
    INSERT INTO bookings (id, workspace_id, account_id, company_id, title, start_time, end_time, booked_at, status,
                          organizer_email, event_type, source, created_at, updated_at)
    SELECT d.id, $2::uuid, $3::uuid, d.company_id, 'Intro', d.start_time, d.start_time + interval '30 minutes',
           d.start_time - d.lead_days * interval '1 day' - interval '1 hour',
           CASE {_STATE} WHEN 'cancelled' THEN 'CANCELLED' ELSE 'ACCEPTED' END,
           d.organizer, d.event_type, d.source, $1, $1
    FROM drawn d
"""  # noqa: S608  # constants
_FACTS = f"""
    INSERT INTO booking_facts (booking_id, workspace_id, day, booked_day, ends_at, organizer, source, event_type,
                               simulated, state, lead_days, lead_hours, attendee_hour, moves, confirmed,
                               cancelled_before, moved_before, interest_hours, version, reminders, counted_version,
                               booked_at, seats, seats_showed, seats_missed)
    SELECT d.id, $2::uuid, d.start_time::date, (d.start_time - d.lead_days * interval '1 day')::date,
           d.start_time + interval '30 minutes', d.organizer, d.source, d.event_type, false, {_STATE},
           d.lead_days, d.lead_days * 24 + 1, (9 + d.hour % 10), CASE WHEN d.moved < 0.2 THEN 1 ELSE 0 END,
           d.moved > 0.6, CASE WHEN d.fate < 0.12 THEN d.lead_days * 12 END, CASE WHEN d.moved < 0.2 THEN 30 END,
           CASE WHEN d.hour < 6 THEN d.hour * 9 END, 1, least(d.lead_days, 3), 1,
           d.start_time - d.lead_days * interval '1 day', 0, 0, 0
    FROM drawn d
"""  # noqa: S608  # constants
_DEALS = """
    INSERT INTO deals (id, workspace_id, company_id, status, stage, owner_email, opened_by, position, opened_at,
                       stage_entered_at, created_at, updated_at)
    SELECT DISTINCT ON (d.company_id) d.company_id, $1::uuid, d.company_id, 'active', 'met', d.organizer, d.id, 0,
           d.start_time, d.start_time, d.start_time, d.start_time
    FROM drawn d ORDER BY d.company_id, d.start_time
"""
_VISITS = """
    INSERT INTO stage_visits (deal_id, position, workspace_id, day, organizer, source, event_type, simulated, stage,
                              outcome, hours)
    SELECT f.id, s.position, f.workspace_id, f.opened_at::date + s.position * 7, f.owner_email, 'unknown', 'type0',
           false, s.stage, s.outcome, s.hours
    FROM deals f CROSS JOIN (VALUES (0, 'booked', 'onward', 168), (1, 'met', 'open', NULL)) s(position, stage, outcome,
                                                                                              hours)
"""


async def fill(connection: asyncpg.Connection, *, bookings: int, now: object) -> None:
    """Writes this many bookings, of a third as many companies, each with its deal."""
    await insert(connection, bookings=bookings, now=now)
    await connection.execute("VACUUM ANALYZE")


async def insert(connection: asyncpg.Connection, *, bookings: int, now: object, weeks: int = WEEKS) -> None:
    """Writes the same in the transaction of the caller, of this many weeks before now."""
    account = await connection.fetchrow("SELECT id, workspace_id FROM connections WHERE kind = 'calcom'")
    assert account is not None
    account_id, workspace_id = account
    await connection.execute("SELECT setseed(0.5)")
    await connection.execute(_DRAWN, max(1, bookings * 3 // 10), now, bookings, weeks)
    await connection.execute(_COMPANIES, workspace_id, now)
    await connection.execute(_BOOKINGS, now, workspace_id, account_id)
    await connection.execute(_DEALS, workspace_id)
    await connection.execute(_FACTS, now, workspace_id)
    await connection.execute(_VISITS)
    await connection.execute("DROP TABLE drawn")
