"""Defines the tables and keys of showup.toml, with their units and defaults; `settings` reads the file."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, TypeVar

from msgspec.structs import fields
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from showup.destinations.email.sender_fields import SenderFields
from showup.pipeline.rules import QuietHours, Rules
from showup.values.duration import MAX_DURATION, Duration, ShortDuration
from showup.values.email_address import EmailAddress
from showup.values.invalid_value import InvalidValue
from showup.values.png_image import MAX_BYTES, png_fault
from showup.values.struct_fields import field_type, model_field, with_fields
from showup.values.text_line import TextLine
from showup.values.time_of_day import check_time_of_day
from showup.values.time_zone import TimeZone
from showup.values.web_page import SecureAddress, WebPage, check_secure_address

# The table and key of each rule. All other keys of showup.toml are declared in the classes below.
RULE_KEYS: Final[Mapping[str, tuple[str, str]]] = {
    "cancel_deal": ("pipeline", "cancel_deal"),
    "meeting_ended": ("pipeline", "meeting_ended"),
    "stages": ("pipeline", "stages"),
    "personal_domains": ("pipeline", "personal_domains"),
    "business_domains": ("pipeline", "business_domains"),
    "team_domains": ("pipeline", "team_domains"),
    "team_emails": ("pipeline", "team_emails"),
    "hosts_domains_are_ours": ("pipeline", "hosts_domains_are_ours"),
    "ask_for_outcome": ("pipeline", "ask_for_outcome"),
    "fresh_for": ("pipeline", "fresh_for_hours"),
    "remind_before": ("reminders", "offsets_before"),
    "notify_guests": ("email", "guests"),
    "confirm_series": ("email", "confirm_series"),
    "series_wait": ("email", "series_wait"),
    "mails_off": ("email", "off"),
    "follow_up": ("no_show_follow_up", "enabled"),
    "follow_up_after": ("no_show_follow_up", "after"),
    "follow_up_expires_after": ("no_show_follow_up", "expires_after"),
    "follow_up_quiet_hours": ("no_show_follow_up", "quiet_hours"),
    "follow_up_at_most_every": ("no_show_follow_up", "at_most_every"),
    "follow_up_rebook_url": ("no_show_follow_up", "rebook_url"),
}

_MAX_HOURS: Final = MAX_DURATION // timedelta(hours=1)


def _parse_hours(value: Any) -> timedelta:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= _MAX_HOURS:
        raise InvalidValue(f"a number of hours from 1 to {_MAX_HOURS}")
    return timedelta(hours=value)


def _check_quiet_hours(value: Any) -> Any:
    try:
        begins, ends = value
        return check_time_of_day(begins), check_time_of_day(ends)
    except (InvalidValue, TypeError, ValueError):
        raise InvalidValue('two times of day, from and until, such as ["21:00", "08:00"]') from None


# The types that a person writes otherwise than JSON.
_NOTATION: Final[Mapping[Any, Any]] = {
    Duration: ShortDuration,
    tuple[Duration, ...]: tuple[ShortDuration, ...],
    QuietHours: Annotated[tuple[str, str], BeforeValidator(_check_quiet_hours)],
}
_Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")]
_Hours = Annotated[timedelta, BeforeValidator(_parse_hours)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


_TableClass = TypeVar("_TableClass", bound=_Table)


def _with_rules(table: str) -> Callable[[type[_TableClass]], type[_TableClass]]:
    """Return a class decorator that adds the rules of this table, with the defaults and constraints of `Rules`."""
    added = {}
    for rule in fields(Rules):
        rule_table, key = RULE_KEYS[rule.name]
        if rule_table == table:
            kind = _Hours if key == "fresh_for_hours" else field_type(rule)
            added[key] = model_field(rule, _NOTATION.get(kind, kind), rule.default)
    return with_fields(added)


@_with_rules("pipeline")
class PipelinePolicy(_Table):
    """Configures `[pipeline]`: how events move a deal, which domains are companies, and which people are our own."""


@_with_rules("reminders")
class RemindersPolicy(_Table):
    """Configures `[reminders]`: how long before a meeting its attendee is reminded, also for testing mode."""

    testing_offsets_before: tuple[ShortDuration, ...] = (
        timedelta(minutes=6),
        timedelta(minutes=3),
        timedelta(minutes=1),
    )


@_with_rules("email")
class EmailPolicy(_Table):
    """Configures `[email]`: how mail to attendees is sent.

    `retry_after`: the pauses before the second attempt, the third, and so on; by default there are three attempts.
    `templates`: a folder whose files replace the built-in templates. `calendar`: whether mails carry an .ics.
    """

    retry_after: tuple[ShortDuration, ...] = (timedelta(seconds=30), timedelta(minutes=2))
    templates: Path | None = None
    calendar: bool = True


@_with_rules("no_show_follow_up")
class FollowUpPolicy(_Table):
    """Configures `[no_show_follow_up]`: whether and when an attendee who missed a meeting is offered another one."""


class CalcomPolicy(_Table):
    """Configures `[calcom]`: how often bookings are compared with Cal.com's API, in whole minutes.

    `grace`: how long a webhook may be in transit before it counts as lost.
    """

    reconcile_every: ShortDuration = timedelta(minutes=15)
    grace: ShortDuration = timedelta(minutes=2)


class BackupPolicy(_Table):
    """Configures `[backup]`: where scheduled backups go, how often one is made, and how many are kept."""

    folder: Path | None = None
    every: ShortDuration = timedelta(hours=24)
    keep: Annotated[int, Field(ge=1, le=10_000)] = 14


class RetentionPolicy(_Table):
    """Configures `[retention]`: how long contents are kept that no record needs; without a value, forever.

    `unused_bodies` are those of webhooks without an effect: ignored, unreadable, refused and repeated ones.
    """

    unused_bodies: ShortDuration | None = None
    delivery_contents: ShortDuration | None = None
    delivery_attempts: ShortDuration | None = None
    sign_ins: ShortDuration | None = None
    chat: ShortDuration | None = None
    approvals: ShortDuration | None = None
    acknowledgements: ShortDuration | None = None
    privacy_log: ShortDuration | None = None

    def keep(self) -> dict[str, timedelta]:
        """Returns how long each kind is kept, without those that are kept forever."""
        return {name: age for name in type(self).model_fields if (age := getattr(self, name)) is not None}


def _read_logo(value: Any) -> Any:
    """Returns an https address as it is, and the contents of a PNG file."""
    if not isinstance(value, str) or ":" in value:
        return check_secure_address(value.strip()) if isinstance(value, str) else value
    path = Path(value)
    try:
        if not path.is_file():
            raise InvalidValue(f"an https address or a PNG file: there is no file {path}")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as fault:
        if isinstance(fault, InvalidValue):
            raise
        raise InvalidValue(f"an https address or a PNG file: {path} can't be read") from None
    if (because := png_fault(data)) is not None:
        raise InvalidValue(f"another PNG file than {path}: {because}")
    return data


Logo = Annotated[str | bytes, BeforeValidator(_read_logo)]


class SenderPolicy(SenderFields):
    """Configures one `[[senders]]` row: who sends mail for this booking page or organizer's domain, and their brand.

    `logo` and `logo_dark` are pictures that are shown 28 pixels high: https addresses, or PNG files, which become their
    contents.
    """

    model_config = _Table.model_config

    address: EmailAddress = Field(alias="from")
    logo: Logo | None = None
    logo_dark: Logo | None = None
    postal_address: TextLine | None = Field(default=None, alias="address")


class AgendaItemPolicy(_Table):
    """Configures one point of an agenda."""

    text: TextLine
    minutes: Annotated[int, Field(ge=1, le=600)] | None = None


class EventTypePolicy(_Table):
    """Configures `[event_types.SLUG]`: what mails say about one type of event.

    Texts may be tables with one text for each language. `place_zone` is the time zone of the place.
    """

    agenda: tuple[AgendaItemPolicy, ...] | dict[_Language, tuple[AgendaItemPolicy, ...]] = ()
    prepare: tuple[TextLine, ...] | dict[_Language, tuple[TextLine, ...]] = ()
    topic: TextLine | dict[_Language, TextLine] = ""
    arriving: TextLine | dict[_Language, TextLine] = ""
    place_zone: TimeZone | None = None
    who_calls: Literal["host", "attendee"] | None = None
    booking_page: WebPage | None = None
    only_translated: bool = False


class TeammatePolicy(_Table):
    """Configures `[teammates."EMAIL"]`: what mails say about a host."""

    role: TextLine | dict[_Language, TextLine] = ""
    bio: TextLine | dict[_Language, TextLine] = ""
    phone: TextLine = ""
    photo: SecureAddress | None = None


class Policy(_Table):
    """Holds all of showup.toml. The first entry of `senders` that matches is used."""

    pipeline: PipelinePolicy = PipelinePolicy()
    reminders: RemindersPolicy = RemindersPolicy()
    email: EmailPolicy = EmailPolicy()
    no_show_follow_up: FollowUpPolicy = FollowUpPolicy()
    calcom: CalcomPolicy = CalcomPolicy()
    backup: BackupPolicy = BackupPolicy()
    retention: RetentionPolicy = RetentionPolicy()
    senders: tuple[SenderPolicy, ...] = ()
    event_types: dict[str, EventTypePolicy] = {}
    teammates: dict[EmailAddress, TeammatePolicy] = {}
    # Settings of the connections from the environment; each destination knows its own settings and checks them.
    clickup: dict[str, Any] = {}
    notion: dict[str, Any] = {}
    prefect: dict[str, Any] = {}
    slack: dict[str, Any] = {}
    twilio: dict[str, Any] = {}
    emailbison: dict[str, Any] = {}

    @model_validator(mode="after")
    def _default_sender_is_last(self) -> Self:
        if any(sender.host is None and sender.domain is None for sender in self.senders[:-1]):
            raise ValueError("a sender without host and domain matches every booking: put it last")
        return self

    def sender_rows(self) -> list[dict[str, Any]]:
        """Returns the rows of the sender table, as plain values."""
        return [sender.model_dump() for sender in self.senders]

    @property
    def default_sender(self) -> str | None:
        """Returns the address of the last sender, which is for all other meetings; None if there is no sender."""
        return self.senders[-1].address if self.senders else None

    def team_texts(self) -> dict[str, Any]:
        """Returns the team's own texts in mails, as plain values."""
        return self.model_dump(include={"event_types", "teammates"})

    def rules(self, *, testing: bool = False) -> Rules:
        """Returns the rules; in testing mode, reminders are sent minutes instead of days before a meeting."""
        values = {rule: getattr(getattr(self, table), key) for rule, (table, key) in RULE_KEYS.items()}
        if testing:
            values["remind_before"] = self.reminders.testing_offsets_before
        return Rules(**values)

    def configured_rules(self) -> set[str]:
        """Returns the names of the rules that the file sets, also those that it sets to the default."""
        return {rule for rule, (table, key) in RULE_KEYS.items() if key in getattr(self, table).model_fields_set}
