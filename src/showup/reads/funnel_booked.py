"""The query over seats of those who booked, and of what became of it (CA4, CA5).

It answers what `reads.funnel_people` can't: a cohort, whose dates are those of mails.

A person counts once in a group, with all their meetings. Most people have one: their seats are counted as they are.
Only the seats of people with several are gathered by person first. Counting all people that way gives the same numbers,
and takes several times as long.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from showup.campaigns.funnel import SEAT_OUTCOMES, at_seconds
from showup.reads.funnel_filter import (
    Dimension,
    FunnelFilter,
    columns,
    grouping_sets,
    is_total,
    names,
    seat_expressions,
)

_SHOWED, _ASSUMED, _NO_SHOW, _OPEN = (
    SEAT_OUTCOMES[name] for name in ("showed_reported", "showed_assumed", "no_show", "open")
)
OUTCOMES: Final[Mapping[str, int]] = {
    **{name: number for name, number in SEAT_OUTCOMES.items() if name != "open"},
    "upcoming": _OPEN,
    "unreported": _OPEN,
}
"""The number of each outcome; an unreported meeting is one that was upcoming until it was over."""

_SEAT: Final = "s.booked_at, s.start_time, s.over_at, s.outcome, s.reported"
_PERSON: Final = "booked_at, outcome, at, over_at, is_held, report_at, report_over_at"


def booked_query(wanted: FunnelFilter, keys: Sequence[Dimension]) -> str:
    """Return `booked`, the counts of `Outcomes` and those of `Held`, for each group, and for the total (`is_total`).

    The latest seat gives the date and the outcome, but a show counts whatever came later. A held rate takes the last
    reported meeting; where nothing was reported, what is assumed or unreported leaves it open.
    """
    counted = counts_of(wanted)
    numbers = ", ".join(f"count(*) FILTER (WHERE {condition}) AS {name}" for name, condition in counted.items())
    sums = ", ".join(f"coalesce(sum({name}), 0)::bigint AS {name}" for name in counted)
    by_key = f"GROUP BY {', '.join(keys)}" if keys else ""
    ours = "AND workspace_id = :workspace_id" if wanted.workspace_id is not None else ""
    return f"""
        WITH repeated AS (
            SELECT person_id FROM funnel_seats WHERE lead_id IS NOT NULL {ours} GROUP BY person_id HAVING count(*) > 1
        ),
        once AS (
            SELECT {names(keys)} {numbers} FROM ({_once(wanted, keys)}) people {by_key}
        )
        SELECT {names(keys)} is_total, {sums} FROM (
            SELECT {names(keys)} {is_total(keys)} AS is_total, {sums} FROM once {grouping_sets(keys)}
            UNION ALL
            SELECT {names(keys)} is_total, {numbers} FROM ({_gathered(wanted, keys)}) people
            GROUP BY {names(keys)} is_total
        ) both_kinds
        GROUP BY {names(keys)} is_total
    """  # noqa: S608  # expressions of this module; values are bound


def counts_of(wanted: FunnelFilter) -> dict[str, str]:
    """Return the condition under which a person counts for each number."""
    shown, reported = wanted.in_activity("at"), wanted.in_activity("report_at")
    is_over = {"upcoming": " AND over_at > :now", "unreported": " AND over_at <= :now"}
    return {name: f"outcome = {number}{is_over.get(name, '')} AND {shown}" for name, number in OUTCOMES.items()} | {
        "booked": wanted.in_activity("booked_at"),
        "held": f"is_held AND report_over_at <= :now AND {reported}",
        "missed": f"NOT is_held AND report_over_at <= :now AND {reported}",
        "open": f"is_held IS NULL AND (outcome IN ({_ASSUMED}, {_NO_SHOW}) OR outcome = {_OPEN} AND over_at <= :now)"
        f" AND {shown}",
    }


def _once(wanted: FunnelFilter, keys: Sequence[Dimension]) -> str:
    """Return a row for each person with one seat, of `_PERSON`."""
    return f"""
        SELECT {names(keys)} booked_at, outcome, start_time AS at, over_at,
               CASE WHEN outcome = {_SHOWED} THEN true WHEN outcome = {_NO_SHOW} AND reported THEN false END AS is_held,
               start_time AS report_at, over_at AS report_over_at
        FROM ({_seats(wanted, keys, "NOT EXISTS (SELECT FROM repeated r WHERE r.person_id = s.person_id)")}) seats
    """  # noqa: S608  # as above


def _gathered(wanted: FunnelFilter, keys: Sequence[Dimension]) -> str:
    """Return a row for each person with several seats in each group, and in the total: `is_total`, and `_PERSON`."""
    seats = _seats(wanted, keys, "s.person_id IN (SELECT person_id FROM repeated)")
    return _people(seats, keys, f"GROUPING SETS (({names(keys)} who), (who))" if keys else "who")


def _people(seats: str, keys: Sequence[Dimension], sets: str) -> str:
    return f"""
        SELECT {names(keys)} is_total, to_timestamp(latest[1]) AS booked_at,
               CASE WHEN showed_at IS NOT NULL THEN {_SHOWED} WHEN assumed_at IS NOT NULL THEN {_ASSUMED}
                    ELSE latest[4] END::smallint AS outcome,
               coalesce(showed_at, assumed_at, to_timestamp(latest[2])) AS at, to_timestamp(latest[3]) AS over_at,
               report[3] = 1 AS is_held, to_timestamp(report[1]) AS report_at, to_timestamp(report[2]) AS report_over_at
        FROM (
            SELECT {names(keys)} {is_total(keys)} AS is_total,
                   max(ARRAY[booked, starts, ends, outcome]) AS latest,
                   max(start_time) FILTER (WHERE outcome = {_SHOWED}) AS showed_at,
                   max(start_time) FILTER (WHERE outcome = {_ASSUMED}) AS assumed_at,
                   max(ARRAY[starts, ends, (outcome = {_SHOWED})::int])
                       FILTER (WHERE outcome = {_SHOWED} OR outcome = {_NO_SHOW} AND reported) AS report
            FROM (
                SELECT *, {at_seconds("booked_at")} AS booked, {at_seconds("start_time")} AS starts,
                       {at_seconds("over_at")} AS ends
                FROM ({seats}) seats
            ) timed
            GROUP BY {sets}
        ) gathered
    """  # noqa: S608  # as above


def _seats(wanted: FunnelFilter, keys: Sequence[Dimension], condition: str) -> str:
    """Return the seats of leads that count."""
    where = [condition, *wanted.of_campaign("s"), *wanted.of_booking("s"), *wanted.in_cohort()]
    members = "LEFT JOIN campaign_leads m ON m.lead_id = s.lead_id AND m.campaign_id = s.campaign_id"
    return f"""
        SELECT {columns(seat_expressions("s"), keys)} s.person_id::text AS who, {_SEAT}
        FROM funnel_seats s JOIN campaigns c ON c.workspace_id = s.workspace_id AND c.id = s.campaign_id
        {members if wanted.needs_members(keys) else ""}
        WHERE {" AND ".join(dict.fromkeys(where))}
    """  # noqa: S608  # as above
