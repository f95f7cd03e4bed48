"""The plain queries of the funnel: what `campaigns.funnel` defines, over leads, matches, bookings and deals (CA5).

Each query returns the group's key as `workspace`, `campaign`, `step`, … and counts. It has one row without a key for
the total of all groups.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias, get_args
from uuid import UUID

from msgspec import Struct

from showup.campaigns.campaign import CampaignSource
from showup.reads.simulated import SimulatedFilter

Basis: TypeAlias = Literal["activity", "cohort"]
Dimension: TypeAlias = Literal["campaign", "step", "sender", "source", "organizer", "workspace"]
Source: TypeAlias = CampaignSource | Literal["unknown"]

DIMENSIONS: Final[tuple[Dimension, ...]] = get_args(Dimension)
# Of people whom no campaign brought; they have a group of their own, and are in no total.
UNKNOWN: Final = "unknown"


class FunnelFilter(Struct, frozen=True, kw_only=True):
    """What a funnel counts. An empty list or None does not filter; `until` is exclusive."""

    workspace_id: UUID | None = None
    campaign_ids: Sequence[int] = ()
    sources: Sequence[Source] = ()
    organizers: Sequence[str] = ()
    since: datetime | None = None
    until: datetime | None = None
    basis: Basis = "activity"
    simulated: SimulatedFilter = "false"

    def params(self, now: datetime) -> dict[str, Any]:
        """Return the bound parameters of all queries."""
        return {
            "workspace_id": self.workspace_id,
            "campaign_ids": list(self.campaign_ids),
            "sources": list(self.sources),
            "organizers": list(self.organizers),
            "since": self.since,
            "until": self.until,
            "now": now,
            "simulated": self.simulated == "true",
        }

    def of_campaign(self, table: str) -> list[str]:
        found = []
        if self.workspace_id is not None:
            found.append(f"{table}.workspace_id = :workspace_id")
        if self.campaign_ids:
            found.append(f"{table}.campaign_id = ANY(CAST(:campaign_ids AS bigint[]))")
        if self.sources:
            found.append("coalesce(c.source, 'unknown') = ANY(CAST(:sources AS text[]))")
        return found

    def of_booking(self) -> list[str]:
        found = ["b.organizer_email = ANY(CAST(:organizers AS text[]))"] if self.organizers else []
        if self.workspace_id is not None:
            found.append("b.workspace_id = :workspace_id")
        return found if self.simulated == "all" else [*found, "b.simulated = :simulated"]

    def between(self, at: str) -> str:
        """Return the condition that a time is in the period; a time that is unknown is in none."""
        found = [] if self.since is None else [f"{at} >= :since"]
        found += [] if self.until is None else [f"{at} < :until"]
        return " AND ".join(found) or "true"

    def in_cohort(self) -> list[str]:
        return [self.between("m.first_sent_at")] if self.basis == "cohort" and self.has_period else []

    def in_activity(self, at: str) -> str:
        return self.between(at) if self.basis == "activity" else "true"

    @property
    def has_period(self) -> bool:
        """Return whether the funnel is limited to a period."""
        return self.since is not None or self.until is not None


_STEP: Final = "coalesce(m.step, nullif(m.sent, 0))"
# A mail that was sent at a known time is at least one mail.
_MAILS: Final = "greatest(coalesce(m.sent, 0), (m.last_sent_at IS NOT NULL)::int)"
_MEMBERS: Final[dict[Dimension, str]] = {
    "campaign": "m.campaign_id",
    "step": _STEP,
    "sender": "m.sender_email",
    "source": "c.source",
    "workspace": "m.workspace_id",
}
_SEATS: Final[dict[Dimension, str]] = _MEMBERS | {
    "source": "coalesce(c.source, 'unknown')",
    "organizer": "b.organizer_email",
    "workspace": "b.workspace_id",
}
_CAMPAIGN: Final = "campaigns c ON c.workspace_id = m.workspace_id AND c.id = m.campaign_id"


def keys_of(dimensions: Sequence[Dimension]) -> tuple[Dimension, ...]:
    """Return the columns of a group's key: the numbers of campaigns are unique in a workspace only."""
    return (*(("workspace",) if "campaign" in dimensions else ()), *dimensions)


def _seconds(at: str) -> str:
    return f"extract(epoch FROM {at})::float8"


def _columns(expressions: dict[Dimension, str], keys: Sequence[Dimension]) -> str:
    return "".join(f"{expressions[key]} AS {key}, " for key in keys)


