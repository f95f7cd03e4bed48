"""The meetings that a number of the analysis counts, as a condition on bookings (CA8)."""

from datetime import datetime
from typing import Final, Literal, TypeAlias

from msgspec import Struct
from sqlalchemy import ColumnElement, exists, select

from showup.database.tables import booking_facts, bookings
from showup.reads.analysis.counts import AnalysisFilter
from showup.reads.rows import if_any, if_set
from showup.reads.simulated import SimulatedFilter

CountedMeeting: TypeAlias = Literal["reported", "unreported"]
"""Meetings that are over: their outcome is reported, or accepted and nothing is known of it."""

_STATES: Final = {"reported": ("showed", "no_show"), "unreported": ("open",)}
_SIMULATED: Final[dict[SimulatedFilter, bool | None]] = {"all": None, "true": True, "false": False}


class MeetingCount(Struct, frozen=True, kw_only=True):
    """What is counted, with the filters of the analysis, as of `now`."""

    counted: CountedMeeting
    filters: AnalysisFilter
    now: datetime

    def condition(self) -> ColumnElement[bool]:
        """Return the condition on a row of bookings."""
        f, filters = booking_facts.c, self.filters
        return exists(
            select(f.booking_id)
            .where(
                f.booking_id == bookings.c.id,
                f.state.in_(_STATES[self.counted]),
                f.ends_at <= self.now,
                if_set(filters.since, lambda day: f.day >= day),
                if_set(filters.until, lambda day: f.day < day),
                if_set(_SIMULATED[filters.simulated], lambda simulated: f.simulated == simulated),
                *(if_any(filters.values_of(name), f[name].in_) for name in ("organizer", "source", "event_type")),
            )
            .correlate(bookings)
        )
