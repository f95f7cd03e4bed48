"""Which rules each page of settings shows, in groups that are tried and saved together, and in whose words. Pure."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal, TypeAlias

from msgspec import Struct

from showup.commands.proposals import STAGE as PROPOSAL_STAGE
from showup.deals.deal import FIRST_STAGE, MET_STAGE

FieldKind: TypeAlias = Literal["choice", "lines", "stages", "durations", "duration", "hours", "page", "mails"]


class RuleAnswer(Struct, frozen=True, kw_only=True):
    """An answer: its value in the form, its words, what it means, and the mark of an attendance if it has one."""

    value: str
    title: str
    means: str
    mark: str | None = None


class RuleField(Struct, frozen=True, kw_only=True):
    """A rule as a form shows it; `label` is empty where the group's title says it."""

    rule: str
    kind: FieldKind
    label: str = ""
    help: str = ""
    options: Sequence[RuleAnswer] = ()


class RuleGroup(Struct, frozen=True, kw_only=True):
    """Rules that are saved together. `is_timeless`: they always hold for the whole history."""

    name: str
    title: str
    lead: str = ""
    fields: Sequence[RuleField]
    is_timeless: bool = False


def _yes_no(yes: str, yes_means: str, no: str, no_means: str) -> tuple[RuleAnswer, RuleAnswer]:
    return RuleAnswer(value="yes", title=yes, means=yes_means), RuleAnswer(value="no", title=no, means=no_means)


MAILS: Final[Mapping[str, str]] = {
    "confirmation": "Confirmation",
    "series": "Confirmation of a series",
    "reminder": "Reminders",
    "rescheduled": "Moved",
    "cancelled": "Cancelled",
    "reschedule_request": "The host asks for another time",
    "new_host": "Another host",
    "new_place": "Another place",
    "outcome": "To hosts: how did it go?",
}
"""The kinds of mail that a workspace can switch off."""
STAGE_WORDS: Final[Mapping[str, str]] = {
    FIRST_STAGE: "when a meeting is booked",
    MET_STAGE: "when a meeting was held",
    PROPOSAL_STAGE: "when a proposal is made",
}
"""When Showup moves a deal to a stage; people move deals to the others."""

