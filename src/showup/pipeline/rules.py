"""Policy as data: a workspace's pipeline rules. A replay depends only on events and on these rules."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, TypeAlias

from msgspec import Meta, Struct, ValidationError, convert, to_builtins
from pydantic import AfterValidator, StringConstraints

from showup.companies.domain import mail_domain
from showup.deals.deal import FIRST_STAGE, MET_STAGE
from showup.values.domain_name import DomainName
from showup.values.duration import Duration, parse_short_duration
from showup.values.email_address import EmailAddress
from showup.values.invalid_value import InvalidValue
from showup.values.time_of_day import TimeOfDay
from showup.values.web_page import WebPage

_BEGINNING = datetime.min.replace(tzinfo=UTC)


_MAX_DOMAINS = 1_000


def check_stages(stages: Sequence[str]) -> Sequence[str]:
    """Return the stages if meetings can move a deal between them. Raises InvalidValue."""
    if tuple(stages[:1]) != (FIRST_STAGE,) or MET_STAGE not in stages or len(set(stages)) < len(stages):
        raise InvalidValue(f"a list that begins with {FIRST_STAGE!r}, includes {MET_STAGE!r} and has no duplicates")
    return stages


Stage: TypeAlias = Annotated[
    str,
    Meta(min_length=1, max_length=100),
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"^[^\x00]*$"),
]
QuietHours: TypeAlias = tuple[TimeOfDay, TimeOfDay]


_MAIL_SWITCH = (
    r"^(confirmation|series|rescheduled|cancelled|reschedule_request|new_host|new_place|outcome"
    r"|reminder(_[0-9]{1,6}[smhd])?)$"
)
MailSwitch: TypeAlias = Annotated[str, Meta(pattern=_MAIL_SWITCH), StringConstraints(pattern=_MAIL_SWITCH)]
"""A kind of mail that can be switched off, or the reminders of one offset."""


class Rules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rules of one workspace at one moment, declared once: showup.toml and the API derive their fields from it."""

    cancel_deal: Annotated[
        Literal["always", "last_meeting"],
        Meta(
            description="Whether a cancellation cancels a deal that has another upcoming meeting. It never cancels a"
            " deal that a person opened, or moved beyond `met`."
        ),
    ] = "always"
    meeting_ended: Annotated[
        Literal["showed", "unreported"],
        Meta(description="Whether a meeting counts as attended at its scheduled end until it is reported."),
    ] = "showed"
    stages: Annotated[
        tuple[Stage, ...],
        Meta(max_length=50, description="A deal's stages in order: `booked` first, `met` among them."),
        AfterValidator(check_stages),
    ] = (FIRST_STAGE, MET_STAGE, "proposal", "negotiation")
    personal_domains: Annotated[
        frozenset[DomainName],
        Meta(max_length=_MAX_DOMAINS, description="Domains of no company, in addition to the maintained list."),
    ] = frozenset()
    business_domains: Annotated[
        frozenset[DomainName], Meta(max_length=_MAX_DOMAINS, description="Domains to remove from that list.")
    ] = frozenset()
    team_domains: Annotated[
        frozenset[DomainName],
        Meta(max_length=_MAX_DOMAINS, description="The team's domains. They never become a person, company or deal."),
    ] = frozenset()
    hosts_domains_are_ours: Annotated[
        bool,
        Meta(
            description="Whether people at the business domain of a meeting's host belong to the team in that meeting."
        ),
    ] = True
    team_emails: Annotated[
        frozenset[EmailAddress],
        Meta(max_length=_MAX_DOMAINS, description="The team's addresses at other domains, such as personal ones."),
    ] = frozenset()
    fresh_for: Annotated[Duration, Meta(description="Maximum age of an event that still causes deliveries.")] = (
        timedelta(hours=24)
    )
    remind_before: Annotated[
        tuple[Duration, ...], Meta(max_length=20, description="When to send reminders, before the meeting.")
    ] = (timedelta(hours=72), timedelta(hours=24), timedelta(hours=2))
    confirm_series: Annotated[
        Literal["once", "each"],
        Meta(description="Whether a series that was booked at once is confirmed in one mail, or each date in its own."),
    ] = "once"
    ask_for_outcome: Annotated[
        bool,
        Meta(
            description="Whether the host of a meeting is asked how it went, by mail and in Slack, if nobody has"
            " reported it 10 minutes after its end."
        ),
    ] = True
    series_wait: Annotated[
        Duration, Meta(description="How long the confirmation of a series waits for the series' other dates.")
    ] = timedelta(seconds=3)
    notify_guests: Annotated[
        bool, Meta(description="Whether all attendees are notified of a meeting, or only the booker.")
    ] = False
    mails_off: Annotated[
        frozenset[MailSwitch],
        Meta(
            max_length=30,
            description="Kinds of mail that are not sent, such as `confirmation`, `cancelled` or `reminder_72h`;"
            " `reminder` means all reminders. Other destinations still receive them.",
            examples=[["confirmation", "reminder_72h"]],
        ),
    ] = frozenset()
    follow_up: Annotated[bool, Meta(description="Whether people who missed a meeting are offered another.")] = False
    follow_up_after: Annotated[
        Duration, Meta(description="Delay after the meeting, or after the no-show was reported.")
    ] = timedelta(hours=2)
    follow_up_expires_after: Annotated[
        Duration, Meta(description="After this additional time, the follow-up is no longer sent.")
    ] = timedelta(days=3)
    follow_up_quiet_hours: Annotated[
        QuietHours,
        Meta(
            description="Start and end in the attendee's time zone; nothing is sent between. "
            "Equal values: no quiet hours.",
            examples=[["21:00", "08:00"]],
        ),
    ] = ("21:00", "08:00")
    follow_up_at_most_every: Annotated[Duration, Meta(description="Minimum time between a person's follow-ups.")] = (
        timedelta(days=30)
    )
    follow_up_rebook_url: Annotated[
        WebPage, Meta(description="Page to book another time. Empty: the page where the meeting was booked.")
    ] = ""

    def __post_init__(self) -> None:
        """Raise ValueError for stages between which meetings could not move a deal."""
        try:
            check_stages(self.stages)
        except InvalidValue as error:
            raise ValueError(f"stages {error}") from error

    def is_mailed(self, kind: str, before: timedelta | None = None) -> bool:
        """Return whether this kind of mail is sent; `before` is a reminder's time before the meeting."""
        if kind in self.mails_off:
            return False
        offsets = (name.partition("_")[2] for name in self.mails_off if name.startswith("reminder_"))
        return before is None or all(parse_short_duration(offset) != before for offset in offsets)

    def is_team(self, email: str) -> bool:
        """Return whether the address belongs to the team."""
        return email in self.team_emails or not self.team_domains.isdisjoint(mail_domain(email).parents)

    def own_domains(self, hosts: Iterable[str]) -> frozenset[str]:
        """Return the business domains of these hosts, which are the team's too in a meeting of theirs."""
        if not self.hosts_domains_are_ours:
            return frozenset()
        return frozenset(domain for host in hosts if (domain := self.company_domain(host)) is not None)

    def company_domain(self, email: str) -> str | None:
        """Return the company domain of the address, or None for an address that belongs to no company."""
        found = mail_domain(email)
        if not self.business_domains.isdisjoint(found.parents):
            return found.registrable or found.parents[0]
        if found.of_many is not None or not self.personal_domains.isdisjoint(found.parents):
            return None
        return found.registrable

    def why_no_company(self, email: str) -> str:
        """Return why the address belongs to no company, as the end of a sentence about its domain."""
        found = mail_domain(email)
        return "is a personal domain by your rules" if found.of_many is None else found.of_many


