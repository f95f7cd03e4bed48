"""The definitions of the funnel: its steps, its rates, and the outcomes of those who booked (CA5). Pure.

`/api/funnel` and `/api/stats` use these definitions, and digests say the held rate in words. docs/FUNNEL.md explains
them.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias, get_args

from msgspec import Struct

from showup.values.proportion import Interval, Proportion, newcombe, rate, wilson

Step: TypeAlias = Literal["sent", "delivered", "replied", "interested", "booked", "showed"]
Unit: TypeAlias = Literal["mails", "people", "meetings"]
RateName: TypeAlias = Literal["delivery_rate", "reply_rate", "interest_rate", "booking_rate", "show_rate", "roi"]

STEPS: Final[tuple[Step, ...]] = get_args(Step)
UNITS: Final[Mapping[Step, Unit]] = {step: "mails" if step in {"sent", "delivered"} else "people" for step in STEPS}
"""What each step counts. So a rate that divides people by mails is no share of people."""

RATES: Final[Mapping[RateName, tuple[Step, Step]]] = {
    "delivery_rate": ("delivered", "sent"),
    "reply_rate": ("replied", "delivered"),
    "interest_rate": ("interested", "replied"),
    "booking_rate": ("booked", "interested"),
    "show_rate": ("showed", "booked"),
    "roi": ("showed", "sent"),
}
"""Each rate is the first step / the second × 100. It may exceed 100: some people book without an interest on record."""

HELD_RATE: Final = "reported showed / (reported showed + no-show)"
HELD_PEOPLE: Final = f"people, by their last reported meeting: {HELD_RATE}"
HELD_MEETINGS: Final = f"meetings that are over: {HELD_RATE}"
SHOW_MEETINGS: Final = "meetings: showed / booked (accepted, or held before they were cancelled)"
"""What the rates of meetings and of people divide: funnels count people, statistics count meetings."""


class Outcomes(Struct, frozen=True, kw_only=True):
    """Those who booked, by what became of it; each is in one of the counts, and their sum is `booked`.

    `showed_reported`: a person or a system that was there says so. `showed_assumed`: Cal.com reported the end of the
    meeting, which it does whether or not anybody came. `unreported`: the meeting is over, and nothing was reported.
    `host_absent`: it is not the attendee's no-show. `upcoming`: the meeting is not over.
    """

    showed_reported: int = 0
    showed_assumed: int = 0
    no_show: int = 0
    host_absent: int = 0
    unreported: int = 0
    upcoming: int = 0

    @property
    def showed(self) -> int:
        """Return how many showed, reported or assumed."""
        return self.showed_reported + self.showed_assumed


SeatOutcome: TypeAlias = Literal["showed_reported", "showed_assumed", "no_show", "host_absent", "open"]
"""`open`: nothing is known, so the meeting is upcoming until it is over, and unreported from then on."""

SEAT_OUTCOMES: Final[Mapping[SeatOutcome, int]] = {name: number for number, name in enumerate(get_args(SeatOutcome), 1)}
"""How the database stores them."""


Level: TypeAlias = Literal["all", "campaign", "member", "organizer", "campaign_organizer", "member_organizer"]

LEVELS: Final[Mapping[Level, int]] = {name: number for number, name in enumerate(get_args(Level))}
"""What sums of a funnel distinguish, as the database numbers it. `member`: the campaign, its mail and its sender.

