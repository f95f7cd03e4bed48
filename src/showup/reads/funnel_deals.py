"""The query of the deals that campaigns brought (CA5)."""

from collections.abc import Sequence

from showup.reads.funnel_filter import Dimension, FunnelFilter, is_total, names
from showup.reads.funnel_sums import campaigns_of, key_columns


def deals_query(wanted: FunnelFilter, keys: Sequence[Dimension]) -> str:
    """Return the won deals and the sum of their amounts by currency, each deal once: groups, and their total.

    A deal counts for the campaign, mail, sender and organizer of the first booking that a lead made of the deal's
    company; if its company has no lead, of any other lead in its meetings. `from` and `to` select by the time at which
    the deal was won.

    `funnel_deals` has the first booking for each organizer, and for all of them. A deal that no lead brought has a
    group of its own, where the funnel has one, and is in no total.
    """
    has_others = wanted.has_others(keys)
    where = [*wanted.of_booking("f"), wanted.in_activity("f.closed_at")]
    where += ["f.workspace_id = :workspace_id"] if wanted.workspace_id is not None else []
    where += [] if has_others else ["f.campaign_id IS NOT NULL"]
    of_one = wanted.organizers or wanted.simulated == "all"
    where += [] if of_one else ["f.first"]
    first, order = "", ""
    if of_one:
        first = "DISTINCT ON (f.deal_id)"
        order = "ORDER BY f.deal_id, f.campaign_id IS NULL, f.of_other_company, f.booked_at, f.start_time, f.position"
    chosen = [*wanted.of_campaign("f"), *wanted.in_cohort()]
    is_chosen = " AND ".join(chosen) or "true"
    if has_others:
        is_chosen = f"({is_chosen} OR f.campaign_id IS NULL)"
    campaigns = f"LEFT {join}" if (join := campaigns_of("f", keys)) else ""
    member = "LEFT JOIN campaign_leads m ON m.lead_id = f.lead_id AND m.campaign_id = f.campaign_id"
    members = member if wanted.in_cohort() else ""
    total = "of_campaign, currency"
    return f"""
        SELECT {names(keys)} {is_total(keys)} AS is_total, currency, count(*) AS won, sum(amount) AS amount
        FROM (
            SELECT {key_columns("f", keys)} f.campaign_id IS NOT NULL AS of_campaign, f.currency, f.amount
            FROM (SELECT {first} f.* FROM funnel_deals f WHERE {" AND ".join(where)} {order}) f {campaigns} {members}
            WHERE {is_chosen}
        ) won
        GROUP BY {f"GROUPING SETS (({names(keys)} {total}), ({total}))" if keys else total}
        HAVING of_campaign OR NOT ({is_total(keys)})
    """  # noqa: S608  # expressions of this module; values are bound