_RULES: Final = (
    RuleGroup(
        name="ended",
        title="When a meeting has ended without a report",
        fields=(
            RuleField(
                rule="meeting_ended",
                kind="choice",
                options=(
                    RuleAnswer(
                        value="showed",
                        title="Assume it was held",
                        means="the deal moves to Met by the clock",
                        mark="assumed",
                    ),
                    RuleAnswer(
                        value="unreported",
                        title="Wait for a report",
                        means="the deal stays until a person says so",
                        mark="unreported",
                    ),
                ),
            ),
        ),
    ),
    RuleGroup(
        name="cancelled",
        title="When a meeting is cancelled",
        fields=(
            RuleField(
                rule="cancel_deal",
                kind="choice",
                options=(
                    RuleAnswer(value="always", title="Cancel its deal", means="unless a person moved it beyond Met"),
                    RuleAnswer(
                        value="last_meeting",
                        title="Only after the last meeting",
                        means="the deal stays while another is ahead",
                    ),
                ),
            ),
        ),
    ),
    RuleGroup(
        name="stages",
        title="Stages",
        lead="The path of a deal. Meetings move deals to Booked and Met, so these two stay.",
        fields=(RuleField(rule="stages", kind="stages", help="You can remove a stage that no active deal is in."),),
    ),
)
_REMINDERS: Final = (
    RuleGroup(
        name="when",
        title="When attendees are reminded",
        fields=(
            RuleField(
                rule="remind_before",
                kind="durations",
                label="Before the meeting",
                help="Such as 3d, 1d, 2h: days, hours or minutes before the start. Empty: no reminders.",
            ),
        ),
    ),
    RuleGroup(
        name="mails",
        title="Which mails go out",
        lead="What Cal.com mails by itself needs no second mail: people would get each twice.",
        fields=(
            RuleField(rule="mails_off", kind="mails", label="Showup mails"),
            RuleField(
                rule="notify_guests",
                kind="choice",
                label="To whom",
                options=_yes_no(
                    "All attendees",
                    "each guest too, in their own zone",
                    "Only who booked",
                    "guests get no mail",
                ),
            ),
            RuleField(
                rule="confirm_series",
                kind="choice",
                label="A series that is booked at once",
                options=(
                    RuleAnswer(value="once", title="One mail", means="with all its dates"),
                    RuleAnswer(value="each", title="One for each date", means="as if they were booked one by one"),
                ),
            ),
        ),
    ),
)
_OUTCOME: Final = (
    RuleGroup(
        name="ask",
        title="Asking the host",
        lead="Ten minutes after the end of a meeting that nobody has reported.",
        fields=(
            RuleField(
                rule="ask_for_outcome",
                kind="choice",
                options=_yes_no(
                    "Ask how it went", "by mail and in Slack, with answers to tap", "Don’t ask", "Today still shows it"
                ),
            ),
        ),
    ),
    RuleGroup(
        name="follow-up",
        title="After a no-show",
        lead="People who missed a meeting are offered another one, by a mail that they can unsubscribe from.",
        fields=(
            RuleField(
                rule="follow_up",
                kind="choice",
                options=_yes_no("Offer another time", "as below", "Don’t", "a person can still do it from the booking"),
            ),
            RuleField(
                rule="follow_up_after", kind="duration", label="After", help="Such as 2h, after the no-show is known."
            ),
            RuleField(
                rule="follow_up_expires_after", kind="duration", label="Not later than", help="Such as 3d after that."
            ),
            RuleField(
                rule="follow_up_quiet_hours",
                kind="hours",
                label="Quiet hours of the attendee",
                help="Such as 21:00 to 08:00. For none, enter the same time twice.",
            ),
            RuleField(
                rule="follow_up_at_most_every",
                kind="duration",
                label="To one person at most every",
                help="Such as 30d.",
            ),
            RuleField(
                rule="follow_up_rebook_url",
                kind="page",
                label="Page to book another time",
                help="Empty: the page where the meeting was booked.",
            ),
        ),
    ),
)
_DOMAINS: Final = (
    RuleGroup(
        name="team",
        title="Your own team",
        lead="People there never become a person, company or deal.",
        is_timeless=True,
        fields=(
            RuleField(
                rule="team_domains", kind="lines", label="Domains", help="One per line, such as ourbrand.example."
            ),
            RuleField(
                rule="team_emails",
                kind="lines",
                label="Addresses elsewhere",
                help="One per line: teammates’ personal addresses.",
            ),
            RuleField(
                rule="hosts_domains_are_ours",
                kind="choice",
                label="In a meeting, people at the host’s business domain",
                options=_yes_no("are ours too", "they came along", "are attendees", "like everybody else"),
            ),
        ),
    ),
    RuleGroup(
        name="personal",
        title="Personal domains",
        lead="An address at gmail.com says nothing of a company. Showup knows thousands of such domains.",
        is_timeless=True,
        fields=(
            RuleField(
                rule="personal_domains",
                kind="lines",
                label="More personal domains",
                help="One per line: domains that name no company.",
            ),
            RuleField(
                rule="business_domains",
                kind="lines",
                label="Companies after all",
                help="One per line: domains that Showup knows as personal, and that name a company.",
            ),
        ),
    ),
)
RULE_PAGES: Final[Mapping[str, Sequence[RuleGroup]]] = {
    "rules": _RULES,
    "reminders": _REMINDERS,
    "outcome": _OUTCOME,
    "domains": _DOMAINS,
}
LABELS: Final[Mapping[str, str]] = {
    one.rule: one.label or group.title for groups in RULE_PAGES.values() for group in groups for one in group.fields
}