def _sets(keys: Sequence[Dimension]) -> str:
    """Return GROUP BY for the groups and their total."""
    return f"GROUP BY GROUPING SETS (({', '.join(keys)}), ())" if keys else ""


def _is_total(keys: Sequence[Dimension]) -> str:
    return f"grouping({', '.join(keys)}) > 0" if keys else "true"


def mails_query(wanted: FunnelFilter, keys: Sequence[Dimension]) -> str:
    """Return `sent` and `delivered`, by the time of each lead's last mail: exports know no other.

    Mail number n of a campaign went to the leads that got n mails or more. The one that bounced is the last.
    """
    others = [key for key in keys if key != "step"]
    where = " AND ".join(
        [*wanted.of_campaign("m"), *wanted.in_cohort(), wanted.in_activity("m.last_sent_at"), f"{_MAILS} > 0"]
    )
    if "step" in keys:
        counted = "h.people", "h.people - CASE WHEN place.step = h.mails THEN h.bounced ELSE 0 END"
        places = "CROSS JOIN LATERAL generate_series(1, h.mails) AS place(step)"
    else:
        counted, places = ("h.people * h.mails", "h.people * h.mails - h.bounced"), ""
    return f"""
        WITH h AS (
            SELECT {_columns(_MEMBERS, others)} {_MAILS} AS mails, count(*) AS people,
                   count(*) FILTER (WHERE m.bounced) AS bounced
            FROM campaign_leads m JOIN {_CAMPAIGN} WHERE {where} GROUP BY {", ".join([*others, "mails"])}
        )
        SELECT {"".join(f"{key}, " for key in keys)} {_is_total(keys)} AS is_total,
               coalesce(sum({counted[0]}), 0)::bigint AS sent, coalesce(sum({counted[1]}), 0)::bigint AS delivered
        FROM h {places} {_sets(keys)}
    """  # noqa: S608  # expressions of this module; values are bound


def people_query(wanted: FunnelFilter, keys: Sequence[Dimension]) -> str:
    """Return `replied` and `interested`: leads, each once in a group."""
    where = " AND ".join([*wanted.of_campaign("m"), *wanted.in_cohort(), "(m.replied OR m.interested)"])
    steps = {
        "replied": f"m.replied AND {wanted.in_activity('m.replied_at')}",
        "interested": f"m.interested AND {wanted.in_activity('m.interested_at')}",
    }
    return f"""
        WITH answered AS (
            SELECT {_columns(_MEMBERS, keys)} m.lead_id,
                   {", ".join(f"coalesce({condition}, false) AS {name}" for name, condition in steps.items())}
            FROM campaign_leads m JOIN {_CAMPAIGN} WHERE {where}
        )
        SELECT {"".join(f"{key}, " for key in keys)} {_is_total(keys)} AS is_total,
               count(DISTINCT lead_id) FILTER (WHERE replied) AS replied,
               count(DISTINCT lead_id) FILTER (WHERE interested) AS interested
        FROM answered {_sets(keys)}
    """  # noqa: S608  # expressions of this module; values are bound


def undated_query(wanted: FunnelFilter) -> str:
    """Return how much of each step has no time, so that it is in no period."""
    where = " AND ".join(wanted.of_campaign("m")) or "true"
    is_cohort = wanted.basis == "cohort"
    sent, replied, interested = (
        f"m.{'first_sent_at' if is_cohort else name} IS NULL"
        for name in ("last_sent_at", "replied_at", "interested_at")
    )
    return f"""
        SELECT coalesce(sum(m.sent) FILTER (WHERE {sent}), 0)::bigint AS sent,
               count(DISTINCT m.lead_id) FILTER (WHERE m.replied AND {replied}) AS replied,
               count(DISTINCT m.lead_id) FILTER (WHERE m.interested AND {interested}) AS interested
        FROM campaign_leads m JOIN {_CAMPAIGN} WHERE {where}
    """  # noqa: S608  # expressions of this module; values are bound


# What became of a seat, by its number in OUTCOMES.
_FATE: Final = """
    CASE WHEN a.attended AND a.attendance_evidence = 'reported' THEN 1 WHEN a.attended THEN 2
         WHEN NOT a.attended THEN 3 WHEN b.host_absent THEN 4 ELSE 5 END
"""
COUNTED: Final = "(b.status = 'ACCEPTED' AND a.cancelled_at IS NULL OR a.attended)"
"""Whether a seat counts: it is accepted, or it was held before it was cancelled."""

