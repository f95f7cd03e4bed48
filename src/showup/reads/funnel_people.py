"""The queries of those who booked, over sums by week and the rows that they add up (CA4, CA5).

Each query has one row for each group, or one in all without keys; their numbers are added. The sums count as if all
meetings were over: the rows of people with a meeting ahead correct that.
"""

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from showup.campaigns.funnel import LEVEL_BITS, SEAT_OUTCOMES, at_seconds
from showup.reads.funnel_booked import OUTCOMES, counts_of
from showup.reads.funnel_filter import UNKNOWN, Dimension, FunnelFilter, names
from showup.reads.funnel_sums import (
    Sums,
    campaigns_of,
    group_by,
    key_columns,
    sums_of_people,
    sums_of_unmatched,
)

_SHOWED, _ASSUMED, _NO_SHOW, _OPEN = (
    SEAT_OUTCOMES[name] for name in ("showed_reported", "showed_assumed", "no_show", "open")
)
_SUMMED: Final = ("booked", "showed_reported", "showed_assumed", "no_show", "host_absent", "unreported", "open")
_SUMMED_REPORTS: Final = ("held", "missed")
_AHEAD: Final = f"outcome = {_OPEN} AND over_at > :now"
_REPORTED_AHEAD: Final = "report_over_at > :now"


def people_queries(wanted: FunnelFilter, keys: Sequence[Dimension]) -> list[str]:
    """Return the queries whose numbers add up to those of the groups: `booked`, the outcomes and the held rate."""
    return _queries(wanted, keys, sums_of_people(wanted, keys))


def unmatched_queries(wanted: FunnelFilter, keys: Sequence[Dimension]) -> list[str]:
    """Return the same queries of the people whom no campaign brought, where the funnel has a group of them."""
    return _queries(replace(wanted, sources=()), keys, sums_of_unmatched(wanted, keys))


def _queries(wanted: FunnelFilter, keys: Sequence[Dimension], sums: Sums) -> list[str]:
    if sums.level is None:
        return [_gathered(wanted, keys, sums)]
    found = [_summed(wanted, keys, sums), _corrected(wanted, keys, sums)]
    return found if sums.is_exact else [*found, _gathered(wanted, keys, sums)]


def _summed(wanted: FunnelFilter, keys: Sequence[Dimension], sums: Sums) -> str:
    """Return the sums of whole weeks."""
    numbers = ", ".join(f"coalesce(sum(w.{name}), 0)::bigint AS {name}" for name in (*_SUMMED, *_SUMMED_REPORTS))
    where = [f"w.level = {sums.number}", wanted.weeks.days("w.week"), *_conditions(wanted, "w", sums)]
    where += [] if sums.is_exact else ["NOT w.shared"]
    return f"""
        SELECT {key_columns("w", keys, matched=sums.matched)} {not keys} AS is_total, {numbers}
        FROM people_weeks w {_campaigns("w", keys, sums)}
        WHERE {" AND ".join(where)} {group_by(keys)}
    """  # noqa: S608  # expressions of this module; values are bound


def _corrected(wanted: FunnelFilter, keys: Sequence[Dimension], sums: Sums) -> str:
    """Return the people of the days that are in no whole week, and the differences for those with a meeting ahead."""
    weeks = wanted.weeks
    at, report, booked = ("at", "report_at", "booked_at")
    is_edge = {name: weeks.leaves(f"p.{name}") for name in (at, report, booked)}
    is_whole = {name: weeks.contains(f"p.{name}") for name in (at, report)}
    edges = {"booked": is_edge[booked]} | {
        name: f"outcome = {number} AND {is_edge[at]}" for name, number in OUTCOMES.items()
    }
    edges["upcoming"] = f"{_AHEAD} AND ({is_edge[at]} OR {is_whole[at]})"
    edges["unreported"] += " AND over_at <= :now"
    edges["open"] = (
        f"is_held IS NULL AND (outcome IN ({_ASSUMED}, {_NO_SHOW}) OR outcome = {_OPEN} AND over_at <= :now)"
        f" AND {is_edge[at]}"
    )
    ahead = {"unreported": f"{_AHEAD} AND {is_whole[at]}"}
    ahead["open"] = f"is_held IS NULL AND {ahead['unreported']}"
    for name, is_of in (("held", "is_held"), ("missed", "NOT is_held")):
        edges[name] = f"{is_of} AND report_over_at <= :now AND {is_edge[report]}"
        ahead[name] = f"{is_of} AND {_REPORTED_AHEAD} AND {is_whole[report]}"
    numbers = ", ".join(
        f"count(*) FILTER (WHERE {condition})"
        f"{f' - count(*) FILTER (WHERE {ahead[name]})' if name in ahead else ''} AS {name}"
        for name, condition in edges.items()
    )
    # Each of these conditions has an index.
    chosen = " OR ".join([*(is_edge.values() if wanted.has_period else ()), "p.settled_at > :now"])
    where = [f"({chosen})", *_rows_of(wanted, sums)]
    where += [] if sums.is_exact else ["NOT p.shared"]
    return f"""
        SELECT {key_columns("p", keys, matched=sums.matched)} {not keys} AS is_total, {numbers}
        FROM funnel_people p {_campaigns("p", keys, sums)}
        WHERE {" AND ".join(where)} {group_by(keys)}
    """  # noqa: S608  # as above


