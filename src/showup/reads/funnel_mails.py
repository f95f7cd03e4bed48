"""The queries of what campaigns report: mails, replies and interest, of leads in campaigns (CA5).

Each query has one row for each group, and one for the total, which `is_total` marks.
"""

from collections.abc import Sequence
from typing import Final, Literal, TypeAlias

from msgspec import structs

from showup.campaigns.funnel import MAX_STEP
from showup.reads.funnel_filter import (
    MEMBERS,
    Dimension,
    FunnelFilter,
    columns,
    grouping_sets,
    is_total,
    names,
)
from showup.reads.funnel_sums import (
    Sums,
    UndatedFilter,
    WholeFilter,
    campaigns_of,
    edges_of,
    group_by,
    key_columns,
    sums_of_mails,
)

Answer: TypeAlias = Literal["replied", "interested"]

# A mail that was sent at a known time is at least one mail.
_MAILS: Final = "greatest(coalesce(m.sent, 0), (m.last_sent_at IS NOT NULL)::int)"
# As `reads.merged_leads` finds them; nearly always none.
_MERGED: Final = """
    LEFT JOIN unnest(CAST(:merged_leads AS uuid[]), CAST(:merged_people AS uuid[])) AS p(lead_id, person_id)
        ON p.lead_id = m.lead_id
"""
_PERSON: Final = "coalesce(p.person_id, m.lead_id)"
_IS_MERGED: Final = "m.lead_id = ANY(CAST(:merged_leads AS uuid[]))"
# The condition of an index, so that it is read together with that of leads.
_IS_SHARED: Final = "m.shared AND (m.replied OR m.interested)"


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
            FROM campaign_leads m {campaigns_of("m", others)} WHERE {where} GROUP BY {", ".join([*others, "mails"])}
        )
        SELECT {names(keys)} {is_total(keys)} AS is_total,
               coalesce(sum({counted[0]}), 0)::bigint AS sent, coalesce(sum({counted[1]}), 0)::bigint AS delivered
        FROM h {places} {grouping_sets(keys)}
    """  # noqa: S608  # expressions of this module; values are bound


def people_query(wanted: FunnelFilter, keys: Sequence[Dimension], *conditions: str) -> str:
    """Return `replied` and `interested`: people, each once in a group; `conditions` on the rows `m` of leads."""
    steps = {
        "replied": f"m.replied AND {wanted.in_activity('m.replied_at')}",
        "interested": f"m.interested AND {wanted.in_activity('m.interested_at')}",
    }
    where = " AND ".join([*wanted.of_mails("m"), *wanted.in_cohort(), f"({' OR '.join(steps.values())})", *conditions])
    people = f"GROUPING SETS (({names(keys)} person_id), (person_id))" if keys else "person_id"
    return f"""
        WITH answers AS (
            SELECT {columns(MEMBERS, keys)} {_PERSON} AS person_id,
                   {", ".join(f"{sql} AS {name}" for name, sql in steps.items())}
            FROM campaign_leads m {campaigns_of("m", keys)} {_MERGED} WHERE {where}
        ),
        people AS (
            SELECT {names(keys)} {is_total(keys)} AS is_total, bool_or(replied) AS replied,
                   bool_or(interested) AS interested
            FROM answers GROUP BY {people}
        )
        SELECT {names(keys)} is_total, count(*) FILTER (WHERE replied) AS replied,
               count(*) FILTER (WHERE interested) AS interested
        FROM people GROUP BY {names(keys)} is_total
    """  # noqa: S608  # expressions of this module; values are bound


def answers_query(wanted: FunnelFilter, answer: Answer) -> tuple[str, str]:
    """Return a row for each person with this answer, and its time; `people_query` counts them by activity.

    The first query has each lead's newest answer; a condition on the rows `m` may follow it. The second has all answers
    of merged people.
    """

    def is_counted(table: str) -> str:
        # IS TRUE, because no index of campaigns shall be read: that of the answers has them too, and is in their order.
        conditions = [f"({' AND '.join(wanted.of_mails(table)) or 'true'}) IS TRUE", f"{table}.{answer}"]
        conditions += [f"{table}.workspace_id = :workspace_id"] if wanted.workspace_id is not None else []
        return " AND ".join([*conditions, wanted.in_activity(f"{table}.{answer}_at")])

    def place(table: str) -> str:
        return f"(coalesce({table}.{answer}_at, '-infinity'), {table}.campaign_id)"

    rows = f"m.lead_id, m.campaign_id, m.{answer}_at AS at FROM campaign_leads m"
    later = f"""
        SELECT FROM campaign_leads n
        WHERE n.lead_id = m.lead_id AND {is_counted("n")} AND {place("n")} > {place("m")}
    """  # expressions of this module; values are bound
    newest = f"{is_counted('m')} AND NOT {_IS_MERGED} AND NOT (m.shared AND EXISTS ({later}))"
    return (
        f"SELECT m.lead_id AS person_id, {rows} WHERE {newest}",
        f"SELECT {_PERSON} AS person_id, {rows} {_MERGED} WHERE {is_counted('m')} AND {_IS_MERGED}",
    )


def mail_queries(wanted: FunnelFilter, keys: Sequence[Dimension], *, has_merged: bool) -> list[str]:
    """Return the queries over sums by week whose numbers add up to those of the two above, for groups or a total.

    `has_merged`: some leads are merged people.
    """
    sums = sums_of_mails(wanted, keys)
    found = [_summed(wanted, keys, sums, wanted.weeks.days("w.week"))]
    if wanted.has_period:
        edges = edges_of(wanted)
        others = [*([] if sums.is_exact else ["NOT m.shared"]), *([f"NOT {_IS_MERGED}"] if has_merged else [])]
        found += [mails_query(edges, keys), people_query(edges, keys, *others)]
    whole = WholeFilter(**structs.asdict(wanted))
    return [*found, *_not_summed(wanted, whole, keys, sums, has_merged=has_merged)]


def undated_queries(wanted: FunnelFilter, *, has_merged: bool) -> list[str]:
    """Return the queries over sums whose numbers add up to those of `undated_query`."""
    sums = sums_of_mails(wanted, ())
    undated = UndatedFilter(**structs.asdict(wanted))
    summed = _summed(wanted, (), sums, "w.week = '-infinity'")
    return [summed, *_not_summed(undated, undated, (), sums, has_merged=has_merged)]


def _not_summed(
    wanted: FunnelFilter, summed: FunnelFilter, keys: Sequence[Dimension], sums: Sums, *, has_merged: bool
) -> list[str]:
    """Return the queries of people whose answers sums can't add up.

    Sums leave out the leads who are `shared`, but count each lead of merged people: these are taken off again.
    """
    if not has_merged:
        return [] if sums.is_exact else [people_query(wanted, keys, _IS_SHARED)]
    apart = _IS_MERGED if sums.is_exact else f"({_IS_SHARED} OR {_IS_MERGED})"
    return [people_query(wanted, keys, apart), _merged_in_sums(summed, keys, sums)]


def _merged_in_sums(summed: FunnelFilter, keys: Sequence[Dimension], sums: Sums) -> str:
    """Return as negative numbers how often sums count leads of merged people."""
    where = [*summed.of_mails("m"), _IS_MERGED, *([] if sums.is_exact else ["NOT m.shared"])]
    steps = ("replied", "interested")
    answers = ", ".join(f"m.{name} AND {summed.in_activity(f'm.{name}_at')} AS {name}" for name in steps)
    numbers = ", ".join(f"-count(*) FILTER (WHERE {name}) AS {name}" for name in steps)
    return f"""
        SELECT {names(keys)} {not keys} AS is_total, {numbers}
        FROM (
            SELECT {columns(MEMBERS, keys)} {answers} FROM campaign_leads m {campaigns_of("m", keys)}
            WHERE {" AND ".join(where)}
        ) answers
        {group_by(keys)}
    """  # noqa: S608  # expressions of this module; values are bound


def _summed(wanted: FunnelFilter, keys: Sequence[Dimension], sums: Sums, weeks: str) -> str:
    answered = "" if sums.is_exact else "FILTER (WHERE NOT w.shared)"
    return f"""
        SELECT {key_columns("w", keys)} {not keys} AS is_total, coalesce(sum(w.sent), 0)::bigint AS sent,
               coalesce(sum(w.delivered), 0)::bigint AS delivered,
               coalesce(sum(w.replied) {answered}, 0)::bigint AS replied,
               coalesce(sum(w.interested) {answered}, 0)::bigint AS interested
        FROM mail_weeks w {campaigns_of("w", keys)}
        WHERE {" AND ".join([f"w.level = {sums.number}", weeks, *wanted.of_mails("w")])} {group_by(keys)}
    """  # noqa: S608  # as above


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
        FROM campaign_leads m {_MERGED} WHERE {where}
    """  # noqa: S608  # expressions of this module; values are bound
