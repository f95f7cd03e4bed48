"""What showup.toml may say: the tables and keys, their units and defaults. `settings` reads the file."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

_HOUR = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def _domain(text: str) -> str:
    domain = text.strip().lower().rstrip(".")
    if "." not in domain or set("@/: ") & set(domain):
        raise ValueError("should be a domain such as example.com")
    return domain


def _email(text: str) -> str:
    name, _, domain = text.strip().lower().rpartition("@")
    if not name:
        raise ValueError("should be an email address such as ann@example.com")
    return f"{name}@{_domain(domain)}"


def _span(value: object) -> object:
    if not isinstance(value, str):
        return value
    count, unit = value[:-1], _UNITS.get(value[-1:])
    if unit is None or not count.isdecimal() or int(count) == 0:
        raise ValueError("should be a span of time such as 30s, 30m, 24h or 3d")
    return timedelta(**{unit: int(count)})


def _page(text: str) -> str:
    try:
        parts = urlsplit(text.strip())
    except ValueError:
        parts = urlsplit("no address")
    if text.strip() and (parts.scheme not in ("http", "https") or not parts.hostname):
        raise ValueError("should be an address such as https://cal.com/ann, or empty")
    return text.strip()


def _quiet_hours(value: object) -> object:
    match value:
        case [str(begins), str(ends)] if _HOUR.fullmatch(begins) and _HOUR.fullmatch(ends):
            return value
        case _:
            raise ValueError('should be two times of day, from and until, such as ["21:00", "08:00"]')


def _stages(names: tuple[str, ...]) -> tuple[str, ...]:
    if names[:1] != ("booked",) or "met" not in names or len(set(names)) < len(names):
        raise ValueError("should begin with 'booked', have 'met' among them, and name none twice")
    return names


Stages = Annotated[tuple[str, ...], AfterValidator(_stages)]
Domain = Annotated[str, AfterValidator(_domain)]
Email = Annotated[str, AfterValidator(_email)]
Span = Annotated[timedelta, BeforeValidator(_span)]
QuietHours = Annotated[tuple[str, str], BeforeValidator(_quiet_hours)]
Page = Annotated[str, AfterValidator(_page)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class PipelinePolicy(_Table):
    """`[pipeline]`: how news moves a deal, which domains are companies, and who is one of us."""

    cancel_deal: Literal["always", "last_meeting"] = "always"
    meeting_ended: Literal["showed", "unreported"] = "showed"
    stages: Stages = ("booked", "met", "proposal", "negotiation")
    fresh_for_hours: Annotated[int, Field(gt=0)] = 24
    personal_domains: frozenset[Domain] = frozenset()
    business_domains: frozenset[Domain] = frozenset()
    team_domains: frozenset[Domain] = frozenset()
    team_emails: frozenset[Email] = frozenset()

    @property
    def fresh_for(self) -> timedelta:
        """How old news may be and still be told to the outside."""
        return timedelta(hours=self.fresh_for_hours)


class RemindersPolicy(_Table):
    """`[reminders]`: how long before a meeting its attendee is reminded, and the same for trying it out."""

    offsets_before: tuple[Span, ...] = (timedelta(hours=72), timedelta(hours=24), timedelta(hours=2))
    testing_offsets_before: tuple[Span, ...] = (
        timedelta(minutes=6),
        timedelta(minutes=3),
        timedelta(minutes=1),
    )


class EmailPolicy(_Table):
    """`[email]`: how attendees are written to.

    `retry_after`: the pauses before the second attempt, the third …; three attempts unless said otherwise (seed 001).
    `templates`: a folder whose files replace ours. `calendar`: whether mails carry an .ics. `guests`: whether all
    attendees are written to, and not the booker alone.
    """

    retry_after: tuple[Span, ...] = (timedelta(seconds=30), timedelta(minutes=2))
    templates: Path | None = None
    calendar: bool = True
    guests: bool = False


class FollowUpPolicy(_Table):
    """`[no_show_follow_up]`: whether and when who missed a meeting is offered another.

    `after`: after the meeting, or after we heard that it was missed; `expires_after`: how much later than that after
    the meeting it may be sent at most. `quiet_hours`: from and until, where the attendee is. `at_most_every`: one to a
    person in that span. `rebook_url`: empty for the page on which the meeting was booked.
    """

    enabled: bool = False
    after: Span = timedelta(hours=2)
    quiet_hours: QuietHours = ("21:00", "08:00")
    at_most_every: Span = timedelta(days=30)
    expires_after: Span = timedelta(days=3)
    rebook_url: Page = ""


class CalcomPolicy(_Table):
    """`[calcom]`: how often bookings are compared with Cal.com's API, to the minute.

    `grace`: how long a webhook may be on its way before it counts as lost.
    """

    reconcile_every: Span = timedelta(minutes=15)
    grace: Span = timedelta(minutes=2)


class Sender(_Table):
    """A `[[senders]]` row: the address that mail for this booking page or organizer's domain comes from."""

    host: Domain | None = None
    domain: Domain | None = None
    address: Email = Field(alias="from")


class Policy(_Table):
    """All of showup.toml. The first of the `senders` that matches is taken."""

    pipeline: PipelinePolicy = PipelinePolicy()
    reminders: RemindersPolicy = RemindersPolicy()
    email: EmailPolicy = EmailPolicy()
    no_show_follow_up: FollowUpPolicy = FollowUpPolicy()
    calcom: CalcomPolicy = CalcomPolicy()
    senders: tuple[Sender, ...] = ()
    # What the connections say that the environment makes; each destination knows its own settings, and checks them.
    clickup: dict[str, Any] = {}
    notion: dict[str, Any] = {}
    slack: dict[str, Any] = {}
    twilio: dict[str, Any] = {}

    @model_validator(mode="after")
    def _default_sender_is_last(self) -> Self:
        if any(sender.host is None and sender.domain is None for sender in self.senders[:-1]):
            raise ValueError("a row of senders without host and domain matches everything: put it last")
        return self
