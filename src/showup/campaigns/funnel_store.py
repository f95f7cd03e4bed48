"""Store what funnels count: a row for each person who booked, and one for each won deal (CA5).

Both are computed from all seats of the person, or all meetings of the deal. So they don't depend on the order of
events, and computing them twice changes nothing. The caller holds the lock on the workspace's pipeline.
"""

from collections.abc import Collection
from typing import Final
from uuid import UUID

import asyncpg

from showup.campaigns.funnel import LEVEL_BITS, MAX_STEP, SEAT_OUTCOMES, Level, at_seconds
from showup.database.tables import funnel_people

_SHOWED, _ASSUMED, _NO_SHOW = (SEAT_OUTCOMES[name] for name in ("showed_reported", "showed_assumed", "no_show"))

_STEP: Final = f"coalesce(least(coalesce(m.step, m.sent, 0), {MAX_STEP}), 0)"
_SENDER: Final = "coalesce(m.sender_email, '')"

_PARTS: Final = {
    "campaign_id": ("campaigns", ("campaign", "campaign_organizer", "member", "member_organizer")),
    "organizer": ("organizers", ("organizer", "campaign_organizer", "member_organizer")),
    "lead_id": ("leads", ("member", "member_organizer")),
}
"""What a group of seats may have in common, with how many of it a person has, and the levels that distinguish it."""


def _levels() -> str:
    """Return the bits of a group: it has what a level distinguishes, and all seats of the person for the rest."""

    def is_of(level: Level) -> str:
        return " AND ".join(
            f"GROUPING({part}) = 0" if level in levels else f"(GROUPING({part}) = 1 OR {several} = 1)"
            for part, (several, levels) in _PARTS.items()
        )

    return " + ".join(f"CASE WHEN {is_of(level)} THEN {bit} ELSE 0 END" for level, bit in LEVEL_BITS.items())


_PEOPLE_COLUMNS: Final = tuple(column.name for column in funnel_people.columns)
_PEOPLE_KEY: Final = tuple(column.name for column in funnel_people.primary_key.columns)

_SEVERAL: Final = "'00000000-0000-0000-0000-000000000000'::uuid"

# A person with one campaign, one organizer and one lead has one row, others also those of the sets for several of them.
# Rows that stay the same are not written again: each write changes sums.
_PEOPLE: Final = f"""
    WITH seats AS MATERIALIZED (
        SELECT workspace_id, person_id, simulated, lead_id IS NOT NULL AS matched,
               coalesce(campaign_id, 0) AS campaign_id, coalesce(lead_id, {_SEVERAL}) AS lead_id,
               coalesce(organizer_email, '') AS organizer, outcome, reported, start_time,
               {at_seconds("booked_at")} AS booked, {at_seconds("start_time")} AS starts,
               {at_seconds("over_at")} AS ends
        FROM funnel_seats WHERE person_id = ANY($1::uuid[])
    ),
    spread AS (
        SELECT person_id, simulated, count(DISTINCT campaign_id) AS campaigns,
               count(DISTINCT organizer) AS organizers, count(DISTINCT lead_id) AS leads,
               count(DISTINCT campaign_id) > 1 OR count(DISTINCT lead_id) > 1
               OR count(*) OVER (PARTITION BY person_id) > 1 AS shared
        FROM seats GROUP BY person_id, simulated
    ),
    grouped AS (
        SELECT workspace_id, person_id, matched, simulated, shared, coalesce(campaign_id, 0) AS campaign_id,
               coalesce(organizer, '') AS organizer_email, coalesce(lead_id, {_SEVERAL}) AS lead_id,
               {_levels()} AS levels,
               max(ARRAY[booked, starts, ends, outcome]) AS latest,
               max(start_time) FILTER (WHERE outcome = {_SHOWED}) AS showed_at,
               max(start_time) FILTER (WHERE outcome = {_ASSUMED}) AS assumed_at,
               max(ARRAY[starts, ends, (outcome = {_SHOWED})::int])
                   FILTER (WHERE outcome = {_SHOWED} OR outcome = {_NO_SHOW} AND reported) AS report
        FROM seats JOIN spread USING (person_id, simulated)
        GROUP BY workspace_id, person_id, matched, simulated, shared, campaigns, organizers, leads,
                 ROLLUP (campaign_id, lead_id), ROLLUP (organizer)
        HAVING (GROUPING(campaign_id) = 0 OR campaigns > 1) AND (GROUPING(organizer) = 0 OR organizers > 1)
               AND (GROUPING(lead_id) = 0 OR leads > 1 OR GROUPING(campaign_id) = 1)
    ),
    timed AS (
        SELECT *, to_timestamp(latest[1]) AS booked_at, to_timestamp(latest[2]) AS start_time,
               to_timestamp(latest[3]) AS over_at, latest[4]::smallint AS of_latest,
               to_timestamp(report[1]) AS report_at, to_timestamp(report[2]) AS report_over_at
        FROM grouped
    ),
    computed ({", ".join(_PEOPLE_COLUMNS)}) AS (
        SELECT t.workspace_id, person_id, matched, simulated, levels, t.campaign_id, organizer_email, t.lead_id,
               {_STEP}, {_SENDER}, t.shared, booked_at, start_time, over_at, of_latest, showed_at, assumed_at,
               report[3] = 1, report_at, report_over_at,
               CASE WHEN showed_at IS NOT NULL THEN {_SHOWED} WHEN assumed_at IS NOT NULL THEN {_ASSUMED}
                    ELSE of_latest END,
               coalesce(showed_at, assumed_at, start_time), greatest(over_at, report_over_at)
        FROM timed t LEFT JOIN campaign_leads m ON m.lead_id = t.lead_id AND m.campaign_id = t.campaign_id
    ),
    removed AS (
        DELETE FROM funnel_people p WHERE person_id = ANY($1::uuid[]) AND NOT EXISTS (
            SELECT FROM computed c WHERE ({", ".join(f"c.{one}" for one in _PEOPLE_KEY)})
                                         = ({", ".join(f"p.{one}" for one in _PEOPLE_KEY)}))
    )
    INSERT INTO funnel_people AS p ({", ".join(_PEOPLE_COLUMNS)}) SELECT * FROM computed
    ON CONFLICT ({", ".join(_PEOPLE_KEY)})
    DO UPDATE SET {", ".join(f"{one} = excluded.{one}" for one in _PEOPLE_COLUMNS)}
    WHERE ({", ".join(f"p.{one}" for one in _PEOPLE_COLUMNS)})
          IS DISTINCT FROM ({", ".join(f"excluded.{one}" for one in _PEOPLE_COLUMNS)})
"""  # noqa: S608  # constants

