"""The queries of what campaigns report: mails, replies and interest, of leads in campaigns (CA5).

Each query has one row for each group, and one for the total, which `is_total` marks.
"""

from collections.abc import Sequence
from typing import Final

from showup.reads.funnel_filter import (
    MAX_STEP,
    MEMBERS,
    Dimension,
    FunnelFilter,
    columns,
    grouping_sets,
    is_total,
    names,
)

# A mail that was sent at a known time is at least one mail.
_MAILS: Final = "greatest(coalesce(m.sent, 0), (m.last_sent_at IS NOT NULL)::int)"
_CAMPAIGN: Final = "campaigns c ON c.workspace_id = m.workspace_id AND c.id = m.campaign_id"
# As `funnel_people.merged_leads` finds them; nearly always none.
_MERGED: Final = """
    LEFT JOIN unnest(CAST(:merged_leads AS uuid[]), CAST(:merged_people AS uuid[])) AS p(lead_id, person_id)
        ON p.lead_id = m.lead_id
"""
_PERSON: Final = "coalesce(p.person_id, m.lead_id)"


def mails_query(wanted: FunnelFilter, keys: Sequence[Dimension]) -> str:
    """Return `sent` and `delivered`, by the time of each lead's last mail: exports know no other.

    Mail number n of a campaign went to the leads that got n mails or more. The one that bounced is the last.
    Those beyond MAX_STEP count there.
    """
    others = [key for key in keys if key != "step"]
    where = " AND ".join(
        [*wanted.of_mails("m"), *wanted.in_cohort(), wanted.in_activity("m.last_sent_at"), f"{_MAILS} > 0"]
    )
    if "step" in keys:
        last = f"least(h.mails, {MAX_STEP})"
        mails = f"h.people * CASE WHEN place.step = {last} THEN h.mails - {last} + 1 ELSE 1 END"
        counted = mails, f"{mails} - CASE WHEN place.step = {last} THEN h.bounced ELSE 0 END"
        places = f"CROSS JOIN LATERAL generate_series(1, {last}) AS place(step)"
    else:
        counted, places = ("h.people * h.mails", "h.people * h.mails - h.bounced"), ""
    return f"""
        WITH h AS (
            SELECT {columns(MEMBERS, others)} {_MAILS} AS mails, count(*) AS people,
                   count(*) FILTER (WHERE m.bounced) AS bounced
            FROM campaign_leads m JOIN {_CAMPAIGN} WHERE {where} GROUP BY {", ".join([*others, "mails"])}
        )
        SELECT {names(keys)} {is_total(keys)} AS is_total,
               coalesce(sum({counted[0]}), 0)::bigint AS sent, coalesce(sum({counted[1]}), 0)::bigint AS delivered
        FROM h {places} {grouping_sets(keys)}
    """  # noqa: S608  # expressions of this module; values are bound


def people_query(wanted: FunnelFilter, keys: Sequence[Dimension]) -> str:
    """Return `replied` and `interested`: people, each once in a group."""
    where = " AND ".join([*wanted.of_mails("m"), *wanted.in_cohort(), "(m.replied OR m.interested)"])
    steps = {
        "replied": f"m.replied AND {wanted.in_activity('m.replied_at')}",
        "interested": f"m.interested AND {wanted.in_activity('m.interested_at')}",
    }
    return f"""
        WITH answered AS (
            SELECT {columns(MEMBERS, keys)} {_PERSON} AS person_id,
                   {", ".join(f"coalesce({condition}, false) AS {name}" for name, condition in steps.items())}
            FROM campaign_leads m JOIN {_CAMPAIGN} {_MERGED} WHERE {where}
        )
        SELECT {names(keys)} {is_total(keys)} AS is_total,
               count(DISTINCT person_id) FILTER (WHERE replied) AS replied,
               count(DISTINCT person_id) FILTER (WHERE interested) AS interested
        FROM answered {grouping_sets(keys)}
    """  # noqa: S608  # expressions of this module; values are bound


def undated_query(wanted: FunnelFilter) -> str:
    """Return how much of each step has no time, so that it is in no period."""
    where = " AND ".join(wanted.of_mails("m")) or "true"
    is_cohort = wanted.basis == "cohort"
    sent, replied, interested = (
        f"m.{'first_sent_at' if is_cohort else name} IS NULL"
        for name in ("last_sent_at", "replied_at", "interested_at")
    )
    return f"""
        SELECT coalesce(sum(m.sent) FILTER (WHERE {sent}), 0)::bigint AS sent,
               count(DISTINCT {_PERSON}) FILTER (WHERE m.replied AND {replied}) AS replied,
               count(DISTINCT {_PERSON}) FILTER (WHERE m.interested AND {interested}) AS interested
        FROM campaign_leads m JOIN {_CAMPAIGN} {_MERGED} WHERE {where}
    """  # noqa: S608  # expressions of this module; values are bound
