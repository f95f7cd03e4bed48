"""A workspace as it looks after years of work, inserted set by set: bookings, people, companies, deals, leads, matches.

For each booking there is a person, a lead in one campaign or two, a delivery and an audit entry; for ten bookings there
are three companies, each with a deal that stayed in a stage or two. One person in five who books does so again. Seven
attendees in ten are leads; the others have the name of a lead with another address. The weeks of the analysis are
counted, as a worker does each minute.
"""

from datetime import UTC, datetime
from typing import Final

import asyncpg

from benchmarks.read_rows import ACTIVITY, BOOKINGS, FACTS, LEADS, VISITS
from showup.analysis.week_counter import WeekCounter
from showup.campaigns import funnel_store
from showup.database.engine import connect

NOW: Final = datetime(2026, 11, 1, 12, tzinfo=UTC)
"""The moment at which the data end: later meetings are ahead."""
_NOW: Final = NOW.isoformat()
TABLES: Final = (
    *("companies", "people", "deals", "bookings", "booking_attendees", "booking_refs", "leads", "campaigns"),
    *("campaign_leads", "matches", "funnel_seats", "deliveries", "audit_log", "booking_facts"),
    *("funnel_people", "funnel_deals", "people_weeks", "mail_weeks", "booking_weeks", "record_counts"),
    *("stage_visits", "fact_weeks", "campaign_deals"),
)
_COUNTED: Final = ("week_summaries", "week_counts")
_AT_ONCE: Final = 20_000
_TRIGGERS: Final = """
    SELECT tgrelid::regclass AS on_table, tgname FROM pg_trigger
    WHERE tgname LIKE '%\\_sums\\_insert' OR tgname LIKE '%\\_versions\\_insert'
"""


async def fill(url: str, bookings: int) -> None:
    """Inserts the data, and counts what the worker counts."""
    driver = await asyncpg.connect(url)
    engine = connect(url)
    try:
        await insert_workspace(driver, bookings)
        while await WeekCounter(engine, lambda: NOW).count_due():
            pass
        for table in _COUNTED:
            await driver.execute(f"VACUUM ANALYZE {table}")
        await driver.execute("CHECKPOINT")
    finally:
        await engine.dispose()
        await driver.close()


async def insert_workspace(driver: asyncpg.Connection, bookings: int) -> None:
    """Inserts the default workspace's data, then lets PostgreSQL learn about them."""
    workspace_id, account_id = await driver.fetchrow("SELECT workspace_id, id FROM connections WHERE kind = 'calcom'")
    async with driver.transaction():
        # The references are right by construction; checking a million of them would be most of the work.
        await driver.execute("SET LOCAL session_replication_role = replica")
        for trigger in await driver.fetch(_TRIGGERS):
            await driver.execute(f"ALTER TABLE {trigger['on_table']} ENABLE ALWAYS TRIGGER {trigger['tgname']}")
        await driver.execute("SET LOCAL synchronous_commit = off")
        await driver.execute(
            f"""
            CREATE TEMP TABLE given ON COMMIT DROP AS
            SELECT *, least(start_time - (1 + chance % 40 * chance % 40) * interval '9 hours',
                            '{_NOW}'::timestamptz - n * interval '1 second') AS booked_at
            FROM (
                SELECT n, '{workspace_id}'::uuid AS workspace_id, '{account_id}'::uuid AS account_id,
                       md5('booking' || n)::uuid AS id, person, md5('person' || person)::uuid AS person_id,
                       person % greatest({bookings} * 3 / 10, 1) AS company, hashint4(n) & 1023 AS chance,
                       '{_NOW}'::timestamptz + interval '14 days' - (n * interval '740 days' / {bookings})
                           AS start_time,
                       format('person%s@company%s.example', person, person % greatest({bookings} * 3 / 10, 1))
                           AS email,
                       translate(person::text, '0123456789', 'bdfgklmnrt') AS letters
                FROM (SELECT n, CASE WHEN n % 5 = 0 THEN (n::bigint * 7919 % {bookings})::int + 1 ELSE n END AS person
                      FROM generate_series(1, {bookings}) n) numbers
            ) drawn
            """  # noqa: S608  # numbers and ids of this module
        )
        for statement in (*BOOKINGS, *LEADS, FACTS, VISITS, *ACTIVITY):
            await driver.execute(statement)
        await _compute_funnel(driver)
        # Pages ask for what follows the newest entry.
        await driver.execute("UPDATE workspaces SET feed_number = coalesce((SELECT max(number) FROM audit_log), 0)")
    for table in TABLES:
        await driver.execute(f"VACUUM ANALYZE {table}")


async def _compute_funnel(driver: asyncpg.Connection) -> None:
    """Computes what funnels count as the projector does, in the order of the bookings."""
    await driver.execute("ANALYZE bookings, booking_attendees, deals, companies, matches, campaign_leads, funnel_seats")
    for query, save in (
        ("SELECT person_id FROM funnel_seats GROUP BY 1 ORDER BY max(booked_at)", funnel_store.save_people),
        ("SELECT DISTINCT company_id FROM deals WHERE status = 'won'", funnel_store.save_deals),
    ):
        ids = [row[0] for row in await driver.fetch(query)]
        for start in range(0, len(ids), _AT_ONCE):
            await save(driver, ids[start : start + _AT_ONCE])