# Deals with several meetings of one organizer are in the seats several times, and chosen once.
_DEALS: Final = f"""
    WITH won AS MATERIALIZED (
        SELECT d.id, d.workspace_id, d.company_id, d.closed_at, d.amount, d.currency, o.key AS company_key
        FROM deals d JOIN companies o ON o.id = d.company_id
        WHERE d.company_id = ANY($1::uuid[]) AND d.status = 'won'
    ),
    meetings AS MATERIALIZED (
        SELECT w.id AS deal_id, b.id FROM won w JOIN bookings b ON b.deal_id = w.id
        UNION
        SELECT w.id, e.booking_id FROM won w JOIN deal_events e ON e.deal_id = w.id WHERE e.booking_id IS NOT NULL
    ),
    chosen AS (
        SELECT DISTINCT ON (w.id, b.simulated, coalesce(b.organizer_email, ''))
               w.*, b.simulated, coalesce(b.organizer_email, '') AS organizer_email, n.lead_id, n.campaign_id,
               a.company_key IS DISTINCT FROM w.company_key AS of_other_company,
               coalesce(a.booked_at, b.booked_at) AS booked_at, b.start_time, a.position, b.id AS booking_id
        FROM won w JOIN meetings g ON g.deal_id = w.id JOIN bookings b ON b.id = g.id
        JOIN booking_attendees a ON a.booking_id = b.id AND a.attendee_key IS NOT NULL
        LEFT JOIN matches n ON n.booking_id = b.id AND n.attendee = a.attendee_key AND n.state = 'matched'
        ORDER BY w.id, b.simulated, coalesce(b.organizer_email, ''), n.id IS NULL, of_other_company, booked_at,
                 b.start_time, a.position, b.id
    )
    INSERT INTO funnel_deals (deal_id, simulated, organizer_email, workspace_id, company_id, closed_at, amount,
                              currency, lead_id, campaign_id, step, sender_email, of_other_company, booked_at,
                              start_time, position, first)
    SELECT c.id, simulated, organizer_email, c.workspace_id, company_id, closed_at, amount, currency, c.lead_id,
           c.campaign_id, {_STEP}, {_SENDER}, of_other_company, booked_at, start_time, position,
           row_number() OVER (PARTITION BY c.id, simulated ORDER BY c.lead_id IS NULL, of_other_company, booked_at,
                              start_time, position, booking_id) = 1
    FROM chosen c LEFT JOIN campaign_leads m ON m.lead_id = c.lead_id AND m.campaign_id = c.campaign_id
"""  # noqa: S608  # constants


async def save_people(connection: asyncpg.Connection, person_ids: Collection[UUID]) -> None:
    """Compute the rows of these people again, from all their seats."""
    if person_ids:
        await connection.execute(_PEOPLE, list(person_ids))


async def save_deals(connection: asyncpg.Connection, company_ids: Collection[UUID]) -> None:
    """Compute the rows of all won deals of these companies again."""
    if company_ids:
        await connection.execute("DELETE FROM funnel_deals WHERE company_id = ANY($1::uuid[])", list(company_ids))
        await connection.execute(_DEALS, list(company_ids))


async def refresh_members(connection: asyncpg.Connection, lead_ids: Collection[UUID]) -> None:
    """Copy the mail and the sender of these leads after they changed: the log does not contain leads."""
    for table in ("funnel_people", "funnel_deals"):
        await connection.execute(
            f"""
            UPDATE {table} f SET step = {_STEP}, sender_email = {_SENDER} FROM campaign_leads m
            WHERE f.lead_id = ANY($1::uuid[]) AND m.lead_id = f.lead_id AND m.campaign_id = f.campaign_id
            AND (f.step, f.sender_email) IS DISTINCT FROM ({_STEP}, {_SENDER})
            """,  # noqa: S608  # constants
            list(lead_ids),
        )