OUTCOMES: Final = {
    "showed_reported": 1,
    "showed_assumed": 2,
    "no_show": 3,
    "host_absent": 4,
    "upcoming": 5,
    "unreported": 5,
}
"""The number of each outcome; an unreported meeting is one that was upcoming until it was over."""


def _seats(wanted: FunnelFilter, keys: Sequence[Dimension], *, matched: bool) -> str:
    """Return the seats that count: of leads, or (not `matched`) of people whom no campaign brought."""
    columns = f"""
        coalesce(a.booked_at, b.booked_at) AS booked_at, b.start_time, coalesce(b.end_time, b.start_time) AS over_at,
        {_FATE} AS fate,
        coalesce(a.attendance_evidence = 'reported', false) AS is_reported
    """
    where = [COUNTED, *wanted.of_booking()]
    if matched:
        where += ["n.state = 'matched'", *wanted.of_campaign("n"), *wanted.in_cohort()]
        return f"""
            SELECT {_columns(_SEATS | {"campaign": "n.campaign_id"}, keys)} n.lead_id::text AS who, true AS of_campaign,
                   {columns}
            FROM matches n JOIN bookings b ON b.id = n.booking_id
            JOIN booking_attendees a ON a.booking_id = n.booking_id AND a.email = n.attendee
            JOIN campaigns c ON c.workspace_id = n.workspace_id AND c.id = n.campaign_id
            LEFT JOIN campaign_leads m ON m.lead_id = n.lead_id AND m.campaign_id = n.campaign_id
            WHERE {" AND ".join(where)}
        """  # noqa: S608  # as above
    nothing: dict[Dimension, str] = {"campaign": "NULL::bigint", "step": "NULL::integer", "sender": "NULL::text"}
    expressions: dict[Dimension, str] = {**_SEATS, **nothing, "source": f"'{UNKNOWN}'"}
    return f"""
        SELECT {_columns(expressions, keys)} a.email AS who, false AS of_campaign, {columns}
        FROM bookings b JOIN booking_attendees a ON a.booking_id = b.id AND a.match_key IS NOT NULL
        WHERE {" AND ".join(where)} AND NOT EXISTS (
            SELECT FROM matches n WHERE n.booking_id = b.id AND n.attendee = a.email AND n.state = 'matched')
    """  # noqa: S608  # as above


def _all_seats(wanted: FunnelFilter, keys: Sequence[Dimension]) -> str:
    parts = [_seats(wanted, keys, matched=True)]
    parts += [_seats(wanted, keys, matched=False)] if _has_others(wanted, keys) else []
    return " UNION ALL ".join(parts)


def _people(seats: str, names: str, sets: str, is_total: str) -> str:
    """Return a row for each person in each group: when they booked, what became of it, and what was last reported."""
    return f"""
        SELECT {names} who, of_campaign, is_total, to_timestamp(latest[1]) AS booked_at,
               CASE WHEN reported_at IS NOT NULL THEN 1 WHEN assumed_at IS NOT NULL THEN 2
                    ELSE latest[4] END::smallint AS outcome,
               coalesce(reported_at, assumed_at, to_timestamp(latest[2])) AS at, to_timestamp(latest[3]) AS over_at,
               report[3] = 1 AS is_held, to_timestamp(report[1]) AS report_at, to_timestamp(report[2]) AS report_over_at
        FROM (
            SELECT {names} who, of_campaign, {is_total} AS is_total,
                   max(ARRAY[booked, starts, ends, fate]) AS latest,
                   max(start_time) FILTER (WHERE fate = 1) AS reported_at,
                   max(start_time) FILTER (WHERE fate = 2) AS assumed_at,
                   max(ARRAY[starts, ends, (fate = 1)::int])
                       FILTER (WHERE fate = 1 OR fate = 3 AND is_reported) AS report
            FROM (
                SELECT *, {_seconds("booked_at")} AS booked, {_seconds("start_time")} AS starts,
                       {_seconds("over_at")} AS ends
                FROM ({seats}) seats
            ) timed
            {sets}
        ) latest
        WHERE of_campaign OR NOT is_total
    """  # noqa: S608  # as above