# The rules that are sets of domains or addresses.
ADDRESS_RULES = frozenset({"personal_domains", "business_domains", "team_domains", "team_emails"})
# The classification of an address does not depend on time: the newest value of these rules applies to all history.
TIMELESS_RULES = ADDRESS_RULES | {"hosts_domains_are_ours"}


class Amendment(Struct, frozen=True, kw_only=True):
    """New values for some rules from `since` on (None: all history); `at` and `order_key` are the manual event's."""

    changes: dict[str, Any]
    since: datetime | None
    order_key: str
    at: datetime


class RuleBook(Struct, frozen=True, kw_only=True):
    """The rules of a workspace over time: `versions[i]` applies from `since[i]` on. `amendments` made them."""

    since: tuple[datetime, ...] = (_BEGINNING,)
    versions: tuple[Rules, ...] = (Rules(),)
    amendments: tuple[Amendment, ...] = ()

    def at(self, moment: datetime) -> Rules:
        """Return the rules that apply to events at `moment`."""
        return self.versions[bisect_right(self.since, moment) - 1]

    def known_at(self, moment: datetime) -> "RuleBook":
        """Return the rules as they were at `moment`, before later changes of them; itself if there is none."""
        known = tuple(one for one in self.amendments if one.at <= moment)
        return self if len(known) == len(self.amendments) else rule_book(known)

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
    return RuleBook(since=tuple(moments), versions=tuple(versions), amendments=tuple(ordered))


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