def _gathered(wanted: FunnelFilter, keys: Sequence[Dimension], sums: Sums) -> str:
    """Return people whose rows must be joined first: those that sums leave out, or all where there are no sums."""
    numbers = ", ".join(
        f"count(*) FILTER (WHERE {condition}) AS {name}" for name, condition in counts_of(wanted).items()
    )
    return f"""
        SELECT {names(keys)} {not keys} AS is_total, {numbers} FROM ({_joined(wanted, keys, sums)}) people
        {group_by(keys)}
    """  # noqa: S608  # as above


def _joined(wanted: FunnelFilter, keys: Sequence[Dimension], sums: Sums) -> str:
    """Return a row for each of these people in each group."""
    where = [*_rows_of(wanted, sums), *(["p.shared"] if sums.level is not None else [])]
    return f"""
        SELECT {names(keys)} person_id, to_timestamp(latest[1]) AS booked_at,
               CASE WHEN showed_at IS NOT NULL THEN {_SHOWED} WHEN assumed_at IS NOT NULL THEN {_ASSUMED}
                    ELSE latest[4] END::smallint AS outcome,
               coalesce(showed_at, assumed_at, to_timestamp(latest[2])) AS at, to_timestamp(latest[3]) AS over_at,
               report[3] = 1 AS is_held, to_timestamp(report[1]) AS report_at,
               to_timestamp(report[2]) AS report_over_at
        FROM (
            SELECT {key_columns("p", keys, matched=sums.matched)} p.person_id,
                   max(ARRAY[{", ".join(map(at_seconds, ("booked_at", "start_time", "over_at")))}, latest])
                       AS latest,
                   max(showed_at) AS showed_at, max(assumed_at) AS assumed_at,
                   max(ARRAY[{at_seconds("report_at")}, {at_seconds("report_over_at")}, is_held::int])
                       FILTER (WHERE report_at IS NOT NULL) AS report
            FROM funnel_people p {_campaigns("p", keys, sums)}
            WHERE {" AND ".join(where)} GROUP BY {names(keys)} p.person_id
        ) gathered
    """  # noqa: S608  # as above


def each_person(wanted: FunnelFilter) -> list[str]:
    """Return queries that together have a row for each person who booked: `person_id`, and what `counts_of` compares.

    The numbers of `people_queries` without keys count these rows; if the filter names their source, also those of
    people whom no campaign brought, which `unmatched_queries` count.
    """
    has_others = wanted.has_others(())
    found = [] if has_others and set(wanted.sources) == {UNKNOWN} else _each(wanted, sums_of_people(wanted, ()))
    if has_others:
        found += _each(replace(wanted, sources=()), sums_of_unmatched(wanted, ()))
    return found


def _each(wanted: FunnelFilter, sums: Sums) -> list[str]:
    if sums.level is None:
        return [_joined(wanted, (), sums)]
    where = [*_rows_of(wanted, sums), *([] if sums.is_exact else ["NOT p.shared"])]
    rows = f"""
        SELECT p.person_id, p.booked_at, p.outcome, p.at, p.over_at, p.is_held, p.report_at, p.report_over_at
        FROM funnel_people p {_campaigns("p", (), sums)} WHERE {" AND ".join(where)}
    """  # noqa: S608  # as above
    return [rows] if sums.is_exact else [rows, _joined(wanted, (), sums)]


def _rows_of(wanted: FunnelFilter, sums: Sums) -> list[str]:
    """Return the conditions on rows of `funnel_people`, `p`: those of the level."""
    return [f"p.levels & {LEVEL_BITS[sums.level or 'member_organizer']} <> 0", *_conditions(wanted, "p", sums)]


def _conditions(wanted: FunnelFilter, table: str, sums: Sums) -> list[str]:
    found = [*wanted.of_campaign(table), *wanted.of_booking(table)]
    return [f"{table}.matched" if sums.matched else f"NOT {table}.matched", *dict.fromkeys(found)]


def _campaigns(table: str, keys: Sequence[Dimension], sums: Sums) -> str:
    return campaigns_of(table, keys) if sums.matched else ""