def person_counts(wanted: FunnelFilter) -> dict[str, str]:
    """Return the condition under which a row of a person counts for each number."""
    shown, reported = wanted.in_activity("at"), wanted.in_activity("report_at")
    is_over = {"upcoming": " AND over_at > :now", "unreported": " AND over_at <= :now"}
    return {name: f"outcome = {fate}{is_over.get(name, '')} AND {shown}" for name, fate in OUTCOMES.items()} | {
        "booked": wanted.in_activity("booked_at"),
        "held": f"is_held AND report_over_at <= :now AND {reported}",
        "missed": f"NOT is_held AND report_over_at <= :now AND {reported}",
        "open": f"is_held IS NULL AND (outcome IN (2, 3) OR outcome = 5 AND over_at <= :now) AND {shown}",
    }


def booked_query(wanted: FunnelFilter, keys: Sequence[Dimension]) -> str:
    """Return `booked`, and the counts of `Outcomes` and of `Held`: people, each once in a group.

    The latest seat gives the date and the outcome, but a show counts whatever came later. A held rate takes the last
    reported meeting; where nothing was reported, what is assumed or unreported leaves it open.
    """
    names = "".join(f"{key}, " for key in keys)
    sets = f"GROUPING SETS (({names} who, of_campaign), (who, of_campaign))" if keys else "who, of_campaign"
    people = _people(_all_seats(wanted, keys), names, f"GROUP BY {sets}", _is_total(keys))
    counts = ", ".join(f"count(*) FILTER (WHERE {one}) AS {name}" for name, one in person_counts(wanted).items())
    return f"SELECT {names} is_total, {counts} FROM ({people}) people GROUP BY {names} is_total"  # noqa: S608  # as above


def deals_query(wanted: FunnelFilter, keys: Sequence[Dimension]) -> str:
    """Return the won deals and their amount by currency, each deal once.

    It counts for the campaign, mail, sender and organizer of the first booking that a lead made of the deal's company;
    if its company has no lead, that of any other lead in its meetings. `from` and `to` select by the time at which the
    deal was won.
    """
    won = ["d.status = 'won'", wanted.in_activity("d.closed_at"), *wanted.of_booking()]
    chosen = [*wanted.of_campaign("b"), *wanted.in_cohort()]
    names = "".join(f"{key}, " for key in keys)
    sets = (
        f"GROUPING SETS (({names} of_campaign, currency), (of_campaign, currency))" if keys else "of_campaign, currency"
    )
    expressions = _SEATS | {"campaign": "b.campaign_id"}
    return f"""
        WITH brought AS (
            SELECT DISTINCT ON (d.id) d.amount, d.currency, d.workspace_id, n.campaign_id, n.lead_id, b.organizer_email
            FROM deals d JOIN companies o ON o.id = d.company_id
            CROSS JOIN LATERAL (
                SELECT id AS booking_id FROM bookings WHERE deal_id = d.id
                UNION SELECT e.booking_id FROM deal_events e WHERE e.deal_id = d.id AND e.booking_id IS NOT NULL
            ) link
            JOIN bookings b ON b.id = link.booking_id
            JOIN booking_attendees a ON a.booking_id = b.id AND a.match_key IS NOT NULL
            {"LEFT " if _has_others(wanted, keys) else ""}JOIN matches n
                ON n.booking_id = b.id AND n.attendee = a.email AND n.state = 'matched'
            WHERE {" AND ".join(won)}
            ORDER BY d.id, n.id IS NULL, a.company_key IS DISTINCT FROM o.key, coalesce(a.booked_at, b.booked_at),
                     b.start_time, a.position
        ),
        deals_won AS (
            SELECT {_columns(expressions, keys)} b.amount, b.currency, b.campaign_id IS NOT NULL AS of_campaign
            FROM brought b LEFT JOIN campaigns c ON c.workspace_id = b.workspace_id AND c.id = b.campaign_id
            LEFT JOIN campaign_leads m ON m.lead_id = b.lead_id AND m.campaign_id = b.campaign_id
            WHERE {" AND ".join(chosen) or "true"}
        )
        SELECT {names} {_is_total(keys)} AS is_total, currency, count(*) AS won, sum(amount) AS amount
        FROM deals_won GROUP BY {sets} HAVING of_campaign OR NOT ({_is_total(keys) if keys else "true"})
    """  # noqa: S608  # as above


def _has_others(wanted: FunnelFilter, keys: Sequence[Dimension]) -> bool:
    """Return whether people whom no campaign brought have a group: only where the funnel names sources."""
    if wanted.campaign_ids or wanted.basis == "cohort":
        return False
    return UNKNOWN in wanted.sources or ("source" in keys and not wanted.sources)