There are no sums of `member_organizer`, the last one: only rows.
"""

LEVEL_BITS: Final[Mapping[Level, int]] = {
    "all": 1,
    "campaign": 2,
    "organizer": 4,
    "campaign_organizer": 8,
    "member": 16,
    "member_organizer": 32,
}
"""The levels for which a row of `funnel_people` stands."""

MAX_STEP: Final = 100
"""Mails of one campaign to a lead beyond this number count at this step: a file may claim a billion of them."""


def at_seconds(at: str) -> str:
    """Return the SQL of a time as a number, which arrays can hold beside others."""
    return f"extract(epoch FROM {at})::float8"


class FunnelSeat(Struct, frozen=True, kw_only=True):
    """The seat of an attendee, as far as it counts. `outcome` is one of the numbers of SEAT_OUTCOMES.

    `person` is who counts: the lead, or the person whom somebody merged with the lead's address. Without a lead, it is
    the attendee's address or phone number; None: they have neither, and are another person in each booking.
    `over_at`: the end of the meeting, or its start if the end is unknown. `reported`: somebody reported the outcome.
    """

    attendee: str
    lead: str | None
    person: str | None
    campaign_id: int | None
    booked_at: datetime
    start_time: datetime
    over_at: datetime
    outcome: int
    reported: bool
    simulated: bool
    organizer_email: str | None


class Held(Struct, frozen=True, kw_only=True):
    """What is known of meetings that are over: reported as held, as missed, and `open` (assumed or unreported)."""

    showed: int = 0
    no_show: int = 0
    open: int = 0

    @property
    def proportion(self) -> Proportion:
        """Return the held rate: reported showed / (reported showed + no-show)."""
        return Proportion(self.showed, self.showed + self.no_show)

    @property
    def bounds(self) -> Interval | None:
        """Return the held rate in percent if all that is open were a no-show, and if all of it were held."""
        total = self.showed + self.no_show + self.open
        lower, upper = rate(self.showed, total), rate(self.showed + self.open, total)
        return None if lower is None or upper is None else (lower, upper)


class Counts(Struct, frozen=True, kw_only=True):
    """The funnel of one group. None: the step can't be counted for the group, as mails for an organizer."""

    sent: int | None = 0
    delivered: int | None = 0
    replied: int | None = 0
    interested: int | None = 0
    booked: int = 0
    outcomes: Outcomes = Outcomes()
    held: Held = Held()

    @property
    def showed(self) -> int:
        """Return how many showed in any of their meetings."""
        return self.outcomes.showed

    def proportion(self, name: RateName) -> Proportion | None:
        """Return what a rate divides; None where a step can't be counted."""
        part, total = (getattr(self, step) for step in RATES[name])
        return None if part is None or total is None else Proportion(part, total)


def funnel_item(counts: Counts) -> dict[str, Any]:
    """Return the steps, the rates, the split of outcomes and the held rate, as the API and the pages show them."""
    rates: dict[str, float | None] = {
        name: None if (one := counts.proportion(name)) is None else one.rate for name in RATES
    }
    return {
        **{step: getattr(counts, step) for step in STEPS},
        **rates,
        "split": {name: getattr(counts.outcomes, name) for name in Outcomes.__struct_fields__},
        "held_rate": held_item(counts.held),
    }


def held_item(held: Held) -> dict[str, Any]:
    """Return the held rate with its counts, its interval and its bounds."""
    one = held.proportion
    return {
        "showed_reported": held.showed,
        "no_show": held.no_show,
        "of": one.total,
        "rate": one.rate,
        "enough_data": one.is_enough,
        "wilson_95": wilson(one),
        "bounds": held.bounds,
    }


def rate_item(one: Proportion, unit: Unit, divides: str) -> dict[str, Any]:
    """Return what a rate of statistics divides, and how sure it is."""
    return {
        "numerator": one.part,
        "denominator": one.total,
        "unit": unit,
        "divides": divides,
        "enough_data": one.is_enough,
        "wilson_95": wilson(one),
    }


def difference(first: Proportion | None, second: Proportion | None) -> dict[str, Any] | None:
    """Return `first` minus `second` in percentage points, with Newcombe's interval; None where a rate is missing.

    `beyond_chance` is None where one of them has too few cases, or no interval.
    """
    if first is None or second is None or first.rate is None or second.rate is None:
        return None
    interval = newcombe(first, second)
    is_readable = interval is not None and first.is_enough and second.is_enough
    return {
        "difference": round(first.rate - second.rate, 6),
        "newcombe_95": interval,
        "beyond_chance": not interval[0] <= 0 <= interval[1] if is_readable and interval is not None else None,
    }
