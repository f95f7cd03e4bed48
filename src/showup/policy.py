"""Defines the tables and keys of showup.toml, with their units and defaults; `settings` reads the file."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

_HOUR = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def _check_domain(text: str) -> str:
    domain = text.strip().lower().rstrip(".")
    if "." not in domain or set("@/: ") & set(domain):
        raise ValueError("should be a domain such as example.com")
    return domain


def _check_email(text: str) -> str:
    name, _, domain = text.strip().lower().rpartition("@")
    if not name:
        raise ValueError("should be an email address such as ann@example.com")
    return f"{name}@{_check_domain(domain)}"


def _parse_duration(value: object) -> object:
    if not isinstance(value, str):
        return value
    count, unit = value[:-1], _UNITS.get(value[-1:])
    if unit is None or not count.isdecimal() or int(count) == 0:
        raise ValueError("should be a duration such as 30s, 30m, 24h or 3d")
    return timedelta(**{unit: int(count)})


def _check_page_url(text: str) -> str:
    try:
        parts = urlsplit(text.strip())
    except ValueError:
        parts = urlsplit("no address")
    if text.strip() and (parts.scheme not in ("http", "https") or not parts.hostname):
        raise ValueError("should be an address such as https://cal.com/ann, or empty")
    return text.strip()


def _check_quiet_hours(value: object) -> object:
    match value:
        case [str(begins), str(ends)] if _HOUR.fullmatch(begins) and _HOUR.fullmatch(ends):
            return value
        case _:
            raise ValueError('should be two times of day, from and until, such as ["21:00", "08:00"]')


def _check_stages(names: tuple[str, ...]) -> tuple[str, ...]:
    if names[:1] != ("booked",) or "met" not in names or len(set(names)) < len(names):
        raise ValueError("should begin with 'booked', include 'met', and have no duplicates")
    return names


Stages = Annotated[tuple[str, ...], AfterValidator(_check_stages)]
Domain = Annotated[str, AfterValidator(_check_domain)]
EmailAddress = Annotated[str, AfterValidator(_check_email)]
Duration = Annotated[timedelta, BeforeValidator(_parse_duration)]
QuietHours = Annotated[tuple[str, str], BeforeValidator(_check_quiet_hours)]
PageUrl = Annotated[str, AfterValidator(_check_page_url)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class PipelinePolicy(_Table):
    """Configures `[pipeline]`: how events move a deal, which domains are companies, and which people are our own."""

    cancel_deal: Literal["always", "last_meeting"] = "always"
    meeting_ended: Literal["showed", "unreported"] = "showed"
    stages: Stages = ("booked", "met", "proposal", "negotiation")
    fresh_for_hours: Annotated[int, Field(gt=0)] = 24
    personal_domains: frozenset[Domain] = frozenset()
    business_domains: frozenset[Domain] = frozenset()
    team_domains: frozenset[Domain] = frozenset()
    team_emails: frozenset[EmailAddress] = frozenset()

    @property
    def fresh_for(self) -> timedelta:
        """Returns the maximum age of an event for which deliveries are still sent."""
        return timedelta(hours=self.fresh_for_hours)


class RemindersPolicy(_Table):
    """Configures `[reminders]`: how long before a meeting its attendee is reminded, also for testing mode."""

    offsets_before: tuple[Duration, ...] = (timedelta(hours=72), timedelta(hours=24), timedelta(hours=2))
    testing_offsets_before: tuple[Duration, ...] = (
        timedelta(minutes=6),
        timedelta(minutes=3),
        timedelta(minutes=1),
    )


class EmailPolicy(_Table):
    """Configures `[email]`: how mail to attendees is sent.

    `retry_after`: the pauses before the second attempt, the third, and so on; three attempts by default (seed 001).
    `templates`: a folder whose files replace the built-in templates. `calendar`: whether mails carry an .ics. `guests`:
    whether mail goes to all attendees or only to the booker.
    """

    retry_after: tuple[Duration, ...] = (timedelta(seconds=30), timedelta(minutes=2))
    templates: Path | None = None
    calendar: bool = True
    guests: bool = False


class FollowUpPolicy(_Table):
    """Configures `[no_show_follow_up]`: whether and when an attendee who missed a meeting is offered another one.

    `after`: the delay after the meeting, or after the no-show was reported. `expires_after`: the longest time after the
    meeting, in addition to `after`, at which the mail may still be sent. `quiet_hours`: from and until, in the
    attendee's time zone. `at_most_every`: the span in which a person gets at most one. `rebook_url`: if empty, the page
    on which the meeting was booked.
    """

    enabled: bool = False
    after: Duration = timedelta(hours=2)
    quiet_hours: QuietHours = ("21:00", "08:00")
    at_most_every: Duration = timedelta(days=30)
    expires_after: Duration = timedelta(days=3)
    rebook_url: PageUrl = ""


class CalcomPolicy(_Table):
    """Configures `[calcom]`: how often bookings are compared with Cal.com's API, in whole minutes.

    `grace`: how long a webhook may be in transit before it counts as lost.
    """

    reconcile_every: Duration = timedelta(minutes=15)
    grace: Duration = timedelta(minutes=2)


class SenderPolicy(_Table):
    """Configures one `[[senders]]` row: the address that sends mail for this booking page or organizer's domain."""

    host: Domain | None = None
    domain: Domain | None = None
    address: EmailAddress = Field(alias="from")


class Policy(_Table):
    """Holds all of showup.toml. The first entry of `senders` that matches is used."""

    pipeline: PipelinePolicy = PipelinePolicy()
    reminders: RemindersPolicy = RemindersPolicy()
    email: EmailPolicy = EmailPolicy()
    no_show_follow_up: FollowUpPolicy = FollowUpPolicy()
    calcom: CalcomPolicy = CalcomPolicy()
    senders: tuple[SenderPolicy, ...] = ()
    # Settings of the connections from the environment; each destination knows its own settings and checks them.
    clickup: dict[str, Any] = {}
    notion: dict[str, Any] = {}
    slack: dict[str, Any] = {}
    twilio: dict[str, Any] = {}

    @model_validator(mode="after")
    def _default_sender_is_last(self) -> Self:
        if any(sender.host is None and sender.domain is None for sender in self.senders[:-1]):
            raise ValueError("a sender without host and domain matches every booking: put it last")
        return self
