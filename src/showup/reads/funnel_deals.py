"""The query of the deals that campaigns brought (CA5)."""

from collections.abc import Sequence

from showup.reads.funnel_filter import Dimension, FunnelFilter, columns, is_total, names, seat_expressions
from showup.reads.funnel_sums import campaigns_of, key_columns, needs_campaigns


def deals_query(wanted: FunnelFilter, keys: Sequence[Dimension]) -> str:
    """Return the won deals and the sum of their amounts by currency, each deal once: groups, and their total.

    A deal counts for the campaign, mail, sender and organizer of the first booking that a lead made of the deal's
    company; if its company has no lead, of any other lead in its meetings. `from` and `to` select by the time at which
    the deal was won.
    """
    return _plain_query(wanted, keys) if wanted.has_others(keys) else _narrow_query(wanted, keys)


def _narrow_query(wanted: FunnelFilter, keys: Sequence[Dimension]) -> str:
    """Read `funnel_deals`, which has the first booking for each organizer, and for all of them."""
    where = [*wanted.of_booking("f"), wanted.in_activity("f.closed_at")]
    where += ["f.workspace_id = :workspace_id"] if wanted.workspace_id is not None else []
    of_one = wanted.organizers or wanted.simulated == "all"
    first = "DISTINCT ON (f.deal_id)" if of_one else ""
    where += [] if of_one else ["f.first"]
    order = "ORDER BY f.deal_id, f.of_other_company, f.booked_at, f.start_time, f.position" if of_one else ""
    chosen = [*wanted.of_campaign("f"), *wanted.in_cohort()]
    members = "LEFT JOIN campaign_leads m ON m.lead_id = f.lead_id AND m.campaign_id = f.campaign_id"
    return f"""
        SELECT {names(keys)} {is_total(keys)} AS is_total, currency, count(*) AS won, sum(amount) AS amount
        FROM (
            SELECT {key_columns("f", keys)} f.currency, f.amount
            FROM (SELECT {first} f.* FROM funnel_deals f WHERE {" AND ".join(where)} {order}) f
            {campaigns_of("f") if needs_campaigns(wanted, keys) else ""} {members if wanted.in_cohort() else ""}
            WHERE {" AND ".join(chosen) or "true"}
        ) won
        GROUP BY {f"GROUPING SETS (({names(keys)} currency), (currency))" if keys else "currency"}
    """  # noqa: S608  # expressions of this module; values are bound


def _plain_query(wanted: FunnelFilter, keys: Sequence[Dimension]) -> str:
    """Read the meetings and their attendees: those whom no campaign brought have a group of their own."""
    won = ["d.status = 'won'", wanted.in_activity("d.closed_at")]
    won += ["d.workspace_id = :workspace_id"] if wanted.workspace_id is not None else []
    sets = (
        f"GROUPING SETS (({names(keys)} of_campaign, currency), (of_campaign, currency))"
        if keys
        else "of_campaign, currency"
    )
    booking = "b.id AS booking_id, b.organizer_email, b.start_time, b.booked_at AS meeting_booked_at"
    conditions = " AND ".join(wanted.of_booking())
    where = f"WHERE {conditions}" if conditions else ""
    members = "LEFT JOIN campaign_leads m ON m.lead_id = w.lead_id AND m.campaign_id = w.campaign_id"
    return f"""
        WITH won AS MATERIALIZED (
            SELECT d.id, d.workspace_id, d.amount, d.currency,
                   (SELECT o.key FROM companies o WHERE o.id = d.company_id) AS company_key
            FROM deals d WHERE {" AND ".join(won)}
        ),
        -- A meeting that both name counts twice here, and once below.
        meetings AS (
            SELECT w.*, {booking} FROM won w JOIN bookings b ON b.deal_id = w.id {where}
            UNION ALL
            SELECT w.*, {booking} FROM won w JOIN deal_events e ON e.deal_id = w.id
            JOIN bookings b ON b.id = e.booking_id {where}
        ),
        -- Materialized, because the planner expects hardly any attendee with a match, and then joins without indexes.
        seats AS MATERIALIZED (
            SELECT g.*, a.attendee_key, a.position, coalesce(a.booked_at, g.meeting_booked_at) AS booked_at,
                   a.company_key IS DISTINCT FROM g.company_key AS of_other_company
            FROM meetings g JOIN booking_attendees a ON a.booking_id = g.booking_id AND a.attendee_key IS NOT NULL
        ),
        brought AS (
            SELECT DISTINCT ON (s.id) s.workspace_id, s.amount, s.currency, s.organizer_email, n.campaign_id, n.lead_id
            FROM seats s {"LEFT " if wanted.has_others(keys) else ""}JOIN matches n
                ON n.booking_id = s.booking_id AND n.attendee = s.attendee_key AND n.state = 'matched'
            ORDER BY s.id, n.id IS NULL, s.of_other_company, s.booked_at, s.start_time, s.position
        ),
        deals_won AS (
            SELECT {columns(seat_expressions("w"), keys)} w.amount, w.currency, w.campaign_id IS NOT NULL AS of_campaign
            FROM brought w LEFT JOIN campaigns c ON c.workspace_id = w.workspace_id AND c.id = w.campaign_id
            {members if wanted.needs_members(keys) else ""}
            WHERE {" AND ".join([*wanted.of_campaign("w"), *wanted.in_cohort()]) or "true"}
        )
        SELECT {names(keys)} {is_total(keys)} AS is_total, currency, count(*) AS won, sum(amount) AS amount
        FROM deals_won GROUP BY {sets} HAVING of_campaign OR NOT ({is_total(keys)})
    """  # noqa: S608  # expressions of this module; values are bound
