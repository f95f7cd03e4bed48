"""Policy as data: a workspace's pipeline rules. A replay depends only on events and on these rules."""

from bisect import bisect_right
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from msgspec import Struct, ValidationError, convert, to_builtins

from showup.companies.domain import PERSONAL_DOMAINS, is_personal, registrable_domain
from showup.deals.deal import FIRST_STAGE, MET_STAGE
from showup.pipeline.quiet_hours import HourOfDay

_BEGINNING = datetime.min.replace(tzinfo=UTC)


class Rules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rules of one workspace at one moment; the defaults are documented in PRODUCT.md."""

    # "always": a cancellation cancels the deal. "last_meeting": only if no other meeting of the deal is ahead.
    cancel_deal: Literal["always", "last_meeting"] = "always"
    # "showed": the scheduled end counts as attended until a person reports otherwise. "unreported": wait for a report.
    meeting_ended: Literal["showed", "unreported"] = "showed"
    # The stages a deal can reach, first to last; a person may move it to any of them.
    stages: tuple[str, ...] = (FIRST_STAGE, MET_STAGE, "proposal", "negotiation")
    # Domains added to, and removed from, the maintained list of personal domains.
    personal_domains: frozenset[str] = frozenset()
    business_domains: frozenset[str] = frozenset()
    # Team addresses: they never become a person, a company or a deal.
    team_domains: frozenset[str] = frozenset()
    team_emails: frozenset[str] = frozenset()
    # Events older than this cause no notifications.
    fresh_for: timedelta = timedelta(hours=24)
    # Reminder offsets before the meeting.
    remind_before: tuple[timedelta, ...] = (timedelta(hours=72), timedelta(hours=24), timedelta(hours=2))
    # Whether to notify all attendees of a meeting, or only the booker.
    notify_guests: bool = False
    # Whether to offer another time after a missed meeting, how long after it (or after we learned of it), and until
    # when.
    follow_up: bool = False
    follow_up_after: timedelta = timedelta(hours=2)
    follow_up_expires_after: timedelta = timedelta(days=3)
    # No mail between these local times of the attendee (from, until); equal values: no quiet hours.
    follow_up_quiet_hours: tuple[HourOfDay, HourOfDay] = ("21:00", "08:00")
    # At most one follow-up per person in this span, however many meetings they missed.
    follow_up_at_most_every: timedelta = timedelta(days=30)
    # Where attendees rebook; empty: where the meeting was booked.
    follow_up_rebook_url: str = ""

    def __post_init__(self) -> None:
        """Raise ValueError for stages between which meetings could not move a deal."""
        if (
            self.stages[:1] != (FIRST_STAGE,)
            or MET_STAGE not in self.stages
            or len(set(self.stages)) < len(self.stages)
        ):
            raise ValueError(f"stages must begin with {FIRST_STAGE!r}, include {MET_STAGE!r}, and have no duplicates")

    def is_team(self, email: str) -> bool:
        """Return whether the address belongs to the team."""
        return email in self.team_emails or registrable_domain(email) in self.team_domains

    def company_domain(self, email: str) -> str | None:
        """Return the company domain of the address, or None for a personal address."""
        domain = registrable_domain(email)
        if domain is None:
            return None
        if domain in self.business_domains:
            return domain
        personal = domain in self.personal_domains or is_personal(email, domain, PERSONAL_DOMAINS)
        return None if personal else domain


# The classification of an address does not depend on time: the newest value of these rules applies to all history.
TIMELESS_RULES = frozenset({"personal_domains", "business_domains", "team_domains", "team_emails"})


class Amendment(Struct, frozen=True, kw_only=True):
    """New values for some rules from `since` on (None: all history), with the order key of the manual event."""

    changes: dict[str, Any]
    since: datetime | None
    order_key: str


class RuleBook(Struct, frozen=True, kw_only=True):
    """The rules of a workspace over time: `versions[i]` applies from `since[i]` on."""

    since: tuple[datetime, ...] = (_BEGINNING,)
    versions: tuple[Rules, ...] = (Rules(),)

    def at(self, moment: datetime) -> Rules:
        """Return the rules that apply to events at `moment`."""
        return self.versions[bisect_right(self.since, moment) - 1]

    @property
    def newest(self) -> Rules:
        """Return the current rules."""
        return self.versions[-1]


def rule_book(amendments: Iterable[Amendment]) -> RuleBook:
    """Apply all amendments to the default rules.

    If two amendments change the same rule, the later one wins from its own `since` on. Address classification rules
    (FACTS) apply to all history.
    """
    ordered = sorted(amendments, key=lambda one: one.order_key)
    moments = sorted({_start(one) for one in ordered} | {_BEGINNING})
    versions = []
    for moment in moments:
        values = to_builtins(Rules())
        for one in ordered:
            values |= {
                name: new for name, new in one.changes.items() if name in TIMELESS_RULES or _start(one) <= moment
            }
        versions.append(convert(values, Rules))
    return RuleBook(since=tuple(moments), versions=tuple(versions))


def amend_rules(rules: Rules, changes: dict[str, Any]) -> Rules:
    """Return the rules with these values. Raises ValueError naming the invalid value and the reason."""
    try:
        return convert(to_builtins(rules) | changes, Rules)
    except ValidationError as error:
        raise ValueError(str(error)) from error


def differences(before: Rules, after: Rules) -> dict[str, Any]:
    """Return the changes that turn `before` into `after`."""
    return {
        name: _to_sorted(value)
        for name, value in to_builtins(after).items()
        if getattr(before, name) != getattr(after, name)
    }


def _to_sorted(value: Any) -> Any:
    return sorted(value) if isinstance(value, (set, frozenset)) else value


def _start(amendment: Amendment) -> datetime:
    return amendment.since or _BEGINNING
