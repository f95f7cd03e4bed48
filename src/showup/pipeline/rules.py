"""Policy as data: what a workspace has decided about its pipeline. Whatever a fold depends on beside events is here."""

from bisect import bisect_right
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from msgspec import Struct, ValidationError, convert, to_builtins

from showup.companies.domain import PERSONAL_DOMAINS, is_personal, registrable_domain
from showup.deals.deal import FIRST_STAGE, MET_STAGE
from showup.pipeline.quiet import HourOfDay

_ALWAYS = datetime.min.replace(tzinfo=UTC)


class Rules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rules of one workspace at one moment; the defaults are those of PRODUCT.md."""

    # "always": a cancellation cancels the deal. "last_meeting": only when no other meeting of the deal is ahead.
    cancel_deal: Literal["always", "last_meeting"] = "always"
    # "showed": the scheduled end counts as attended until somebody says otherwise. "unreported": it waits for them.
    meeting_ended: Literal["showed", "unreported"] = "showed"
    # How far a deal can come, from the first stage to the last; a person may move it to any of them.
    stages: tuple[str, ...] = (FIRST_STAGE, MET_STAGE, "proposal", "negotiation")
    # Added to, and taken from, the maintained list of personal domains.
    personal_domains: frozenset[str] = frozenset()
    business_domains: frozenset[str] = frozenset()
    # Our own side: whoever is here is never a person, a company or a deal.
    team_domains: frozenset[str] = frozenset()
    team_emails: frozenset[str] = frozenset()
    # News older than this is told to nobody.
    fresh_for: timedelta = timedelta(hours=24)
    # Reminders, as time before the meeting.
    remind_before: tuple[timedelta, ...] = (timedelta(hours=72), timedelta(hours=24), timedelta(hours=2))
    # Whether all attendees are told of a meeting, and not the booker alone.
    tell_guests: bool = False
    # Whether who missed a meeting is offered another, how long after it or after we heard, and until when at most.
    follow_up: bool = False
    follow_up_after: timedelta = timedelta(hours=2)
    follow_up_expires_after: timedelta = timedelta(days=3)
    # Not between these, from and until, where the attendee is; the same twice: at any hour.
    follow_up_quiet_hours: tuple[HourOfDay, HourOfDay] = ("21:00", "08:00")
    # One to a person in that span, whatever they missed.
    follow_up_at_most_every: timedelta = timedelta(days=30)
    # Where they find another time; empty: where the meeting was booked.
    follow_up_rebook_url: str = ""

    def __post_init__(self) -> None:
        """Raises ValueError for stages between which meetings could not move a deal."""
        if (
            self.stages[:1] != (FIRST_STAGE,)
            or MET_STAGE not in self.stages
            or len(set(self.stages)) < len(self.stages)
        ):
            raise ValueError(f"stages begin with {FIRST_STAGE!r}, have {MET_STAGE!r} among them, and name none twice")

    def is_team(self, email: str) -> bool:
        """Whether the address is one of ours."""
        return email in self.team_emails or registrable_domain(email) in self.team_domains

    def company_domain(self, email: str) -> str | None:
        """The company that the address speaks for; None for a personal one."""
        domain = registrable_domain(email)
        if domain is None:
            return None
        if domain in self.business_domains:
            return domain
        personal = domain in self.personal_domains or is_personal(email, domain, PERSONAL_DOMAINS)
        return None if personal else domain


# What an address is does not depend on when it was written: these hold for all time, in their newest value.
FACTS = frozenset({"personal_domains", "business_domains", "team_domains", "team_emails"})


class Amendment(Struct, frozen=True, kw_only=True):
    """Other values for some rules, from `since` on (None: in the whole history); `order_key` is that of the deed."""

    changes: dict[str, Any]
    since: datetime | None
    order_key: str


class RuleBook(Struct, frozen=True, kw_only=True):
    """The rules of a workspace through time: `versions[i]` holds from `since[i]` on."""

    since: tuple[datetime, ...] = (_ALWAYS,)
    versions: tuple[Rules, ...] = (Rules(),)

    def at(self, moment: datetime) -> Rules:
        """The rules under which what happened then is decided."""
        return self.versions[bisect_right(self.since, moment) - 1]

    @property
    def newest(self) -> Rules:
        """The rules as they are now."""
        return self.versions[-1]


def rule_book(amendments: Iterable[Amendment]) -> RuleBook:
    """All rules that the amendments make of the defaults.

    Of two amendments of the same rule, the one that was made later wins from its own `since` on. What an address is
    (FACTS) holds for all time.
    """
    made = sorted(amendments, key=lambda one: one.order_key)
    moments = sorted({_start(one) for one in made} | {_ALWAYS})
    versions = []
    for moment in moments:
        values = to_builtins(Rules())
        for one in made:
            values |= {name: new for name, new in one.changes.items() if name in FACTS or _start(one) <= moment}
        versions.append(convert(values, Rules))
    return RuleBook(since=tuple(moments), versions=tuple(versions))


def amended(rules: Rules, changes: dict[str, Any]) -> Rules:
    """The rules with these values. Raises ValueError that says which is wrong and why."""
    try:
        return convert(to_builtins(rules) | changes, Rules)
    except ValidationError as fault:
        raise ValueError(str(fault)) from fault


def differences(before: Rules, after: Rules) -> dict[str, Any]:
    """What an amendment must say to make the one of the other."""
    return {
        name: _ordered(value)
        for name, value in to_builtins(after).items()
        if getattr(before, name) != getattr(after, name)
    }


def _ordered(value: Any) -> Any:
    return sorted(value) if isinstance(value, (set, frozenset)) else value


def _start(amendment: Amendment) -> datetime:
    return amendment.since or _ALWAYS
