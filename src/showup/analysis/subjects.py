"""What the analysis counts, as SQL: cells such as `lead|2-3|no_show`, each with the number of its facts.

A cell is its name, the values that it groups by, and for meetings the state, joined by `|`. One statement counts all
cells of a subject in one pass over the facts. With `by_filters`, it does so for each combination of filters too, which
is what the counts by week store.
"""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

FILTERS: Final = ("organizer", "source", "event_type")
NONE: Final = "-"
"""The value of a fact that does not belong to a cell."""

REMINDER_DAYS: Final = 3
"""Only a meeting that was booked this many days ahead could get all reminders of the default rules."""


class Subject(Struct, frozen=True, kw_only=True):
    """One kind of facts: its table, the column of its day, its columns (SQL), and its cells by the columns.

    `ends_at`: when a fact changes its meaning by the clock; None: never.
    """

    name: str
    table: str
    day: str
    columns: Mapping[str, str]
    cells: Mapping[str, tuple[str, ...]]
    ends_at: str | None = None


def hour_group(hours: str) -> str:
    """Return the SQL that groups hours: by the hour below two days, by the day above."""
    return f"CASE WHEN {hours} < 48 THEN {hours} ELSE {hours} / 24 * 24 END"


_STATE: Final = """
    CASE WHEN f.ends_at > {now} AND f.state IN ('showed', 'assumed', 'no_show', 'host_absent', 'open') THEN 'upcoming'
         WHEN f.state = 'open' THEN 'unreported' ELSE f.state END
"""
_IS_HELD: Final = "f.state IN ('showed', 'assumed') AND f.ends_at <= {now}"
_LEAD: Final = """
    CASE WHEN f.lead_days < 2 THEN f.lead_days::text WHEN f.lead_days < 4 THEN '2-3' WHEN f.lead_days < 8 THEN '4-7'
         WHEN f.lead_days < 15 THEN '8-14' ELSE '15+' END
"""
_REMINDERS: Final = f"""
    CASE WHEN f.lead_days >= {REMINDER_DAYS} AND f.counted_version = f.version
         THEN least(f.reminders, 3)::text ELSE '{NONE}' END
"""


def _if(condition: str, value: str) -> str:
    return f"CASE WHEN {condition} THEN ({value})::text ELSE '{NONE}' END"


MEETINGS: Final = Subject(
    name="meetings",
    table="booking_facts",
    day="day",
    ends_at="CASE WHEN f.state IN ('showed', 'assumed', 'no_show', 'host_absent', 'open') THEN f.ends_at END",
    columns={
        "of_lead": _LEAD,
        "of_weekday": "extract(isodow FROM f.day)::int::text",
        "of_hour": f"coalesce(f.attendee_hour::text, '{NONE}')",
        "of_organizer": "f.organizer",
        "of_source": "f.source",
        "of_moves": "least(f.moves, 3)::text",
        "of_reminders": _REMINDERS,
        "of_answer": "CASE WHEN f.confirmed THEN 'yes' ELSE 'no' END",
        "lead_day": "least(f.lead_days, 90)::text",
        "is_moved": "CASE WHEN f.moves > 0 THEN 'yes' ELSE 'no' END",
        "cancelled_before": _if(
            "f.state = 'cancelled' AND f.cancelled_before IS NOT NULL", hour_group("f.cancelled_before")
        ),
        "moved_before": _if("f.moves > 0 AND f.moved_before IS NOT NULL", hour_group("f.moved_before")),
        "to_met": _if(_IS_HELD, hour_group("f.lead_hours")),
        "to_booked": _if("f.interest_hours IS NOT NULL", hour_group("f.interest_hours")),
        "interest_to_met": _if(
            f"f.interest_hours IS NOT NULL AND {_IS_HELD}", hour_group("(f.interest_hours + f.lead_hours)")
        ),
        "state": _STATE,
    },
    cells={
        "lead": ("of_lead", "state"),
        "slot": ("of_weekday", "of_hour", "state"),
        "organizer": ("of_organizer", "state"),
        "source": ("of_source", "state"),
        "moves": ("of_moves", "state"),
        "reminders": ("of_reminders", "state"),
        "answer": ("of_answer", "state"),
        "organizer_lead": ("of_organizer", "lead_day"),
        "organizer_moved": ("of_organizer", "is_moved"),
        "cancelled_before": ("cancelled_before",),
        "moved_before": ("moved_before",),
        "to_met": ("to_met",),
        "to_booked": ("to_booked",),
        "interest_to_met": ("interest_to_met",),
    },
)
COHORTS: Final = Subject(
    name="cohorts",
    table="booking_facts",
    day="booked_day",
    ends_at=MEETINGS.ends_at,
    columns={"of_week": "date_trunc('week', f.booked_day)::date::text", "state": _STATE},
    cells={"cohort": ("of_week", "state")},
)
STAGES: Final = Subject(
    name="stages",
    table="stage_visits",
    day="day",
    columns={
        "of_stage": "f.stage",
        "outcome": "f.outcome",
        "hours": f"coalesce(({hour_group('f.hours')})::text, '{NONE}')",
    },
    cells={"stage": ("of_stage", "outcome"), "stage_time": ("of_stage", "hours")},
)
SUBJECTS: Final = (MEETINGS, COHORTS, STAGES)


def count_sql(subject: Subject, *, chosen: str, now: str, by_filters: bool = False) -> str:
    """Return the statement that counts the cells of the facts that `chosen` selects (FROM and WHERE, facts as `f`).

    Its columns are `cell` and `n`; with `by_filters`, also `simulated` and the filters, NULL for any. `now` is the SQL
    of the current time.
    """
    columns = {name: sql.format(now=now).strip() for name, sql in subject.columns.items()}
    names = tuple(columns)
    filters = ", ".join(("f.simulated", *(f"f.{name}" for name in FILTERS))) + ", " if by_filters else ""
    selected = ", ".join(f"{sql} AS {name}" for name, sql in columns.items())
    kinds = " ".join(f"WHEN {_mask(names, cell)} THEN '{name}'" for name, cell in subject.cells.items())
    sets = ", ".join(f"({', '.join(cell)})" for cell in subject.cells.values())
    keys = f"simulated, {', '.join(FILTERS)}, " if by_filters else ""
    cube = f"simulated, CUBE ({', '.join(FILTERS)}), " if by_filters else ""
    # Materialized, since a column that is both a filter and a part of a cell must not be taken for one.
    return f"""
        WITH chosen AS MATERIALIZED (SELECT {filters}{selected} {chosen})
        SELECT {keys}concat_ws('|', CASE GROUPING({", ".join(names)}) {kinds} END, {", ".join(names)}) AS cell,
               count(*) AS n
        FROM chosen GROUP BY {cube}GROUPING SETS ({sets})
    """  # noqa: S608  # our own names


def _mask(names: tuple[str, ...], cell: tuple[str, ...]) -> int:
    """Return what GROUPING returns for a cell: a bit for each column that it does not group by, the first highest."""
    return int("".join("0" if name in cell else "1" for name in names), 2)
